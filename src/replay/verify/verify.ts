/**
 * Replays a partition and compares what it decides with what was decided, number by number and byte by byte, and its state with the snapshots that it comes by.
 *
 * A record is durable before its decisions are: those of the log's last records may be missing from the archive, of a node that is running or was killed. They are counted
 * as `unwritten`, and are no difference, unless a snapshot lies behind them: it is complete once they are durable. A decision in the archive that the replay does not make is one, unless records have come in since.
 */
import { REPLAY_COMPARE_BYTES, REPLAY_COMPARE_COUNT } from '../../constants.ts';
import type { EncodedDecision } from '../../protocol/decision.ts';
import { EntriesForgottenError } from '../../storage/numbered-log-reader.ts';
import { errorCode } from '../../storage/storage-error.ts';
import { lastRecords } from '../../storage/wal-tail.ts';
import { eventsOf } from '../events-of.ts';
import type { History } from '../history.ts';
import { PartitionReplay } from '../partition-replay.ts';
import { RecordClock } from '../record-clock.ts';

/** Where decisions are kept that were made. */
export interface DecisionArchive {
  /** Nobody adds to it but the node of this data folder: what it holds beyond the replay is a difference. */
  readonly exclusive: boolean;
  /** Decisions first … next − 1 can be read now. */
  range(partition: number): Promise<{ readonly first: number; readonly next: number }>;
  /** As many of `from` … `next − 1` as fit `bytesMax`, one at least. */
  read(partition: number, from: number, next: number, bytesMax: number): Promise<readonly EncodedDecision[]>;
}

export interface VerifyRange {
  /** Epoch ms of log time, from the snapshot before `fromMs` to what comes before `toMs`; null: as far back as history goes, and to its end. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** The first thing that is not as it was. */
export type Difference =
  | {
      readonly what: 'decision';
      readonly number: number;
      /** The record that leads to it; null where none does. */
      readonly seq: number | null;
      /** JSON; null where there is none. */
      readonly decided: string | null;
      readonly replayed: string | null;
    }
  /** It and what is behind it is missing from the archive, though the snapshot of record `seq` says that it was there. */
  | { readonly what: 'lost'; readonly number: number; readonly seq: number }
  | { readonly what: 'state'; readonly seq: number; readonly snapshot: string; readonly replayed: string };

export interface PartitionCheck {
  readonly partition: number;
  /** null: nothing is kept of it, or nothing ever happened. */
  readonly firstSeq: number | null;
  /** Of the last one it may be some events only. */
  readonly lastSeq: number;
  /** Log time at which the replay began (0: with the first record), and ended. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly records: number;
  /** Accepted or not. */
  readonly events: number;
  readonly decisions: number;
  /** Of these, compared: the archive may keep less of them (`forgotten`), or not have them yet (`unwritten`). */
  readonly compared: number;
  readonly forgotten: number;
  readonly unwritten: number;
  readonly snapshots: number;
  /** What the replay itself took: reading and applying records, without comparing. */
  readonly replayMs: number;
  readonly difference: Difference | null;
}

const STEPS_AT_ONCE = 4096;

interface Made {
  readonly decision: EncodedDecision;
  readonly seq: number;
}

/** `archive` null: nothing is compared but snapshots. `onProgress` is told records since the last time. */
export async function verifyPartition(
  history: History,
  partition: number,
  archive: DecisionArchive | null,
  range: VerifyRange,
  onProgress: (records: number) => void = () => {},
): Promise<PartitionCheck> {
  const replay = PartitionReplay.open(history, partition, range.fromMs === null ? null : { ms: range.fromMs });
  try {
    return await new Verification(history, replay, archive, range).run(onProgress);
  } finally {
    replay.close();
  }
}

class Verification {
  readonly #history: History;
  readonly #replay: PartitionReplay;
  readonly #archive: DecisionArchive | null;
  readonly #range: VerifyRange;
  readonly #clock: RecordClock;
  /** Positions of the snapshots that the replay comes by, ascending. */
  readonly #snapshots: number[];
  /** Made since the last comparison. */
  readonly #made: Made[] = [];
  #kept = { first: 1, next: 1 };
  #compared = 0;
  #forgotten = 0;
  #unwritten = 0;
  /** The first of them. */
  #firstUnwritten = Number.POSITIVE_INFINITY;
  /** Decisions that were durable when the last snapshot was complete, and its record. */
  #durable = { count: 0, seq: 0 };
  #snapshotsMet = 0;
  #lastSeq: number;
  #lastMs: number;
  #records = 0;
  #events = 0;
  #decisions = 0;
  #replayMs = 0;
  #difference: Difference | null = null;

  constructor(history: History, replay: PartitionReplay, archive: DecisionArchive | null, range: VerifyRange) {
    this.#history = history;
    this.#replay = replay;
    this.#archive = archive;
    this.#range = range;
    this.#clock = new RecordClock(history.identity.clock);
    this.#lastSeq = replay.seq;
    this.#lastMs = replay.machine.logTime;
    const positions = history.snapshots(replay.partition).map(({ seq }) => seq);
    this.#snapshots = positions.filter((seq) => seq > replay.seq);
  }

  async run(onProgress: (records: number) => void): Promise<PartitionCheck> {
    const { partition, seq, machine } = this.#replay;
    const fromMs = machine.logTime;
    for (let goesOn = true; goesOn && this.#difference === null; ) {
      goesOn = this.#advance();
      onProgress(this.#records);
      await this.#compare();
      const { count, seq: behind } = this.#durable;
      if (this.#firstUnwritten <= count)
        this.#difference ??= { what: 'lost', number: this.#firstUnwritten, seq: behind };
    }
    if (this.#difference === null && this.#range.toMs === null) await this.#expectNoMore();
    return {
      partition,
      firstSeq: this.#history.firstSeq(partition) === null ? null : seq + 1,
      lastSeq: this.#lastSeq,
      fromMs,
      toMs: this.#lastMs,
      records: this.#records,
      events: this.#events,
      decisions: this.#decisions,
      compared: this.#compared,
      forgotten: this.#forgotten,
      unwritten: this.#unwritten,
      snapshots: this.#snapshotsMet,
      replayMs: this.#replayMs,
      difference: this.#difference,
    };
  }

  /** Replays until there is something to compare. False: it has ended. */
  #advance(): boolean {
    const startMs = performance.now();
    let goesOn = true;
    // Long stretches without decisions must not keep the progress from being shown.
    for (let steps = 0; goesOn && steps < STEPS_AT_ONCE && this.#difference === null; steps++) {
      if (this.#made.length >= REPLAY_COMPARE_COUNT) break;
      goesOn = this.#step();
    }
    this.#replayMs += performance.now() - startMs;
    return goesOn;
  }

  /** One record more, or of the one that passes the end one event more. False: nothing is left before the end. */
  #step(): boolean {
    const replay = this.#replay;
    const { machine, effects } = replay;
    const record = replay.peek();
    if (record === null) return false;
    const { toMs } = this.#range;
    const mayEnd = toMs !== null && this.#clock.reaches(record, machine.logTime, toMs);
    if (mayEnd) {
      if (machine.logTime >= toMs || this.#history.identity.clock === 'wall') return false;
      if (replay.split()) return true;
    }
    replay.step();
    // What the event led to came with a later time. Where it was refused, time has not passed.
    if (mayEnd && machine.logTime >= toMs) return false;
    if (record.seq > this.#lastSeq) this.#records++;
    this.#lastSeq = record.seq;
    this.#lastMs = machine.logTime;
    this.#events += eventsOf(effects);
    this.#decisions += effects.decisions.length;
    for (const decision of effects.decisions) this.#made.push({ decision, seq: record.seq });
    if (replay.seq === this.#snapshots[0]) this.#meetSnapshot();
    return true;
  }

  #meetSnapshot(): void {
    const { seq, partition, machine } = this.#replay;
    this.#snapshots.shift();
    const digest = digestOf(this.#history, partition, seq);
    if (digest === null) return;
    this.#durable = { count: machine.decisionCount, seq };
    const replayed = machine.digest();
    if (digest === replayed) this.#snapshotsMet++;
    else this.#difference = { what: 'state', seq, snapshot: digest, replayed };
  }

  async #compare(): Promise<void> {
    const { partition } = this.#replay;
    const made = this.#made.splice(0);
    const archive = this.#archive;
    const last = made.at(-1)?.decision.number ?? 0;
    if (archive === null || last === 0) return;
    if (last >= this.#kept.next) this.#kept = await archive.range(partition);
    for (let at = 0; at < made.length; ) {
      const { number } = (made[at] as Made).decision;
      if (number < this.#kept.first) {
        this.#forgotten++;
        at++;
        continue;
      }
      if (number >= this.#kept.next) {
        this.#unwritten += made.length - at;
        this.#firstUnwritten = Math.min(this.#firstUnwritten, number);
        return;
      }
      const stored = await this.#read(archive, number, Math.min(last + 1, this.#kept.next));
      for (const decision of stored) {
        const difference = differenceOf(decision, made[at] as Made);
        if (difference !== null) {
          this.#difference ??= difference;
          return;
        }
        this.#compared++;
        at++;
      }
    }
  }

  /** Nothing where retention of a running node has removed `from` meanwhile. */
  async #read(archive: DecisionArchive, from: number, next: number): Promise<readonly EncodedDecision[]> {
    const { partition } = this.#replay;
    try {
      return await archive.read(partition, from, next, REPLAY_COMPARE_BYTES);
    } catch (error) {
      if (!(error instanceof EntriesForgottenError)) throw error;
      this.#kept = await archive.range(partition);
      return [];
    }
  }

  /** At the end of the log: whatever else was decided must come of records that came in since. */
  async #expectNoMore(): Promise<void> {
    const archive = this.#archive;
    const { partition, seq, machine } = this.#replay;
    if (archive === null || !archive.exclusive || this.#history.firstSeq(partition) === null) return;
    const number = machine.decisionCount + 1;
    const { first, next } = await archive.range(partition);
    if (number >= next || number < first) return;
    if ((lastRecords(this.#history.fs, this.#history.paths.walRoot).get(partition) ?? 0) > seq) return;
    const [decision] = await this.#read(archive, number, number + 1);
    if (decision !== undefined)
      this.#difference = { what: 'decision', number, seq: null, decided: textOf(decision), replayed: null };
  }
}

function differenceOf(stored: EncodedDecision, { decision, seq }: Made): Difference | null {
  const { number, channel, campaign, json } = decision;
  const same =
    stored.number === number &&
    stored.channel === channel &&
    stored.campaign === campaign &&
    Buffer.compare(stored.json, json) === 0;
  if (same) return null;
  return { what: 'decision', number, seq, decided: textOf(stored), replayed: textOf(decision) };
}

function textOf({ json }: EncodedDecision): string {
  return new TextDecoder().decode(json);
}

/** Of the state that a snapshot holds; null if it is damaged, or was removed meanwhile. */
function digestOf(history: History, partition: number, seq: number): string | null {
  try {
    const snapshot = history.snapshotStore(partition).load(seq);
    return 'trailer' in snapshot ? snapshot.trailer.digest : null;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
