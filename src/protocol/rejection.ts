/** Why an event was not accepted. A closed set: it is a metric label and the `reason` of a dead letter. */
export const RejectReason = {
  syntax: 'syntax',
  tooLarge: 'too_large',
  tooDeep: 'too_deep',
  tooLong: 'too_long',
  missingField: 'missing_field',
  unknownType: 'unknown_type',
  fieldType: 'field_type',
  timestamp: 'timestamp',
  future: 'future',
  wrongPartition: 'wrong_partition',
  unsupported: 'unsupported',
  customersFull: 'customers_full',
  dictionaryFull: 'dictionary_full',
  memoryFull: 'memory_full',
} as const;
export type RejectReason = (typeof RejectReason)[keyof typeof RejectReason];

export interface Rejection {
  /** Index of the event within its record (0 for a message that holds one event). */
  readonly index: number;
  readonly reason: RejectReason;
  /** Names the place and the remedy, e.g. `data.total: expected double, got string "12,50"`. */
  readonly error: string;
}

/** Why a candidate decision was not made. INTERFACE: every candidate that loses is counted under exactly one of these. */
export const SuppressReason = {
  late: 'late',
  expired: 'expired',
  holdout: 'holdout',
  limit: 'limit',
  budget: 'budget',
  offer: 'offer',
  cooldown: 'cooldown',
  consent: 'consent',
  quietHours: 'quiet_hours',
  cap: 'cap',
  outranked: 'outranked',
  cancelled: 'cancelled',
  superseded: 'superseded',
  withdrawn: 'withdrawn',
  shadow: 'shadow',
  /** A gap of the policy had not passed since the last contact. */
  gap: 'gap',
  /** Another campaign of an exclusion had contacted the customer. */
  excluded: 'excluded',
  /** Its predicate no longer held when it was asked again after a wait. */
  lapsed: 'lapsed',
  /** The partition, or the customer, has no room for another wait. */
  full: 'full',
} as const;
export type SuppressReason = (typeof SuppressReason)[keyof typeof SuppressReason];
