/**
 * One partition once more: a machine of its own, restored from the snapshot that lies nearest before a point, that is fed the records of the log. Nothing of what it
 * decides leaves it; whoever steps it reads `effects`.
 *
 * Law: without `onWorkspace` and `insert` it is, after each record, what the live machine was after that record: the same state, the same decisions under the same
 * numbers. `seq` is the log's own numbering; records that were put in or split are known to the machine only, whose `position` counts them as well.
 */
import { Effects } from '../machine/effects.ts';
import type { Machine } from '../machine/machine.ts';
import type { Trace } from '../machine/trace/trace.ts';
import { type LogRecord, RecordKind } from '../protocol/record.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { assert } from '../stdx/assert.ts';
import { errorCode, RefusedFileError } from '../storage/storage-error.ts';
import type { RecordReader } from '../storage/wal-reader.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { type History, HistoryForgottenError } from './history.ts';
import { collectReleasedMemory, memoryReleased } from './released-memory.ts';
import { PartitionTarget } from './restore.ts';
import { splitEvents } from './split-events.ts';

/**
 * The earliest moment that the caller wants to see: record `seq`, or whatever happens at log time `ms` or later. The replay begins at the newest snapshot before it, so that
 * records of an earlier time may come first. null: where history begins.
 */
export type ReplayStart = { readonly seq: number } | { readonly ms: number } | null;

export interface ReplayOptions {
  /**
   * Changes each version on its way in: those in the log, and the one of the snapshot, which is activated once more right after the restore where it was changed. Returns the
   * same object where nothing is to be changed.
   */
  readonly onWorkspace?: (workspace: Workspace) => Workspace;
  /** The last record to be applied, where that is not the last one that History knows. */
  readonly until?: number;
  /** Hears of what is replayed. */
  readonly trace?: Trace;
}

/** Snapshots that are pruned while they are being opened: so many times the next one is tried. */
const ATTEMPTS = 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class PartitionReplay {
  readonly partition: number;
  readonly machine: Machine;
  readonly state: PartitionState;
  /** Of the last record that was applied. */
  readonly effects = new Effects();
  readonly #history: History;
  readonly #options: ReplayOptions;
  readonly #reader: RecordReader;
  readonly #until: number;
  #seq: number;
  #closed = false;
  /** Read, and not yet applied. */
  #peeked: LogRecord | null = null;
  /** Of a record that was split: its events that come next. */
  readonly #rest: LogRecord[] = [];

  private constructor(history: History, partition: number, target: PartitionTarget, options: ReplayOptions) {
    this.partition = partition;
    this.machine = target.machine;
    this.state = target.state;
    this.#history = history;
    this.#options = options;
    this.#seq = target.machine.position;
    this.#until = Math.min(options.until ?? Number.POSITIVE_INFINITY, history.lastSeq(partition));
    this.#reader = history.readFrom(partition, this.#seq + 1, this.#until);
  }

  /**
   * HistoryForgottenError if that point lies before what is kept; CorruptFileError or RefusedFileError if what is there cannot be read. A partition in which nothing
   * ever happened replays nothing.
   */
  static open(history: History, partition: number, from: ReplayStart, options: ReplayOptions = {}): PartitionReplay {
    const { partitions } = history.identity;
    assert(partition >= 0 && partition < partitions, `partition ${partition} of ${partitions}`);
    collectReleasedMemory();
    const target = restoreBefore(history, partition, from, options.trace);
    const replay = new PartitionReplay(history, partition, target, options);
    replay.#changeRestored();
    return replay;
  }

  /** The log's sequence of the last record that was applied, to its last event; that of the snapshot before the first. */
  get seq(): number {
    return this.#seq;
  }

  /** The record that comes next; null at the end. Its payload is a view that the next call to `peek` behind `step` invalidates. */
  peek(): LogRecord | null {
    const split = this.#rest[0];
    if (split !== undefined) return split;
    if (this.#peeked !== null) return this.#peeked;
    const reader = this.#reader;
    if (!this.#read()) {
      if (this.#seq < this.#until)
        throw new RefusedFileError(
          this.#history.paths.walRoot,
          `the log of partition ${this.partition} ends with record ${this.#seq}, there should be records up to ${this.#until}`,
          'put the missing segments back',
        );
      return null;
    }
    this.#peeked = { seq: reader.seq, ts: reader.ts, kind: reader.kind, payload: reader.payload };
    return this.#peeked;
  }

  /** Applies the record that comes next. False: there is none. */
  step(): boolean {
    const record = this.peek();
    if (record === null) return false;
    this.#passed(record);
    const payload = record.kind === RecordKind.workspace ? this.#changed(record.payload) : record.payload;
    this.#apply(record.kind, payload, record.ts);
    return true;
  }

  /** The events of the record that comes next come as records of their own. False: there are no two of them. */
  split(): boolean {
    const record = this.peek();
    if (this.#rest.length > 0 || record === null || record.kind !== RecordKind.events) return false;
    const events = splitEvents(record.payload);
    if (events.length < 2) return false;
    for (const payload of events) this.#rest.push({ ...record, payload });
    return true;
  }

  /** Applies the records up to and with `untilSeq`, or to the end; `onRecord` is called after each. */
  run(untilSeq = Number.POSITIVE_INFINITY, onRecord: (record: LogRecord) => void = () => {}): void {
    for (let record = this.peek(); record !== null && record.seq <= untilSeq; record = this.peek()) {
      this.step();
      onRecord(record);
    }
  }

  /** Applies a record that is not in the log, at `ts` or the last record's time if that is later. */
  insert(kind: RecordKind, payload: Uint8Array, ts = 0): void {
    this.#apply(kind, payload, Math.max(ts, this.machine.recordTs));
  }

  /** Ends the reading. The memory is free again once nobody refers to the replay any more, and another one needs it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#peeked = null;
    this.#rest.length = 0;
    this.#history.release(this.#reader);
    memoryReleased(this.state.memoryBytes);
  }

  #apply(kind: RecordKind, payload: Uint8Array, ts: number): void {
    this.effects.clear();
    this.machine.apply({ seq: this.machine.position + 1, ts, kind, payload }, this.effects);
  }

  #passed(record: LogRecord): void {
    this.#rest.shift();
    if (this.#rest.length > 0) return;
    this.#seq = record.seq;
    this.#peeked = null;
  }

  #read(): boolean {
    try {
      return this.#reader.next();
    } catch (error) {
      throw forgotten(this.#history, this.partition, this.#seq + 1, error);
    }
  }

  #changed(payload: Uint8Array): Uint8Array {
    const { onWorkspace } = this.#options;
    if (onWorkspace === undefined) return payload;
    const recorded = JSON.parse(decoder.decode(payload)) as Workspace;
    const changed = onWorkspace(recorded);
    return changed === recorded ? payload : encoder.encode(JSON.stringify(changed));
  }

  #changeRestored(): void {
    const { onWorkspace } = this.#options;
    const active = this.machine.activeWorkspace?.workspace;
    if (onWorkspace === undefined || active === undefined) return;
    const changed = onWorkspace(active);
    if (changed === active) return;
    this.insert(RecordKind.workspace, encoder.encode(JSON.stringify(changed)));
    assert(this.effects.workspaceError === null, `the changed version of a snapshot: ${this.effects.workspaceError}`);
  }
}

/** The partition at the newest usable snapshot before the point; empty where history begins with its first record. */
function restoreBefore(history: History, partition: number, from: ReplayStart, trace?: Trace): PartitionTarget {
  for (let attempt = 1; ; attempt++) {
    try {
      return tryRestore(history, partition, from, trace);
    } catch (error) {
      // A running node has removed it since it was listed.
      if (errorCode(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error;
    }
  }
}

function tryRestore(history: History, partition: number, from: ReplayStart, trace?: Trace): PartitionTarget {
  const first = history.firstSeq(partition);
  const begin = (): PartitionTarget => PartitionTarget.create(history.identity, partition, trace);
  const last = history.lastSeq(partition);
  if (first === null) {
    if (last > 0) throw new HistoryForgottenError(partition, 'the beginning', null);
    return begin();
  }
  // The greatest position from which everything that was asked for is still to come.
  let position = first - 1;
  if (from !== null && 'seq' in from) {
    if (from.seq < first) throw new HistoryForgottenError(partition, `record ${from.seq}`, history.reach(partition));
    position = from.seq - 1;
  } else if (from !== null) {
    const before = history.snapshots(partition).findLast(({ seq, logTime }) => seq >= first - 1 && logTime < from.ms);
    if (before === undefined && first > 1)
      throw new HistoryForgottenError(partition, new Date(from.ms).toISOString(), history.reach(partition));
    position = before?.seq ?? 0;
  }
  position = Math.min(position, last);
  const { restored, problems } = history.snapshotStore(partition).restoreNewest(begin, position);
  if (restored === null) {
    if (first === 1) return begin();
    throw new RefusedFileError(
      problems[0]?.path ?? history.paths.partition(partition),
      `the snapshot with which the history begins is ${problems.length === 0 ? 'gone' : 'damaged'}`,
      'ask for something later',
    );
  }
  restored.target.finish(restored.path, restored.trailer.digest);
  return restored.target;
}

/** Retention overtook a reader: its next segment is gone, or what is left begins behind the record that it wants. */
function forgotten(history: History, partition: number, seq: number, error: unknown): unknown {
  const first = history.firstSeq(partition);
  if (first !== null && first <= seq) return error;
  if (errorCode(error) !== 'ENOENT' && !(error instanceof RefusedFileError)) return error;
  return new HistoryForgottenError(partition, `record ${seq}`, history.reach(partition));
}
