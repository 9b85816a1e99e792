/**
 * All shard workers, seen from the main thread: routes what is for a partition to the worker that hosts it, and puts the workers' answers together.
 */
import type { Program } from '../rules/program.ts';
import { assert } from '../stdx/assert.ts';
import type {
  AppliedPosition,
  AudienceTally,
  CampaignTally,
  PartitionStatus,
  ShardOptions,
  ShardQuery,
  SubmissionKind,
  SubmissionOutcome,
} from './messages.ts';
import { type ShardEvents, ShardHandle } from './shard-handle.ts';
import { sumTallies } from './tallies.ts';

export class Shards {
  readonly #handles: readonly ShardHandle[];
  readonly #partitions: number;
  /** Reads see what was acknowledged before them: they wait until this is applied. Set once there is an ingest. */
  acknowledged: () => readonly AppliedPosition[] = () => [];

  constructor(options: readonly ShardOptions[], events: ShardEvents) {
    this.#partitions = options[0]?.partitionsTotal ?? 0;
    this.#handles = options.map((shard) => new ShardHandle(shard, events));
  }

  /** Resolves when every partition has recovered from its files, in partition order. */
  async ready(): Promise<readonly PartitionStatus[]> {
    const statuses = inOrder(await Promise.all(this.#handles.map((handle) => handle.ready)));
    assert(statuses.length === this.#partitions, `${statuses.length} of ${this.#partitions} partitions are hosted`);
    return statuses;
  }

  /** Ask before append() for what producers send. */
  get hasRoom(): boolean {
    return this.#handles.every((handle) => handle.hasRoom);
  }

  /** Into the embedded log of the partition; resolves once durable and applied. */
  append(partition: number, kind: SubmissionKind, payload: Uint8Array): Promise<SubmissionOutcome> {
    return this.#host(partition).append(partition, kind, payload);
  }

  async customer(partition: number, id: string): Promise<object | null> {
    const after = this.acknowledged().filter(([acknowledged]) => acknowledged === partition);
    return (await this.#host(partition).query({ kind: 'customer', partition, id }, after)) as object | null;
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

  /** Where every partition stands now, in partition order. */
  async statuses(): Promise<readonly PartitionStatus[]> {
    return inOrder((await this.#all({ kind: 'statuses' })) as PartitionStatus[][]);
  }

  /** What a scrape reads next is as things are now; it waits for nothing, least of all for a backlog. */
  async refreshMetrics(): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.query({ kind: 'metrics' }, [])));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.stop()));
  }

  #all(query: Exclude<ShardQuery, { kind: 'customer' }>): Promise<unknown[]> {
    const after = this.acknowledged();
    return Promise.all(this.#handles.map((handle) => handle.query(query, after)));
  }

  #host(partition: number): ShardHandle {
    const handle = this.#handles[partition % this.#handles.length];
    assert(handle && partition < this.#partitions, `partition ${partition} exists`);
    return handle;
  }
}

function inOrder<Part extends { readonly partition: number }>(parts: readonly (readonly Part[])[]): Part[] {
  return parts.flat().sort((a, b) => a.partition - b.partition);
}
