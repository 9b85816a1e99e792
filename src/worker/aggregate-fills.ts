/**
 * Fills the new aggregates of a version from history before it is published: what the machine does with the records is told in machine/fill/filling.ts.
 *
 * Partition after partition: its begin record; a replay of its history up to there, in the background; the records of images; the end. So a journal lasts as long as the reading of one partition's
 * history, and the aggregates are complete in all partitions before the version is kept. Order law: *an end record is applied in every partition before the version is saved.* Whatever interrupts it leaves
 * partitions that go on by the active version; `abandon` gives them up at the next start.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FILL_LOOK_MS, FILL_READ_MS_MAX } from '../constants.ts';
import { encodeBegin, encodeCancel, encodeEnd } from '../machine/fill/fill-record.ts';
import type { FillStatus } from '../machine/fill/filling.ts';
import {
  type AggregateDefinition,
  compileAggregate,
  extendWorkspace,
  newAggregates,
} from '../replay/fill/extended-workspace.ts';
import { type AggregateReach, type FillImages, type FillRequest, HISTORY_PRUNED } from '../replay/fill/fill-images.ts';
import type { HistoryBeginning } from '../replay/fill/history-beginning.ts';
import type { Aggregate, Workspace } from '../workspace/workspace.ts';
import type { PartitionStatus } from './messages.ts';

/** What a new aggregate holds when its version becomes active. */
export interface FilledAggregate {
  readonly aggregate: string;
  /** How far back what it counts goes, RFC 3339; null: it begins empty. */
  readonly since: string | null;
  /** It holds what it would, had it been there all along. */
  readonly complete: boolean;
  /** What it lacks; absent where it is complete. */
  readonly why?: string;
}

/** New aggregates cannot be filled; nothing was published. */
export class FillError extends Error {
  override readonly name = 'FillError';
}

export interface FillParts {
  readonly partitions: number;
  readonly dataDirectory: string;
  /** Of this data folder: fillings that it began are its own to give up. */
  readonly folderId: string;
  /** Appends a record; resolves once it is durable. */
  readonly append: (partition: number, payload: Uint8Array, name: string) => Promise<void>;
  /** Where the partitions stand; waits for what was appended. May reject where that takes long. */
  readonly statuses: () => Promise<readonly PartitionStatus[]>;
  /** Replays history in the background. */
  readonly images: (request: FillRequest, signal: AbortSignal) => Promise<FillImages>;
  /** Where history begins, by partition; null: nothing happened there. */
  readonly beginnings: (dataDirectory: string) => Promise<readonly (HistoryBeginning | null)[]>;
  readonly log: (fields: Readonly<Record<string, string | number>>, message: string) => void;
  /** Aborted when the node stops: what is under way is given up, and rejects with the signal's reason. */
  readonly stopping: AbortSignal;
}

/** New aggregates of a version: those that the active one can be filled with, and what is to be said of the others. */
interface Plan {
  readonly fillable: readonly AggregateDefinition[];
  readonly compiled: readonly Aggregate[];
  readonly others: readonly FilledAggregate[];
}

export class AggregateFills {
  readonly #parts: FillParts;
  /** Of the filling that is under way, or was last; empty: there was none. */
  #id = '';

  constructor(parts: FillParts) {
    this.#parts = parts;
  }

  /**
   * Rejects with FillError. Resolves once every partition holds what the new aggregates of `next` would hold; `next` must be published then, or the filling given up. `onFilling` is called when there is
   * something to fill.
   */
  async fill(
    current: Workspace,
    next: Workspace,
    onFilling: () => void = () => {},
  ): Promise<readonly FilledAggregate[]> {
    const { fillable, compiled, others } = planOf(current, next);
    this.#id = '';
    if (fillable.length === 0) return inOrder(next, others);
    onFilling();
    const id = `${this.#parts.folderId}.${crypto.randomUUID()}`;
    this.#id = id;
    const { stopping } = this.#parts;
    const signal = AbortSignal.any([AbortSignal.timeout(FILL_READ_MS_MAX), stopping]);
    const reaches: (readonly AggregateReach[])[] = [];
    try {
      const begin = encodeBegin(id, { version: current.version, aggregates: compiled });
      for (let partition = 0; partition < this.#parts.partitions; partition++)
        reaches.push(await this.#fillPartition(partition, id, begin, fillable, signal));
      // The first have waited for the last.
      for (let partition = 0; partition < this.#parts.partitions; partition++)
        await this.#await(partition, id, 'filled', signal);
    } catch (error) {
      await this.giveUp();
      throw stopping.aborted ? stopping.reason : asFillError(error, signal);
    }
    const filled = fillable.map(({ name }, i) =>
      together(
        name,
        reaches.map((reach) => reach[i]),
      ),
    );
    return inOrder(next, [...others, ...filled]);
  }

  /** What `fill` would say, as far as can be told without replaying anything: versions before the active one may not have had what it has. */
  async preview(current: Workspace, next: Workspace): Promise<readonly FilledAggregate[]> {
    const { fillable, others } = planOf(current, next);
    if (fillable.length === 0) return inOrder(next, others);
    const reaches = await this.#parts.beginnings(this.#parts.dataDirectory);
    const filled = fillable.map(({ name, windowMs }) =>
      together(
        name,
        reaches.map((reach) => (reach === null ? undefined : reachOf(reach, windowMs))),
      ),
    );
    return inOrder(next, [...others, ...filled]);
  }

  /** After the version's records: what `fill` said, unless a partition could not hold it to the end. */
  async lost(filled: readonly FilledAggregate[]): Promise<readonly FilledAggregate[]> {
    if (this.#id === '') return filled;
    for (let partition = 0; partition < this.#parts.partitions; partition++) {
      const fill = (await this.#statusOf(partition))?.fill;
      if (fill?.id !== this.#id || fill.phase !== 'failed') continue;
      const why = `partition ${partition}: ${fill.why}`;
      return filled.map((each) => ({ ...each, complete: false, why }));
    }
    return filled;
  }

  /** Drops what was filled last: its version is not going to be published. A partition that does not know of it is not changed. */
  async giveUp(): Promise<void> {
    const id = this.#id;
    if (id === '') return;
    this.#id = '';
    for (let partition = 0; partition < this.#parts.partitions; partition++)
      await this.#parts.append(partition, encodeCancel(id), `${id}-cancel`).catch(() => undefined);
  }

  /** Gives up what this node began and did not finish; what another node began ends by itself (FILL_MS_MAX). */
  async abandon(): Promise<void> {
    for (const { partition, fill } of await this.#parts.statuses()) {
      if (fill?.busy === true && fill.id.startsWith(`${this.#parts.folderId}.`))
        await this.#parts.append(partition, encodeCancel(fill.id), `${fill.id}-cancel`);
    }
  }

  async #fillPartition(
    partition: number,
    id: string,
    begin: Uint8Array,
    aggregates: readonly AggregateDefinition[],
    signal: AbortSignal,
  ): Promise<readonly AggregateReach[]> {
    const { append, images, dataDirectory, log } = this.#parts;
    const startMs = performance.now();
    await append(partition, begin, `${id}-begin`);
    const { seq } = await this.#await(partition, id, 'history', signal);
    const request = { dataDirectory, partition, id, untilSeq: seq - 1, aggregates };
    const { records, reach, replayed } = await images(request, signal);
    // One after another: a record that is sent again must not come behind the next one.
    for (const [number, record] of records.entries()) {
      signal.throwIfAborted();
      await append(partition, record, `${id}-${number}`);
    }
    for (let ends = 0, phase = 'history'; phase !== 'filled'; ends++) {
      signal.throwIfAborted();
      await append(partition, encodeEnd(id, records.length), `${id}-end-${ends}`);
      phase = (await this.#await(partition, id, 'history', signal)).phase;
    }
    const ms = Math.round(performance.now() - startMs);
    log({ partition, replayed, records: records.length, ms }, 'filled new aggregates from history');
    return reach;
  }

  /** Waits until the filling is in this phase, or beyond it. */
  async #await(partition: number, id: string, phase: 'history' | 'filled', signal: AbortSignal): Promise<FillStatus> {
    for (;;) {
      signal.throwIfAborted();
      const status = await this.#statusOf(partition);
      const fill = status?.fill ?? null;
      const refuse = (why: string): never => {
        throw new FillError(`partition ${partition}: ${why}`);
      };
      if (status?.halted) refuse('it has halted on this node');
      if (fill !== null && fill.id !== id) refuse('another node fills aggregates there');
      if (fill?.phase === 'failed') refuse(fill.why ?? 'it failed');
      if (fill !== null && (fill.phase === phase || fill.phase === 'filled')) return fill;
      await sleep(FILL_LOOK_MS, undefined, { signal });
    }
  }

  /** null, too, where it is not known yet: a backlog is being applied. */
  async #statusOf(partition: number): Promise<PartitionStatus | null> {
    try {
      return (await this.#parts.statuses())[partition] ?? null;
    } catch {
      return null;
    }
  }
}

/** What would become of the new aggregates of `next`, without any of it: as far as the active version tells. */
export function planOf(current: Workspace, next: Workspace): Plan {
  const added = newAggregates(current, next);
  const { missing } = extendWorkspace(current, added);
  const fillable = added.filter(({ name }) => !missing.some((each) => each.name === name));
  const first = current.schema.profile.length;
  const compiled = fillable.map((definition, i) => compileAggregate(current, definition, first + i) as Aggregate);
  const others = missing.map(({ name, why, typeKnown }): FilledAggregate => {
    const begins = { aggregate: name, since: null };
    return typeKnown ? { ...begins, complete: false, why } : { ...begins, complete: true };
  });
  return { fillable, compiled, others };
}

/** New aggregates that begin empty because they are to. */
export function unfilled(current: Workspace, next: Workspace): readonly FilledAggregate[] {
  const why = 'it was not to be filled from history';
  return newAggregates(current, next).map(({ name }) => ({ aggregate: name, since: null, complete: false, why }));
}

/** Over all partitions: since the first that is counted anywhere; where something is missing, since the latest moment from which on nothing is. */
export function together(aggregate: string, reaches: readonly (AggregateReach | undefined)[]): FilledAggregate {
  const begun = reaches.filter((reach) => reach !== undefined && reach.sinceMs !== null) as (AggregateReach & {
    readonly sinceMs: number;
  })[];
  const gaps = begun.filter(({ complete }) => !complete);
  const times = (gaps.length > 0 ? gaps : begun).map(({ sinceMs }) => sinceMs);
  const complete = gaps.length === 0;
  if (times.length === 0) return { aggregate, since: null, complete };
  const since = new Date(complete ? Math.min(...times) : Math.max(...times)).toISOString();
  const why = gaps[0]?.why ?? null;
  return { aggregate, since, complete, ...(why === null ? {} : { why }) };
}

/** As profile.yaml has them. */
export function inOrder(next: Workspace, filled: readonly FilledAggregate[]): FilledAggregate[] {
  return next.aggregates.flatMap(({ name }) => filled.filter(({ aggregate }) => aggregate === name));
}

function reachOf({ logTime, lastTime, isLogStart }: HistoryBeginning, windowMs: number | null): AggregateReach {
  const complete = isLogStart || (windowMs !== null && logTime <= lastTime - windowMs);
  return { sinceMs: logTime, complete, why: complete ? null : HISTORY_PRUNED };
}

function asFillError(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return new FillError(`history could not be read within ${FILL_READ_MS_MAX / 60_000} minutes`);
  return error instanceof FillError ? error : new FillError(error instanceof Error ? error.message : String(error));
}
