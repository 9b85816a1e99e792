/** Into the embedded log: the shard that hosts a partition stamps the record, makes it durable, applies it and answers. */

import type { BatchOutcome, DecideOutcome, EventBatch } from '../protocol/ingest.ts';
import type { DecisionFeed } from './decision-feed.ts';
import type { Ingest } from './ingest.ts';
import { type AppliedPosition, SubmissionKind } from './messages.ts';
import type { Shards } from './shards.ts';

export class EmbeddedIngest implements Ingest {
  readonly #shards: Shards;
  readonly #feed: DecisionFeed;

  constructor(shards: Shards, feed: DecisionFeed) {
    this.#shards = shards;
    this.#feed = feed;
  }

  /** All or nothing is admitted. */
  submit(batches: readonly EventBatch[]): Promise<readonly BatchOutcome[]> | null {
    if (!this.#shards.hasRoom) return null;
    return Promise.all(
      batches.map(({ partition, payload }) => this.#shards.append(partition, SubmissionKind.events, payload)),
    );
  }

  decide({ partition, payload }: EventBatch): Promise<DecideOutcome> | null {
    return this.#shards.hasRoom ? this.#decide(partition, payload) : null;
  }

  async activate(partition: number, workspaceJson: Uint8Array): Promise<string | null> {
    return (await this.#shards.append(partition, SubmissionKind.workspace, workspaceJson)).workspaceError;
  }

  async fill(partition: number, payload: Uint8Array): Promise<void> {
    await this.#shards.append(partition, SubmissionKind.fill, payload);
  }

  /** Whoever was answered finds it applied. */
  acknowledged(): readonly AppliedPosition[] {
    return [];
  }

  async #decide(partition: number, payload: Uint8Array): Promise<DecideOutcome> {
    const outcome = await this.#shards.append(partition, SubmissionKind.decide, payload);
    const repeated = outcome.repeated > 0;
    const decisions = repeated
      ? await this.#feed.readRange(partition, outcome.originalFirst, outcome.originalCount)
      : outcome.decisions;
    return { rejection: outcome.rejections[0] ?? null, repeated, decisions, waiting: outcome.waiting };
  }
}
