/** How records get into the partitions' logs from this node's main thread. */
import type { Rejection } from '../protocol/rejection.ts';
import type { AppliedPosition } from './messages.ts';

export interface EventPayload {
  readonly partition: number;
  readonly payload: Uint8Array;
  /** How many events it holds. */
  readonly events: number;
}

export interface SubmitOutcome {
  readonly accepted: number;
  readonly repeated: number;
  readonly rejections: readonly Rejection[];
}

export interface DecideResult {
  readonly rejection: Rejection | null;
  readonly repeated: boolean;
  /** JSON of each. */
  readonly decisions: readonly Uint8Array[];
}

export interface Ingest {
  /** Resolves once durable, in the order of the batches; null when it cannot keep up. Rejects with IngestError if the log does not take one of them; others may be stored. The embedded log has applied them then, too. */
  submit(batches: readonly EventPayload[]): Promise<readonly SubmitOutcome[]> | null;
  /** One event that somebody waits for: durable and decided. null when it cannot keep up. Rejects with IngestError if nobody could answer; it may be stored. */
  decide(batch: EventPayload): Promise<DecideResult> | null;
  /** Appends a workspace record. Returns what the partition's state objected to, or null; null, too, where that is only known later. */
  activate(partition: number, workspaceJson: Uint8Array, version: number): Promise<string | null>;
  /** What was acknowledged here and may not be applied yet: reads wait for it. */
  acknowledged(): readonly AppliedPosition[];
}
