/** What goes into the logs from a node's own doors, and what comes of it: the words that gateway and worker share. */
import type { Rejection } from './rejection.ts';

/** One record for one partition, cut out of a request body. */
export interface EventBatch {
  readonly partition: number;
  /**
   * JSON or MessagePack, one event or an array: what a record of kind `events` carries. At most RECORD_BYTES_MAX. It is the whole of an
   * ArrayBuffer of its own, and the engine's to keep or to transfer.
   */
  readonly payload: Uint8Array;
  /** How many events the payload holds, as the body was cut up. */
  readonly events: number;
}

/** What became of one EventBatch, once durable and applied. */
export interface BatchOutcome {
  readonly accepted: number;
  /** Remembered ids: counted and ignored. They are among `accepted` for the producer. */
  readonly repeated: number;
  readonly rejections: readonly Rejection[];
}

export interface DecideOutcome {
  readonly rejection: Rejection | null;
  readonly repeated: boolean;
  /** JSON bytes of each Decision. */
  readonly decisions: readonly Uint8Array[];
  /** Campaigns that won and still wait for a unit of a budget or limit when the answer cannot be held back any longer. */
  readonly waiting: readonly string[];
}
