/**
 * All shard workers, seen from the main thread: routes what is for a partition to the worker that hosts it, from outside and from partitions of other workers, and
 * puts the workers' answers together.
 */
import { SETTLE_MS_MAX } from '../constants.ts';
import type { WaitingList } from '../protocol/waiting.ts';
import type { WhyStanding } from '../replay/why/standing.ts';
import type { Program } from '../rules/program.ts';
import { assert } from '../stdx/assert.ts';
import {
  type AppliedPosition,
  type CampaignTally,
  type FromShard,
  type OpenRows,
  type PartitionRows,
  type PartitionSource,
  type PartitionStatus,
  type RowsChunk,
  type ShardOptions,
  type ShardQuery,
  SubmissionKind,
  type SubmissionOutcome,
} from './messages.ts';
import { type ShardEvents, ShardHandle } from './shard-handle.ts';
import { sumTallies } from './tallies.ts';
import { mergeWaiting } from './waiting-lists.ts';

export class Shards {
  readonly #handles: readonly ShardHandle[];
  readonly #partitions: number;
  /** Reads see what was acknowledged before them: they wait until this is applied. Set once there is an ingest. */
  acknowledged: () => readonly AppliedPosition[] = () => [];
  /** Records of messages that went from one worker to another. */
  #relayed = 0;

  constructor(options: readonly ShardOptions[], nodeEvents: Omit<ShardEvents, 'message'>) {
    const events = { ...nodeEvents, message: (...told: Parameters<ShardEvents['message']>) => this.#relay(...told) };
    this.#partitions = options[0]?.partitionsTotal ?? 0;
    this.#handles = options.map((shard) => new ShardHandle(shard, events));
  }

  /** Resolves when every partition has recovered from its files, in partition order. */
  async ready(): Promise<readonly PartitionStatus[]> {
    const statuses = inOrder(await Promise.all(this.#handles.map((handle) => handle.ready)));
    assert(statuses.length === this.#partitions, `${statuses.length} of ${this.#partitions} partitions are hosted`);
    return statuses;
  }

  /** Once everything is ready for what the shards do by themselves. */
  start(): void {
    for (const handle of this.#handles) handle.start();
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
    return (await this.#ask(partition, { kind: 'customer', partition, id })) as object | null;
  }

  /** For whoever asks why; everything that was acknowledged is applied there. */
  async standing(partition: number, customer: string, campaign: string | null): Promise<WhyStanding> {
    return (await this.#ask(partition, { kind: 'standing', partition, customer, campaign })) as WhyStanding;
  }

  async campaigns(): Promise<readonly CampaignTally[]> {
    return sumTallies(((await this.#all({ kind: 'campaigns' })) as CampaignTally[][]).flat());
  }

  async waiting(campaign: string, limit: number): Promise<WaitingList> {
    const answers = (await this.#all({ kind: 'waiting', campaign, limit })) as WaitingList[][];
    return mergeWaiting(answers.flat(), limit);
  }

  /** What a scan needs of each partition, in partition order; null: this is not the version that every one of them has. */
  async audienceSources(where: Program, workspaceVersion: number): Promise<readonly PartitionSource[] | null> {
    const answers = await this.#all({ kind: 'audience', where, workspaceVersion });
    return answers.includes(null) ? null : inOrder(answers as PartitionSource[][]);
  }

  /** How many of the rows that a scan left open the predicate holds for; null: the workspace changed meanwhile. */
  async audienceRest(where: Program, workspaceVersion: number, parts: readonly OpenRows[]): Promise<number | null> {
    const counts = await this.#split(parts, (own) => ({ kind: 'audienceRest', where, workspaceVersion, parts: own }));
    return counts.includes(null) ? null : (counts as number[]).reduce((sum, count) => sum + count, 0);
  }

  /** Leaves of some rows those with places up to `atMost`; returns these places. */
  async audienceSample(parts: readonly PartitionRows[], salt: string, atMost: number): Promise<Uint32Array[]> {
    const places = await this.#split(parts, (own) => ({ kind: 'audienceSample', parts: own, salt, atMost }));
    return places as Uint32Array[];
  }

  /** null: a field is not there any more. */
  audienceRows(query: Extract<ShardQuery, { kind: 'audienceRows' }>): Promise<RowsChunk | null> {
    return this.#host(query.partition).query(query, []) as Promise<RowsChunk | null>;
  }

  /** Where every partition stands now, in partition order. */
  async statuses(): Promise<readonly PartitionStatus[]> {
    return inOrder((await this.#all({ kind: 'statuses' })) as PartitionStatus[][]);
  }

  /** What a scrape reads next is as things are now; it waits for nothing, least of all for a backlog. */
  async refreshMetrics(): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.query({ kind: 'metrics' }, [])));
  }

  /** No worker ends before what its partitions say to others has been taken, and what those answer: a round in which nothing was said is the last. */
  async stop(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS_MAX;
    for (let before = -1; before !== this.#relayed && performance.now() < deadline; ) {
      before = this.#relayed;
      await Promise.all(this.#handles.map((handle) => handle.settle()));
    }
    await Promise.all(this.#handles.map((handle) => handle.stop()));
  }

  #relay(worker: number, { ticket, to, payload }: Extract<FromShard, { type: 'message' }>): void {
    this.#relayed += 1;
    // One whose worker fails is never answered: the process ends then.
    void this.append(to, SubmissionKind.message, payload).then(() => this.#handles[worker]?.delivered(ticket));
  }

  #ask(partition: number, query: ShardQuery): Promise<unknown> {
    const after = this.acknowledged().filter(([acknowledged]) => acknowledged === partition);
    return this.#host(partition).query(query, after);
  }

  #all(query: Extract<ShardQuery, { kind: 'campaigns' | 'waiting' | 'audience' | 'statuses' }>): Promise<unknown[]> {
    const after = this.acknowledged();
    return Promise.all(this.#handles.map((handle) => handle.query(query, after)));
  }

  /** Asks each worker about its own of these parts; the caller has waited for what was acknowledged already. */
  #split<Part extends { readonly partition: number }>(
    parts: readonly Part[],
    queryOf: (own: readonly Part[]) => ShardQuery,
  ): Promise<unknown[]> {
    const workers = this.#handles.length;
    const byWorker = this.#handles.map((_, worker) => parts.filter(({ partition }) => partition % workers === worker));
    return Promise.all(
      byWorker.flatMap((own, worker) =>
        own.length === 0 ? [] : [(this.#handles[worker] as ShardHandle).query(queryOf(own), [])],
      ),
    );
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
