/**
 * A shard on the embedded log: submissions of the main thread are stamped, taken through the shard in batches, and answered in one message. Between them come ticks,
 * when something falls due, and what partitions say to each other: to one of this shard at once, to others through the main thread.
 *
 * Backpressure: while messages of a partition here wait for their receivers in great number, no events are taken, and so many wait on the main thread that producers get 429.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DEAD_LETTER_LOG_BYTES_MAX,
  DECISION_LOG_BYTES_MAX,
  SETTLE_LOOK_MS,
  SETTLE_MS_MAX,
  SHARD_BATCH_BYTES_MAX,
  TICK_INTERVAL_MS,
} from '../constants.ts';
import { EmbeddedLog } from '../log/embedded-log.ts';
import type { Effects } from '../machine/effects.ts';
import type { Machine } from '../machine/machine.ts';
import { type LogRecord, RecordKind } from '../protocol/record.ts';
import type { Clock } from '../stdx/clock.ts';
import { DataPaths } from '../storage/data-folder.ts';
import { NumberedLog } from '../storage/numbered-log.ts';
import { EntryKind } from '../storage/numbered-log-segment.ts';
import { RefusedFileError } from '../storage/storage-error.ts';
import { DueTimer } from './due-timer.ts';
import { HeldAnswers } from './held-answers.ts';
import { LocalEffects } from './local-effects.ts';
import {
  type AppliedPosition,
  type FromShard,
  type Submission,
  SubmissionKind,
  type SubmissionOutcome,
  type ToShard,
} from './messages.ts';
import { type HostParts, type Log, recoverShard } from './recovery.ts';
import { FILL_FAILED, type Shard } from './shard.ts';
import type { ShardHost } from './shard-host.ts';

/** What becomes a record of a partition here. */
interface Arrival {
  readonly partition: number;
  readonly kind: RecordKind;
  readonly payload: Uint8Array;
  /** null: nobody submitted it; it is a tick, or what a partition here says to another one here. */
  readonly submission: Submission | null;
  /** Called once it is durable and applied. */
  readonly taken: (() => void) | null;
}

interface StampedArrival {
  readonly arrival: Arrival;
  readonly partition: number;
  readonly record: LogRecord;
}

type Post = (message: FromShard, transfer: ArrayBuffer[]) => void;

/** Recovers the shard from its files; it goes on where they end. */
export async function openEmbeddedHost(parts: HostParts, post: Post): Promise<EmbeddedHost> {
  const sinks = new Map<number, LocalEffects>();
  const shard = await recoverShard(parts, (partition, machine) => {
    const sink = openLocalEffects(parts, partition, machine);
    sinks.set(partition, sink);
    return sink;
  });
  return new EmbeddedHost(shard, sinks, parts, post);
}

/** The logs of one partition, opened where the machine's snapshot stands or further. */
function openLocalEffects({ fs, options }: HostParts, partition: number, machine: Machine): LocalEffects {
  const paths = new DataPaths(options.dataDirectory);
  const { salt } = options;
  const open = (folder: string, kind: EntryKind, retainedBytes: number, startAt: number): NumberedLog =>
    NumberedLog.open(fs, folder, { kind, partition, salt, retainedBytes, startAt });
  return new LocalEffects(
    partition,
    open(paths.decisions(partition), EntryKind.decision, DECISION_LOG_BYTES_MAX, machine.decisionCount + 1),
    open(paths.deadLetters(partition), EntryKind.deadLetter, DEAD_LETTER_LOG_BYTES_MAX, machine.deadLetterCount + 1),
  );
}

export class EmbeddedHost implements ShardHost {
  readonly shard: Shard;
  onProgress: () => void = () => {};
  onGathered: () => void = () => {};
  readonly #sinks: ReadonlyMap<number, LocalEffects>;
  readonly #log: EmbeddedLog;
  readonly #post: Post;
  readonly #clock: Clock;
  readonly #logs: Log;
  #ticking: boolean;
  readonly #due: DueTimer;
  #ticks: NodeJS.Timeout | undefined;
  /** Partitions whose tick is gathered and not applied. */
  readonly #ticked = new Set<number>();
  /** Ticks and messages: they are taken whatever waits, since what waits may wait for them. */
  #own: Arrival[] = [];
  /** What somebody waits for. */
  #urgent: Arrival[] = [];
  readonly #bulk: Arrival[] = [];
  /** By ticket: messages on their way to another worker. */
  #outcomes: SubmissionOutcome[] = [];
  readonly #held = new HeldAnswers(() => this.#postApplied());
  readonly #telling = new Map<number, () => void>();
  #ticket = 0;

  constructor(shard: Shard, sinks: ReadonlyMap<number, LocalEffects>, { clock, options, log }: HostParts, post: Post) {
    this.shard = shard;
    this.#sinks = sinks;
    this.#clock = clock;
    this.#logs = log;
    this.#ticking = options.clock === 'wall';
    this.#due = new DueTimer(clock, () => this.#tick(({ nextDue }, now) => nextDue <= now));
    this.#log = new EmbeddedLog(clock);
    this.#post = post;
    for (const { partition, machine } of shard.partitions.values()) {
      const stored = (sinks.get(partition) as LocalEffects).next - 1;
      if (stored !== machine.decisionCount) throw lostRecords(partition, stored, machine.decisionCount);
      this.#log.resume(partition, machine.position, machine.recordTs);
    }
    for (const sink of sinks.values()) sink.startAnnouncing();
  }

  get idle(): boolean {
    if (this.#own.length > 0) return false;
    return this.#crowded || (this.#urgent.length === 0 && this.#bulk.length === 0);
  }

  submit(message: Extract<ToShard, { type: 'submit' }>): void {
    const bytes = new Uint8Array(message.bytes);
    for (const submission of message.submissions) {
      const { partition, kind, start, end } = submission;
      const payload = bytes.subarray(start, end);
      this.#queueOf(kind).push({ partition, kind: RECORD_KINDS[kind], payload, submission, taken: null });
    }
  }

  /**
   * Takes one batch through the shard and posts what it led to, in one message. Tills do not wait behind imports: what somebody waits for goes first. That
   * changes no order that anybody was promised: a sender who wants one waits for the answer to what came before.
   */
  flush(): void {
    if (this.idle) return;
    const batch = this.#nextBatch().map((arrival) => this.#stamp(arrival));
    this.shard.run(batch, ({ arrival, partition }, effects) => this.#answer(arrival, partition, effects));
    this.#postApplied();
    for (const { arrival } of batch) arrival.taken?.();
    this.#armDue();
  }

  /** Whoever asks has been answered after the records were applied. */
  whenApplied(_positions: readonly AppliedPosition[], then: () => void): void {
    then();
  }

  /** The embedded log is made durable and applied in one go: nothing is ever in it that is not applied. */
  lag(): number {
    return 0;
  }

  start(): void {
    for (const { outbox } of this.shard.partitions.values()) {
      outbox.start(
        (to, payload) => this.#tell(to, payload),
        () => this.onGathered(),
      );
    }
    if (this.#ticking) this.#ticks = setInterval(() => this.#tickIdle(), TICK_INTERVAL_MS);
    this.#armDue();
    this.onGathered();
  }

  delivered(ticket: number): void {
    const taken = this.#telling.get(ticket);
    this.#telling.delete(ticket);
    taken?.();
  }

  async settle(): Promise<void> {
    this.#stopTicking();
    const deadline = performance.now() + SETTLE_MS_MAX;
    const settled = (): boolean => [...this.shard.partitions.values()].every(({ outbox }) => outbox.settled);
    while (!(this.idle && settled()) && performance.now() < deadline) {
      this.flush();
      await sleep(SETTLE_LOOK_MS);
    }
  }

  async drain(): Promise<void> {
    this.#stopTicking();
    while (!this.idle) this.flush();
    this.#held.releaseAll();
    this.#postApplied();
  }

  async close(): Promise<void> {
    this.shard.close();
  }

  #answer({ submission }: Arrival, partition: number, effects: Effects): void {
    this.#held.settle(partition, effects);
    if (effects.fillError !== null) this.#logs('warn', { partition, reason: effects.fillError }, FILL_FAILED);
    if (submission === null) return;
    const outcome = outcomeOf(submission, effects);
    if (submission.kind !== SubmissionKind.decide) this.#outcomes.push(outcome);
    else this.#held.hold(partition, effects, (answer) => this.#outcomes.push({ ...outcome, ...answer }));
  }

  #postApplied(): void {
    const outcomes = this.#outcomes;
    const decisions = [...this.#sinks.values()].flatMap((sink) => sink.takeBatch() ?? []);
    if (outcomes.length === 0 && decisions.length === 0) return;
    this.#outcomes = [];
    this.#post(
      { type: 'applied', outcomes, decisions },
      decisions.map((each) => each.bytes.buffer as ArrayBuffer),
    );
  }

  /** Messages of some partition here have nowhere to go for the moment. */
  get #crowded(): boolean {
    for (const { outbox } of this.shard.partitions.values()) if (!outbox.hasRoom) return true;
    return false;
  }

  #queueOf(kind: SubmissionKind): Arrival[] {
    if (kind === SubmissionKind.message) return this.#own;
    return kind === SubmissionKind.events ? this.#bulk : this.#urgent;
  }

  #nextBatch(): Arrival[] {
    const own = this.#own;
    this.#own = [];
    if (this.#crowded) return own;
    const urgent = this.#urgent;
    this.#urgent = [];
    return [...own, ...urgent, ...this.#nextBulk()];
  }

  /** From the front, up to SHARD_BATCH_BYTES_MAX, at least one. */
  #nextBulk(): Arrival[] {
    let bytes = 0;
    let count = 0;
    for (const { payload } of this.#bulk) {
      if (count > 0 && bytes + payload.length > SHARD_BATCH_BYTES_MAX) break;
      bytes += payload.length;
      count += 1;
    }
    return this.#bulk.splice(0, count);
  }

  #stamp(arrival: Arrival): StampedArrival {
    const { partition, kind, payload } = arrival;
    if (kind === RecordKind.tick) this.#ticked.delete(partition);
    return { arrival, partition, record: this.#log.stamp(partition, kind, payload) };
  }

  #tell(to: number, payload: Uint8Array): Promise<void> {
    return new Promise((taken) => {
      if (this.shard.partitions.has(to)) {
        this.#own.push({ partition: to, kind: RecordKind.message, payload, submission: null, taken });
        return;
      }
      const ticket = ++this.#ticket;
      this.#telling.set(ticket, taken);
      this.#post({ type: 'message', ticket, to, payload }, []);
    });
  }

  /** Lets wall-clock time pass for partitions in which nothing happens, so that windows empty themselves for whoever reads them. */
  #tickIdle(): void {
    this.#tick(({ recordTs }, now, customers) => customers > 0 && now - recordTs >= TICK_INTERVAL_MS);
  }

  #tick(isFor: (machine: Machine, now: number, customers: number) => boolean): void {
    const now = this.#clock.nowMs();
    const payload = new Uint8Array(0);
    for (const { partition, machine, state } of this.shard.partitions.values()) {
      if (this.#ticked.has(partition) || !isFor(machine, now, state.customers)) continue;
      this.#ticked.add(partition);
      this.#own.push({ partition, kind: RecordKind.tick, payload, submission: null, taken: null });
    }
    if (this.#own.length > 0) this.onGathered();
    this.#armDue();
  }

  /** For the earliest of what falls due and has no tick on its way. */
  #armDue(): void {
    if (!this.#ticking) return;
    let due = Number.POSITIVE_INFINITY;
    for (const { partition, machine } of this.shard.partitions.values())
      if (!this.#ticked.has(partition)) due = Math.min(due, machine.nextDue);
    this.#due.arm(due);
  }

  #stopTicking(): void {
    this.#ticking = false;
    clearInterval(this.#ticks);
    this.#due.stop();
  }
}

const RECORD_KINDS = {
  [SubmissionKind.events]: RecordKind.events,
  [SubmissionKind.decide]: RecordKind.events,
  [SubmissionKind.workspace]: RecordKind.workspace,
  [SubmissionKind.message]: RecordKind.message,
  [SubmissionKind.fill]: RecordKind.fill,
} as const;

/**
 * The decision log is written after the write-ahead log was synced, so it is never ahead of what the records give. If it is, records at the
 * end of the write-ahead log were damaged in a way that looks like a write cut short.
 */
function lostRecords(partition: number, stored: number, derived: number): Error {
  return new RefusedFileError(
    `partition ${partition}`,
    `its decision log holds ${stored} decisions, its records give ${derived}: the end of the write-ahead log is lost`,
    'restore the data folder from a copy',
  );
}

/** Without the decisions of a `decide`, which may be held back. */
function outcomeOf(submission: Submission, effects: Effects): SubmissionOutcome {
  const { accepted, repeated, rejections, repeatedOf, workspaceError } = effects;
  const original = submission.kind === SubmissionKind.decide ? repeatedOf[0] : undefined;
  return {
    ticket: submission.ticket,
    accepted: accepted + repeated,
    repeated,
    rejections: [...rejections],
    decisions: [],
    waiting: [],
    originalFirst: original?.first ?? 0,
    originalCount: original?.count ?? 0,
    workspaceError,
  };
}
