/** Where a partition's effects go: files beside the write-ahead log (embedded), or JetStream. */
import type { Effects } from '../machine/effects.ts';

/**
 * Order laws:
 *  - add() is given effects of durable records only, in order; what replay derives again comes again under the same numbers, and is not stored twice;
 *  - a snapshot is committed only once `durable` has said yes for everything up to its position, because replay no longer derives that then.
 */
export interface EffectSink {
  /** Decisions and dead letters of one record, stamped with its time. */
  add(recordTs: number, effects: Effects): void;
  /** Sends on what was added since the last flush. */
  flush(): void;
  /** Whether the decision and the dead letter of these numbers, and all before them, are durable; may make them so. */
  durable(decision: number, deadLetter: number): boolean;
  close(): void;
}
