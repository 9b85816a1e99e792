/**
 * A shard on the embedded log: submissions of the main thread are stamped, taken through the shard in batches, and answered in one message.
 */
import {
  DEAD_LETTER_LOG_BYTES_MAX,
  DECISION_LOG_BYTES_MAX,
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
import { LocalEffects } from './local-effects.ts';
import {
  type AppliedPosition,
  type FromShard,
  type Submission,
  SubmissionKind,
  type SubmissionOutcome,
  type ToShard,
} from './messages.ts';
import { type HostParts, recoverShard } from './recovery.ts';
import type { PartitionRecord, Shard } from './shard.ts';
import type { ShardHost } from './shard-host.ts';

interface Arrival {
  readonly submission: Submission;
  readonly payload: Uint8Array;
}

interface StampedArrival {
  readonly submission: Submission;
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
  readonly #sinks: ReadonlyMap<number, LocalEffects>;
  readonly #log: EmbeddedLog;
  readonly #post: Post;
  readonly #clock: Clock;
  readonly #ticking: boolean;
  #ticks: NodeJS.Timeout | undefined;
  /** What somebody waits for. */
  #urgent: Arrival[] = [];
  readonly #bulk: Arrival[] = [];

  constructor(shard: Shard, sinks: ReadonlyMap<number, LocalEffects>, { clock, options }: HostParts, post: Post) {
    this.shard = shard;
    this.#sinks = sinks;
    this.#clock = clock;
    this.#ticking = options.clock === 'wall';
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
    return this.#urgent.length === 0 && this.#bulk.length === 0;
  }

  submit(message: Extract<ToShard, { type: 'submit' }>): void {
    const bytes = new Uint8Array(message.bytes);
    for (const submission of message.submissions) {
      const arrival = { submission, payload: bytes.subarray(submission.start, submission.end) };
      (submission.kind === SubmissionKind.events ? this.#bulk : this.#urgent).push(arrival);
    }
  }

  /**
   * Takes one batch through the shard and posts what it led to, in one message. Tills do not wait behind imports: what somebody waits for goes first. That
   * changes no order that anybody was promised: a sender who wants one waits for the answer to what came before.
   */
  flush(): void {
    if (this.idle) return;
    const arrivals = [...this.#urgent, ...this.#nextBulk()];
    this.#urgent = [];
    const batch = arrivals.map((arrival) => this.#stamp(arrival));
    const outcomes: SubmissionOutcome[] = [];
    this.shard.run(batch, ({ submission }, effects) => outcomes.push(outcomeOf(submission, effects)));
    const decisions = [...this.#sinks.values()].flatMap((sink) => sink.takeBatch() ?? []);
    this.#post(
      { type: 'applied', outcomes, decisions },
      decisions.map((each) => each.bytes.buffer as ArrayBuffer),
    );
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

  #stamp({ submission, payload }: Arrival): StampedArrival {
    const { partition } = submission;
    const kind = submission.kind === SubmissionKind.workspace ? RecordKind.workspace : RecordKind.events;
    return { submission, partition, record: this.#log.stamp(partition, kind, payload) };
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
    if (this.#ticking) this.#ticks = setInterval(() => this.#tick(), TICK_INTERVAL_MS);
  }

  async drain(): Promise<void> {
    clearInterval(this.#ticks);
    while (!this.idle) this.flush();
  }

  async close(): Promise<void> {
    this.shard.close();
  }

  /** Lets wall-clock time pass for partitions in which nothing happens, so that windows empty themselves for whoever reads them. */
  #tick(): void {
    const now = this.#clock.nowMs();
    const ticks: PartitionRecord[] = [];
    for (const { partition, machine, state } of this.shard.partitions.values()) {
      if (state.customers === 0 || now - machine.recordTs < TICK_INTERVAL_MS) continue;
      ticks.push({ partition, record: this.#log.stamp(partition, RecordKind.tick, new Uint8Array(0)) });
    }
    if (ticks.length > 0) this.shard.run(ticks, () => {});
  }
}

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

function outcomeOf(submission: Submission, effects: Effects): SubmissionOutcome {
  const { accepted, repeated, rejections, decisions, repeatedOf, workspaceError } = effects;
  const waits = submission.kind === SubmissionKind.decide;
  const original = waits ? repeatedOf[0] : undefined;
  return {
    ticket: submission.ticket,
    accepted: accepted + repeated,
    repeated,
    rejections: [...rejections],
    decisions: waits ? decisions.map((decision) => decision.json) : [],
    originalFirst: original?.first ?? 0,
    originalCount: original?.count ?? 0,
    workspaceError,
  };
}
