/** The log record: the only thing that may change a partition's state. */

export const RecordKind = {
  /** One message of a producer: one event or an array of events, JSON or MessagePack, exactly as it came. */
  events: 1,
  /** Lets log time advance while nothing arrives. Empty payload. */
  tick: 2,
  /** Activates a workspace version from this record on. Payload: the compiled workspace as JSON. */
  workspace: 3,
  /** From another partition. */
  message: 4,
  /** Fills new aggregates from history: see machine/fill/fill-record.ts. */
  fill: 5,
} as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/**
 * Order law: *a record is durable before its effects leave the partition.* Embedded: fsynced in the write-ahead log; in a cluster: stored by JetStream.
 */
export interface LogRecord {
  /** 1, 2, 3 … without gaps within a partition. */
  readonly seq: number;
  /** Given by the log, epoch milliseconds, never less than the record's before it. */
  readonly ts: number;
  readonly kind: RecordKind;
  readonly payload: Uint8Array;
}
