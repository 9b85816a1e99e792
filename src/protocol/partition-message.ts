/**
 * What one partition says to another: the payload of a `message` record in the other's log. Messages from one partition to another are numbered 1, 2, 3 … without
 * gaps in the sender's state, and taken in that order, each once: whatever comes again is passed over, so they may be sent as often as it takes.
 */

/**
 * Units of a budget or limit. Its keeper, the partition that its key hashes to, lends units to holders; a decision needs one in hand. Keys: `offer/<id>`,
 * `total/<campaign>`, `day/<campaign>/<days since 1970-01-01 in the workspace's zone>`.
 */
export type LeaseMessage =
  /** Holder → keeper: decisions wait for `units` of it. */
  | { readonly kind: 'ask'; readonly key: string; readonly units: number }
  | { readonly kind: 'grant'; readonly key: string; readonly units: number }
  /** Keeper → holder: all units are in use; none will come until `available`. */
  | { readonly kind: 'deny'; readonly key: string }
  | { readonly kind: 'available'; readonly key: string }
  /** Keeper → holder: others wait; give back what is not in use. */
  | { readonly kind: 'recall'; readonly key: string }
  /** Holder → keeper. `undecided`: units set aside for decisions that wait for something else; more may come back. */
  | { readonly kind: 'return'; readonly key: string; readonly units: number; readonly undecided: number };

export type PartitionMessage = LeaseMessage;

/** A record's payload, as JSON in UTF-8. */
export interface MessageRecord {
  readonly from: number;
  /** Number of messages[0]; the others follow. */
  readonly first: number;
  readonly messages: readonly PartitionMessage[];
}
