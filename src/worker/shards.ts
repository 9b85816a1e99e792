/**
 * All shard workers, seen from the main thread: routes what is for a partition to the worker that hosts it, and puts the workers' answers together.
 */
import type { Rejection } from '../protocol/rejection.ts';
import type { Program } from '../rules/program.ts';
import { assert } from '../stdx/assert.ts';
import type { DecisionFeed } from './decision-feed.ts';
import type {
  AudienceTally,
  CampaignTally,
  PartitionDigest,
  PartitionStatus,
  ShardOptions,
  ShardQuery,
  SubmissionOutcome,
} from './messages.ts';
import { SubmissionKind } from './messages.ts';
import { type ShardEvents, ShardHandle } from './shard-handle.ts';
import { sumTallies } from './tallies.ts';

export interface PartitionPayload {
  readonly partition: number;
  readonly payload: Uint8Array;
}

export interface DecideResult {
  readonly rejection: Rejection | null;
  readonly repeated: boolean;
  readonly decisions: readonly Uint8Array[];
}

export class Shards {
  readonly #handles: readonly ShardHandle[];
  readonly #partitions: number;
  readonly #feed: DecisionFeed;

  constructor(options: readonly ShardOptions[], feed: DecisionFeed, events: Omit<ShardEvents, 'applied'>) {
    this.#feed = feed;
    this.#partitions = options[0]?.partitionsTotal ?? 0;
    this.#handles = options.map(
      (shard) =>
        new ShardHandle(shard, {
          ...events,
          applied: (message) => {
            for (const batch of message.decisions) feed.announce(batch);
          },
        }),
    );
  }

  /** Resolves when every partition has recovered, in partition order. */
  async ready(): Promise<readonly PartitionStatus[]> {
    const statuses = (await Promise.all(this.#handles.map((handle) => handle.ready)))
      .flat()
      .sort((a, b) => a.partition - b.partition);
    assert(statuses.length === this.#partitions, `${statuses.length} of ${this.#partitions} partitions are hosted`);
    for (const status of statuses) this.#feed.resume(status.partition, status.nextDecision);
    return statuses;
  }

  /** All or nothing is admitted: null when the workers cannot keep up. Outcomes in the order of the batches, once durable and applied. */
  submit(batches: readonly PartitionPayload[]): Promise<readonly SubmissionOutcome[]> | null {
    if (!this.#handles.every((handle) => handle.hasRoom)) return null;
    return Promise.all(
      batches.map((batch) => this.#host(batch.partition).append(batch.partition, SubmissionKind.events, batch.payload)),
    );
  }

  /** One event that somebody waits for. */
  decide(batch: PartitionPayload): Promise<DecideResult> | null {
    const host = this.#host(batch.partition);
    if (!host.hasRoom) return null;
    return host
      .append(batch.partition, SubmissionKind.decide, batch.payload)
      .then((outcome) => this.#decisionsOf(batch.partition, outcome));
  }

  /** Appends a workspace record to one partition. Returns what the partition's state objected to, or null. */
  async activate(partition: number, workspaceJson: Uint8Array): Promise<string | null> {
    const outcome = await this.#host(partition).append(partition, SubmissionKind.workspace, workspaceJson);
    return outcome.workspaceError;
  }

  async customer(partition: number, id: string): Promise<object | null> {
    return (await this.#host(partition).query({ kind: 'customer', partition, id })) as object | null;
  }

  async campaigns(): Promise<readonly CampaignTally[]> {
    return sumTallies(((await this.#all({ kind: 'campaigns' })) as CampaignTally[][]).flat());
  }

  /** null: the workspace changed meanwhile, or is not the one that the predicate was checked against; ask again. */
  async countAudience(where: Program, workspaceVersion: number): Promise<AudienceTally | null> {
    const tallies = (await this.#all({ kind: 'audience', where, workspaceVersion })) as (AudienceTally | null)[];
    let [count, customers] = [0, 0];
    for (const tally of tallies) {
      if (tally === null) return null;
      count += tally.count;
      customers += tally.customers;
    }
    return { count, customers };
  }

  /** State digest of every partition, in partition order. */
  async digests(): Promise<readonly string[]> {
    const digests = ((await this.#all({ kind: 'digests' })) as PartitionDigest[][]).flat();
    return digests.sort((a, b) => a.partition - b.partition).map((digest) => digest.digest);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.stop()));
  }

  async #decisionsOf(partition: number, outcome: SubmissionOutcome): Promise<DecideResult> {
    const repeated = outcome.repeated > 0;
    const decisions = repeated
      ? await this.#feed.readRange(partition, outcome.originalFirst, outcome.originalCount)
      : outcome.decisions;
    return { rejection: outcome.rejections[0] ?? null, repeated, decisions };
  }

  #all(query: Exclude<ShardQuery, { kind: 'customer' }>): Promise<unknown[]> {
    return Promise.all(this.#handles.map((handle) => handle.query(query)));
  }

  #host(partition: number): ShardHandle {
    const handle = this.#handles[partition % this.#handles.length];
    assert(handle && partition < this.#partitions, `partition ${partition} exists`);
    return handle;
  }
}
