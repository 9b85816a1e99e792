/**
 * Ticks for partitions on NATS, so that time passes where nothing else happens: one when something falls due, and one a minute for windows that empty themselves.
 *
 * The server gives a tick its time, and its clock may be a little behind this one: a tick that came too early for what it was sent for is followed by another one, as much
 * later as it was too early; and one that did not get through all that is due by another after DUE_RETRY_MS_MIN. One tick per partition is under way at a time; none while
 * records wait to be applied, which let time pass as well.
 */
import { DUE_RETRY_MS_MAX, DUE_RETRY_MS_MIN, TICK_INTERVAL_MS } from '../constants.ts';
import { RecordKind } from '../protocol/record.ts';
import type { Clock } from '../stdx/clock.ts';
import { DueTimer } from './due-timer.ts';
import type { Log } from './recovery.ts';

/** What is ticked for; HostedPartition is one. */
export interface TickedPartition {
  readonly partition: number;
  readonly halted: boolean;
  readonly state: { readonly customers: number };
  readonly machine: { readonly position: number; readonly recordTs: number; readonly nextDue: number };
}

export interface TickParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly partitions: readonly TickedPartition[];
  /** Resolves with the sequence under which a tick of this id is stored. */
  readonly append: (partition: number, kind: RecordKind, payload: Uint8Array, messageId: string) => Promise<number>;
  /** Records that are known to be in the log and not applied. */
  readonly lag: (partition: number) => number;
}

interface Ticking {
  readonly hosted: TickedPartition;
  /** Sequence of the tick that is under way: Infinity until it is known; 0: none is. */
  underWay: number;
  /** What the last tick was for, and how many there were for it. */
  dueMs: number;
  tries: number;
  notBeforeMs: number;
}

const NOTHING = new Uint8Array(0);

export class StreamTicks {
  readonly #parts: TickParts;
  readonly #partitions: readonly Ticking[];
  readonly #due: DueTimer;
  readonly #idle: NodeJS.Timeout;

  constructor(parts: TickParts) {
    this.#parts = parts;
    this.#partitions = parts.partitions.map((hosted) => ({
      hosted,
      underWay: 0,
      dueMs: Number.NaN,
      tries: 0,
      notBeforeMs: 0,
    }));
    this.#due = new DueTimer(parts.clock, () => this.look());
    this.#idle = setInterval(() => this.#tickIdle(), TICK_INTERVAL_MS);
  }

  /** After every batch, and when a partition has caught up: sends the ticks that are due, and waits for the next ones. */
  look(): void {
    const now = this.#parts.clock.nowMs();
    let next = Number.POSITIVE_INFINITY;
    for (const ticking of this.#partitions) {
      const { machine, halted, partition } = ticking.hosted;
      this.#landed(ticking, now);
      if (halted || ticking.underWay > 0) continue;
      const at = Math.max(machine.nextDue, ticking.notBeforeMs);
      if (at > now) next = Math.min(next, at);
      else if (this.#parts.lag(partition) === 0) this.#tick(ticking);
    }
    this.#due.arm(next);
  }

  stop(): void {
    clearInterval(this.#idle);
    this.#due.stop();
  }

  /** The tick that was under way is applied: whether it was late enough shows now. */
  #landed(ticking: Ticking, now: number): void {
    const { position, nextDue, recordTs } = ticking.hosted.machine;
    if (ticking.underWay === 0 || ticking.underWay > position) return;
    ticking.underWay = 0;
    if (nextDue !== ticking.dueMs || nextDue > now) return;
    ticking.notBeforeMs = now + Math.min(Math.max(nextDue - recordTs, DUE_RETRY_MS_MIN), DUE_RETRY_MS_MAX);
  }

  #tick(ticking: Ticking): void {
    const { partition, machine } = ticking.hosted;
    if (ticking.dueMs !== machine.nextDue) ticking.tries = 0;
    ticking.dueMs = machine.nextDue;
    ticking.tries += 1;
    ticking.underWay = Number.POSITIVE_INFINITY;
    // Of several nodes that tick for the same, one is stored. A try that was too early would stand in the way of the next one under the same name.
    const id = `due-${partition}-${ticking.dueMs}-${ticking.tries}`;
    this.#parts.append(partition, RecordKind.tick, NOTHING, id).then(
      (seq) => {
        ticking.underWay = seq;
        this.look();
      },
      (error: Error) => {
        ticking.underWay = 0;
        ticking.notBeforeMs = this.#parts.clock.nowMs() + DUE_RETRY_MS_MAX;
        this.#notStored(partition, error);
        this.look();
      },
    );
  }

  /** Named by the position behind which it comes: two nodes that tick the same partition store one. */
  #tickIdle(): void {
    const now = this.#parts.clock.nowMs();
    for (const { hosted } of this.#partitions) {
      const { partition, machine, state, halted } = hosted;
      if (state.customers === 0 || now - machine.recordTs < TICK_INTERVAL_MS || halted) continue;
      this.#parts
        .append(partition, RecordKind.tick, NOTHING, `tick-${partition}-${machine.position}`)
        .catch((error: Error) => this.#notStored(partition, error));
    }
  }

  #notStored(partition: number, error: Error): void {
    this.#parts.log('warn', { partition, reason: error.message }, 'a tick was not stored');
  }
}
