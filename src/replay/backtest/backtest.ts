/**
 * What another workspace would have decided: history is replayed in two worlds, *before* as it was, *after* by the candidate, with the whole policy on, and what they decide is compared. Nothing leaves
 * either of them.
 *
 * Partitions go one after the other, in the memory of two; only where they lend each other units do they go side by side, all at once.
 */
import type { BacktestReport } from '../../protocol/backtest.ts';
import { assert } from '../../stdx/assert.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import { newAggregates } from '../fill/extended-workspace.ts';
import type { History } from '../history.ts';
import type { ReplayStart } from '../partition-replay.ts';
import { RecordClock } from '../record-clock.ts';
import { inPlaceOf, needsUnits } from './candidate.ts';
import { BacktestError } from './error.ts';
import { endBefore } from './history-end.ts';
import { Lockstep } from './lockstep.ts';
import { BacktestPartition } from './partition.ts';
import { BacktestReporter } from './report.ts';

export interface BacktestOptions {
  /** Compiled; its number and shares are given here. */
  readonly candidate: Workspace;
  /** As BacktestRequest. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** For the speed that is reported. */
  readonly monotonicMs: () => number;
  /** After each record: the share of them that is behind, 0 to 1. It stands still where it begins anew. */
  readonly onProgress: (share: number) => void;
}

/** How far history reaches, over all partitions. */
interface Reach {
  /** Those in which anything ever happened. */
  readonly partitions: readonly number[];
  /** Log time from which on all of them are kept, epoch ms; null: from their first records. */
  readonly sinceMs: number | null;
  readonly records: number;
}

/** BacktestError where it cannot be made; what reading history throws. */
export function runBacktest(history: History, options: BacktestOptions): BacktestReport {
  const reach = reachOf(history);
  const startMs = checkedStart(reach, options);
  const { fromMs, toMs } = options;
  const endMs = fromMs === null ? null : endBefore(history, reach.partitions, fromMs);
  if (endMs !== null) throw new BacktestError(nothingText(endMs, fromMs, toMs));
  let behind = 0;
  const onProgress = (share: number): void => {
    behind = Math.max(behind, share);
    options.onProgress(behind);
  };
  const begin = (): Backtest => new Backtest(history, reach, startMs, { ...options, onProgress });
  return (needsUnits(options.candidate) ? null : begin().oneByOne()) ?? begin().together();
}

function reachOf(history: History): Reach {
  const partitions = Array.from({ length: history.identity.partitions }, (_, partition) => partition);
  let sinceMs: number | null = null;
  let records = 0;
  const kept = partitions.filter((partition) => {
    const reach = history.reach(partition);
    if (reach === null) return false;
    records += history.lastSeq(partition) - reach.seq + 1;
    // The snapshot's own time is in the past of what comes behind it.
    if (reach.seq > 1) sinceMs = Math.max(sinceMs ?? 0, reach.logTime + 1);
    return true;
  });
  if (kept.length === 0) throw new BacktestError('there is nothing to replay: the node has no history yet');
  return { partitions: kept, sinceMs, records };
}

/** Where the candidate begins; null: at the first record. */
function checkedStart({ sinceMs }: Reach, { fromMs, toMs }: BacktestOptions): number | null {
  if (fromMs !== null && sinceMs !== null && fromMs < sinceMs)
    throw new BacktestError(
      `history reaches back to ${timeText(sinceMs)}, not to ${timeText(fromMs)}: ask for that time or a later one, or leave --from out; \`--history\` of the node says how far back it keeps the log`,
    );
  const startMs = fromMs ?? sinceMs;
  if (toMs !== null && startMs !== null && toMs <= startMs)
    throw new BacktestError(
      fromMs === null
        ? `history reaches back to ${timeText(startMs)}: nothing of what came before ${timeText(toMs)} is kept`
        : `nothing lies between ${timeText(startMs)} and ${timeText(toMs)}: --to must be later than --from`,
    );
  return startMs;
}

class Backtest {
  readonly #history: History;
  readonly #reach: Reach;
  readonly #startMs: number | null;
  readonly #options: BacktestOptions;
  readonly #isWall: boolean;
  readonly #clock: RecordClock;
  readonly #reporter: BacktestReporter;
  #records = 0;

  constructor(history: History, reach: Reach, startMs: number | null, options: BacktestOptions) {
    this.#history = history;
    this.#reach = reach;
    this.#startMs = startMs;
    this.#options = options;
    this.#isWall = history.identity.clock === 'wall';
    this.#clock = new RecordClock(history.identity.clock);
    this.#reporter = new BacktestReporter(options.candidate, options.monotonicMs);
  }

  /** null: they talk to each other. */
  oneByOne(): BacktestReport | null {
    let lastMs = 0;
    for (const partition of this.#reach.partitions) {
      const opened = this.#open(partition);
      try {
        this.#repeat(opened);
        if (!this.#run([opened])) return null;
        lastMs = Math.max(lastMs, opened.before.machine.logTime);
      } finally {
        opened.close();
      }
    }
    return this.#report(lastMs);
  }

  together(): BacktestReport {
    const opened: BacktestPartition[] = [];
    try {
      for (const partition of this.#reach.partitions) opened.push(this.#open(partition));
      for (const partition of opened) this.#repeat(partition);
      this.#repeatWhatWasHeard(opened);
      const done = this.#run(opened);
      assert(done, 'all partitions together have nobody else to talk to');
      return this.#report(Math.max(...opened.map(({ before }) => before.machine.logTime)));
    } finally {
      for (const partition of opened) partition.close();
    }
  }

  /** From early enough that aggregates of the candidate alone are filled when it begins to decide. */
  #open(partition: number): BacktestPartition {
    const { candidate } = this.#options;
    const open = (from: ReplayStart): BacktestPartition =>
      BacktestPartition.open(this.#history, partition, from, candidate, (name, why) =>
        this.#reporter.isMissing(name, why),
      );
    if (this.#startMs === null) return open(null);
    const opened = open({ ms: this.#startMs });
    // Without a version there is no snapshot either: all that there is lies behind it.
    const { workspace } = opened;
    const added = workspace === null ? [] : newAggregates(workspace, candidate);
    if (added.length === 0) return opened;
    opened.close();
    const longestMs = Math.max(...added.map(({ windowMs }) => windowMs ?? Number.POSITIVE_INFINITY));
    const { sinceMs } = this.#reach;
    for (const { name, windowMs } of added)
      if (sinceMs !== null && this.#startMs - (windowMs ?? Number.POSITIVE_INFINITY) < sinceMs)
        this.#reporter.isIncomplete(name, sinceMs);
    return open(Number.isFinite(longestMs) ? { ms: Math.max(this.#startMs - longestMs, 1) } : null);
  }

  /** Both worlds up to where the candidate begins. */
  #repeat(partition: BacktestPartition): void {
    const startMs = this.#startMs;
    if (startMs === null) return;
    const { before } = partition;
    for (let record = partition.peek(); record !== null; record = partition.peek()) {
      if (this.#clock.reaches(record, before.machine.logTime, startMs)) {
        if (!this.#isWall && partition.split()) continue;
        return;
      }
      partition.repeat();
      this.#replayed(partition);
    }
  }

  /** A partition that has heard a message already was ahead of its sender, which goes on until it has sent it. */
  #repeatWhatWasHeard(partitions: readonly BacktestPartition[]): void {
    const isAhead = (receiver: BacktestPartition, sender: BacktestPartition): boolean =>
      receiver.before.machine.takenFrom(sender.partition) > sender.before.machine.sentTo(receiver.partition);
    for (let moved = true; moved; ) {
      moved = false;
      for (const sender of partitions) {
        while (partitions.some((receiver) => receiver !== sender && isAhead(receiver, sender))) {
          if (!sender.repeat()) break;
          this.#replayed(sender);
          moved = true;
        }
      }
    }
  }

  /** False: it takes more partitions than these. */
  #run(partitions: readonly BacktestPartition[]): boolean {
    const { candidate, toMs } = this.#options;
    const all = partitions.length === this.#reach.partitions.length;
    const reporter = this.#reporter;
    const begun = new Set<BacktestPartition>();
    const replaced = newestOf(partitions);
    let decider = replaced === null ? null : inPlaceOf(candidate, replaced, this.#history.identity.partitions);
    const candidateFor = (first: Workspace): Workspace => {
      decider ??= inPlaceOf(candidate, first, this.#history.identity.partitions);
      return decider;
    };
    for (const partition of partitions) reporter.begin(partition);
    const lockstep = new Lockstep({
      partitions,
      candidateFor,
      isEnd: (record, logTime) => toMs !== null && this.#clock.reaches(record, logTime, toMs),
      onRecord: (partition, record) => {
        const beginsMs = begun.has(partition) ? null : this.#clock.begins(record);
        if (beginsMs !== null) begun.add(partition);
        reporter.record(partition, beginsMs);
        this.#replayed(partition);
      },
    });
    lockstep.begin();
    if (!all && (lockstep.talked || (replaced !== null && needsUnits(replaced)))) return false;
    while (lockstep.step()) if (!all && lockstep.talked) return false;
    for (const partition of partitions) {
      partition.finish();
      reporter.end(partition);
    }
    if (lockstep.parted) reporter.parted();
    return true;
  }

  #replayed({ before }: BacktestPartition): void {
    this.#records++;
    this.#reporter.replayed(before.effects);
    // Prefixes may begin behind the beginning of history, and a range may end before its end.
    this.#options.onProgress(Math.min(1, this.#records / this.#reach.records));
  }

  #report(lastMs: number): BacktestReport {
    const { fromMs, toMs } = this.#options;
    if (!this.#reporter.hasRecords) throw new BacktestError(nothingText(lastMs, fromMs, toMs));
    return this.#reporter.report(this.#startMs, this.#reach.sinceMs);
  }
}

/** The newest version that is active in one of them; null: none is. */
function newestOf(partitions: readonly BacktestPartition[]): Workspace | null {
  let newest: Workspace | null = null;
  for (const { workspace } of partitions)
    if (workspace !== null && workspace.version > (newest?.version ?? 0)) newest = workspace;
  return newest;
}

/** `endMs`: where history ends. */
function nothingText(endMs: number, fromMs: number | null, toMs: number | null): string {
  if (fromMs !== null && toMs === null && endMs < fromMs)
    return `history ends at ${timeText(endMs)}: nothing happened from ${timeText(fromMs)} on`;
  const from = fromMs === null ? '' : ` from ${timeText(fromMs)}`;
  return `nothing happened${from}${toMs === null ? '' : ` before ${timeText(toMs)}`}`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
