/** How records get into the partitions' logs from this node's main thread. */
import type { BatchOutcome, DecideOutcome, EventBatch } from '../protocol/ingest.ts';
import type { AppliedPosition } from './messages.ts';

export interface Ingest {
  /** Resolves once durable, in the order of the batches; null when it cannot keep up. Rejects with IngestError if the log does not take one of them; others may be stored. The embedded log has applied them then, too. */
  submit(batches: readonly EventBatch[]): Promise<readonly BatchOutcome[]> | null;
  /** One event that somebody waits for: durable and decided. null when it cannot keep up. Rejects with IngestError if nobody could answer; it may be stored. */
  decide(batch: EventBatch): Promise<DecideOutcome> | null;
  /** Appends a workspace record. Returns what the partition's state objected to, or null; null, too, where that is only known later. */
  activate(partition: number, workspaceJson: Uint8Array, version: number): Promise<string | null>;
  /** Appends a record of a filling of new aggregates; `name` tells it from others of this partition. Resolves once durable. */
  fill(partition: number, payload: Uint8Array, name: string): Promise<void>;
  /** What was acknowledged here and may not be applied yet: reads wait for it. */
  acknowledged(): readonly AppliedPosition[];
}
