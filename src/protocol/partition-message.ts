/**
 * What one partition says to another: the payload of a `message` record in the other's log. Messages from one partition to another are numbered 1, 2, 3 … without
 * gaps in the sender's state, and taken in that order, each once: whatever comes again is passed over, so they may be sent as often as it takes.
 */

/**
 * Units of a budget or limit. Its keeper, the partition that its key hashes to, lends units to holders; a decision needs one in hand. Keys: `offer/<id>`,
 * `total/<campaign>`, `day/<campaign>/<days since 1970-01-01 in the workspace's zone>`.
 */
export type LeaseMessage =
  /**
   * Holder → keeper: decisions wait for `units` of it; 0: none does yet, but units in hand run low. `version`: of the asker's workspace; the keeper answers when it
   * has that one too. Each ask is answered by one grant or one deny, and no holder has two open for a key.
   */
  | { readonly kind: 'ask'; readonly key: string; readonly units: number; readonly version: number }
  /** 0 units: there are none to spare for decisions still to come. */
  | { readonly kind: 'grant'; readonly key: string; readonly units: number }
  /** Keeper → holder: all units are in use; none will come until `available`. */
  | { readonly kind: 'deny'; readonly key: string }
  | { readonly kind: 'available'; readonly key: string }
  /** Keeper → holder: others wait; give back what is not in use. `round`: 1, 2, 3 … per key and holder. */
  | { readonly kind: 'recall'; readonly key: string; readonly round: number }
  /**
   * Holder → keeper. `undecided`: units set aside for decisions that wait for something else; more may come back. `round`: of the last recall seen, 0 before the first.
   */
  | {
      readonly kind: 'return';
      readonly key: string;
      readonly units: number;
      readonly undecided: number;
      readonly round: number;
    };

export type PartitionMessage = LeaseMessage;

/** A record's payload, as JSON in UTF-8. */
export interface MessageRecord {
  readonly from: number;
  /** Number of messages[0]; the others follow. */
  readonly first: number;
  readonly messages: readonly PartitionMessage[];
}
