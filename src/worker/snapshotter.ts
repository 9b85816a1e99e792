/**
 * Takes snapshots of a shard's partitions, one at a time and a bounded step at a time, while the partitions go on: the state copies a group of rows before its
 * first change (state/…), this writes what it is given.
 *
 * While there is other work, a snapshot gets SNAPSHOT_SHARE of the thread: after each step it rests in proportion to what the step took, and to what the state has
 * copied since the last one in the course of events, which nothing can put off: events all over a partition have nearly all of it copied within their first
 * second. A snapshot of 600,000 customers takes some five seconds then, and half of one where nothing else is to be done. Only the log bounds that: from twice
 * snapshotLogBytes behind a partition's last snapshot on the share grows with what a restart would have to replay, up to the whole thread.
 */
import {
  SNAPSHOT_COPY_COST,
  SNAPSHOT_INTERVAL_MS,
  SNAPSHOT_QUIET_MS,
  SNAPSHOT_SHARE,
  SNAPSHOT_STEP_BYTES,
  SNAPSHOT_SYNC_LOOK_MS,
  SNAPSHOT_WAIT_MS_MAX,
} from '../constants.ts';
import type { StateSnapshot } from '../state/partition-state.ts';
import { assert } from '../stdx/assert.ts';
import { ByteWriter } from '../stdx/bytes.ts';
import type { Clock } from '../stdx/clock.ts';
import { SnapshotSection } from '../storage/snapshot-format.ts';
import { SnapshotFailedError, type SnapshotWriter } from '../storage/snapshot-writer.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { ShardOptions } from './messages.ts';
import type { SentMark } from './outbox.ts';
import type { HostParts, Log } from './recovery.ts';
import type { Shard } from './shard.ts';
import type { ShardMetrics } from './shard-metrics.ts';

interface Running {
  readonly partition: HostedPartition;
  readonly writer: SnapshotWriter;
  readonly state: StateSnapshot;
  /** Of what is not in the state; the state's own digest is known when its last section is. */
  readonly globalsDigest: string;
  /** The log is durable up to the snapshot once it is so far (shard.loggedUpTo). */
  readonly logged: number;
  /** Given by the state, not written yet; valid until its next step. */
  sections: Uint8Array[];
  /** They were copied in the course of events. */
  copiedAhead: boolean;
  /** Every section is written; it may still wait for effects to become durable. */
  complete: boolean;
  readonly decision: number;
  readonly deadLetter: number;
  readonly sent: SentMark;
  readonly startMs: number;
}

export class Snapshotter {
  readonly #options: ShardOptions;
  readonly #shard: Shard;
  readonly #clock: Clock;
  readonly #metrics: ShardMetrics;
  readonly #log: Log;
  readonly #retained: (partition: number, position: number) => void;
  readonly #lastMs = new Map<number, number>();
  #running: Running | null = null;
  #waiting = false;
  #waitingSinceMs = 0;
  /** When there was other work last. */
  #workMs = Number.NEGATIVE_INFINITY;
  /** Until when a snapshot rests if there is. */
  #restUntilMs = 0;

  constructor(parts: HostParts, shard: Shard, retained: (partition: number, position: number) => void) {
    this.#options = parts.options;
    this.#shard = shard;
    this.#clock = parts.clock;
    this.#metrics = parts.metrics;
    this.#log = parts.log;
    this.#retained = retained;
    for (const partition of shard.partitions.values()) {
      this.#lastMs.set(partition.partition, this.#clock.monotonicMs());
      partition.beforeLayout = () => this.#giveUp(partition);
      this.#retain(partition);
    }
  }

  /** There was other work just now. */
  noteWork(): void {
    this.#workMs = this.#clock.monotonicMs();
  }

  /** After how many milliseconds there is something to do: not while a complete snapshot waits for effects to become durable. */
  get restMs(): number {
    if (this.#running === null || this.#waiting) return Number.POSITIVE_INFINITY;
    if (this.#running.writer.behind) return SNAPSHOT_SYNC_LOOK_MS;
    return Math.max(0, Math.min(this.#restUntilMs, this.#workMs + SNAPSHOT_QUIET_MS) - this.#clock.monotonicMs());
  }

  /** Starts a snapshot where one is due and none is running: of the partition with the longest log behind its last one. */
  consider(): void {
    const now = this.#clock.monotonicMs();
    this.#giveUpWaiting(now);
    if (this.#running !== null) return;
    let due: HostedPartition | null = null;
    for (const hosted of this.#shard.partitions.values()) {
      const { bytesSinceSnapshot } = hosted;
      if (bytesSinceSnapshot > (due?.bytesSinceSnapshot ?? 0) && this.#isDue(hosted, now)) due = hosted;
    }
    if (due !== null) this.#begin(due);
  }

  #isDue({ partition, bytesSinceSnapshot, halted, machine }: HostedPartition, now: number): boolean {
    if (halted || machine.filling.busy) return false;
    const enough = bytesSinceSnapshot >= this.#options.snapshotLogBytes;
    return enough || now - (this.#lastMs.get(partition) ?? 0) >= SNAPSHOT_INTERVAL_MS;
  }

  /** A bounded amount of work on the snapshot that is running, unless it rests. */
  step(): void {
    // What waits is asked whether it still has to.
    if (this.#running === null || (this.restMs > 0 && !this.#waiting)) return;
    const running = this.#running;
    const start = this.#clock.monotonicMs();
    this.#advance(running);
    const now = this.#clock.monotonicMs();
    const tookMs = (now - start) * (running.copiedAhead ? 1 + SNAPSHOT_COPY_COST : 1);
    this.#restUntilMs = now + tookMs * (1 / this.#share() - 1);
  }

  #advance(running: Running): void {
    try {
      if (running.sections.length === 0) {
        const sections = running.complete ? null : running.state.step();
        if (sections === null) {
          running.complete = true;
          this.#commit(running);
          return;
        }
        running.sections = sections;
        running.copiedAhead = sections.length > 1;
      }
      this.#write(running);
    } catch (error) {
      if (!(error instanceof SnapshotFailedError)) throw error;
      running.state.abandon();
      this.#running = null;
      this.#log('error', { partition: running.partition.partition }, error.message);
    }
  }

  /** Some of the sections, at least one. */
  #write({ sections, writer }: Running): void {
    let bytes = 0;
    let count = 0;
    for (; count < sections.length && bytes < SNAPSHOT_STEP_BYTES; count++) {
      const section = sections[count] as Uint8Array;
      writer.section(SnapshotSection.state, section);
      bytes += section.length;
    }
    sections.splice(0, count);
  }

  #share(): number {
    let bytesMax = 0;
    for (const { bytesSinceSnapshot } of this.#shard.partitions.values())
      bytesMax = Math.max(bytesMax, bytesSinceSnapshot);
    const behind = bytesMax / this.#options.snapshotLogBytes;
    return Math.min(1, SNAPSHOT_SHARE * Math.max(1, behind - 1));
  }

  /** Before a clean end: every partition with records behind its last snapshot gets one, but where aggregates are being filled: that is found in the log again. */
  finishAll(): void {
    this.#shard.syncLog();
    this.#drain();
    for (const partition of this.#shard.partitions.values()) {
      if (partition.bytesSinceSnapshot === 0 || partition.halted || partition.machine.filling.busy) continue;
      this.#begin(partition);
      this.#drain();
    }
  }

  /** A partition is about to change its columns: a snapshot of it that is running cannot go on, and is taken again soon. */
  #giveUp(partition: HostedPartition): void {
    if (this.#running?.partition !== partition) return;
    this.#running.state.abandon();
    this.#running.writer.abort();
    this.#running = null;
    this.#waiting = false;
    this.#waitingSinceMs = 0;
    partition.bytesSinceSnapshot = this.#options.snapshotLogBytes;
  }

  /** A snapshot that cannot become valid holds up those of no other partition. */
  #giveUpWaiting(now: number): void {
    if (this.#running === null || !this.#waiting) return;
    const { partition } = this.#running;
    if (!partition.halted && now - this.#waitingSinceMs < SNAPSHOT_WAIT_MS_MAX) return;
    this.#giveUp(partition);
    this.#lastMs.set(partition.partition, now);
    // Not at once again: others first.
    partition.bytesSinceSnapshot = 1;
  }

  /** What cannot become durable now is left to the log. */
  #drain(): void {
    while (this.#running !== null && !this.#waiting) this.#advance(this.#running);
    if (this.#running !== null) this.#giveUp(this.#running.partition);
  }

  #begin(partition: HostedPartition): void {
    this.#lastMs.set(partition.partition, this.#clock.monotonicMs());
    const { machine, state } = partition;
    if (partition.snapshots.positions().at(-1) === machine.position) {
      partition.bytesSinceSnapshot = 0;
      return;
    }
    try {
      const writer = partition.snapshots.begin({
        seq: machine.position,
        logTime: machine.logTime,
        workspaceVersion: machine.workspaceVersion,
      });
      writer.section(SnapshotSection.machine, machine.exportGlobals());
      writer.section(SnapshotSection.position, positionSection(partition.checksum));
      this.#running = {
        partition,
        writer,
        state: state.beginSnapshot(machine.logTime),
        globalsDigest: machine.globalsDigest(),
        logged: this.#shard.logged,
        sections: [],
        copiedAhead: false,
        complete: false,
        decision: machine.decisionCount,
        deadLetter: machine.deadLetterCount,
        sent: partition.outbox.mark(),
        startMs: this.#clock.monotonicMs(),
      };
      partition.bytesSinceSnapshot = 0;
    } catch (error) {
      if (!(error instanceof SnapshotFailedError)) throw error;
      this.#log('error', { partition: partition.partition }, error.message);
    }
  }

  /** Removes snapshots that are no longer needed, and tells which records no kept one needs; also at the start, or a partition in which nothing happens would pin the log. */
  #retain(partition: HostedPartition): void {
    const { historyMs } = this.#options;
    const { logPosition } = partition.snapshots.prune(partition.machine.logTime - historyMs, historyMs);
    this.#retained(partition.partition, logPosition);
  }

  /** Waits, without blocking, until every record and every effect up to the snapshot's position is durable. */
  #commit({ partition, writer, state, globalsDigest, logged, decision, deadLetter, sent, startMs }: Running): void {
    const durable = (): boolean => partition.effects.durable(decision, deadLetter) && partition.outbox.delivered(sent);
    this.#waiting = this.#shard.loggedUpTo < logged || !durable();
    if (this.#waiting) {
      this.#waitingSinceMs ||= this.#clock.monotonicMs();
      return;
    }
    this.#waitingSinceMs = 0;
    this.#running = null;
    writer.commit(state.digest + globalsDigest, () => {
      assert(durable(), 'effects that were durable stay so');
    });
    this.#metrics.snapshot.observe((this.#clock.monotonicMs() - startMs) / 1000);
    this.#retain(partition);
  }
}

function positionSection(checksum: number): Uint8Array {
  const writer = new ByteWriter(4);
  writer.u32(checksum);
  return writer.copy();
}
