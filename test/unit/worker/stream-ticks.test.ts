/** Ticks on NATS against a server whose clock is not this one's. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DUE_RETRY_MS_MAX, DUE_RETRY_MS_MIN, TICK_INTERVAL_MS } from '../../../src/constants.ts';
import { StreamTicks } from '../../../src/worker/stream-ticks.ts';

const START = Date.UTC(2026, 0, 1);

/** A partition and its stream: a tick is stored, comes back after `readMs` under the server's time, and is applied. */
class Fixture {
  /** How far the server's clock is behind. */
  behindMs = 0;
  readMs = 1;
  failing = false;
  /** What one record lets happen at most. */
  mostPerRecord = Number.POSITIVE_INFINITY;
  waiting = 0;
  readonly dues: number[] = [];
  readonly fired: { readonly due: number; readonly at: number }[] = [];
  readonly ids: string[] = [];
  readonly hosted = {
    partition: 5,
    halted: false,
    state: { customers: 0 },
    machine: { position: 0, recordTs: 0, nextDue: 0 },
  };
  readonly #stored = new Map<string, number>();
  readonly ticks: StreamTicks;

  constructor(...dues: readonly number[]) {
    this.dues.push(...dues);
    this.#next();
    this.ticks = new StreamTicks({
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      log: () => {},
      partitions: [this.hosted],
      lag: () => this.waiting,
      append: async (_, __, ___, id) => this.#append(id),
    });
    this.ticks.look();
  }

  async #append(id: string): Promise<number> {
    if (this.failing) throw new Error('no answer');
    this.ids.push(id);
    const before = this.#stored.get(id);
    if (before !== undefined) return before;
    const seq = this.#stored.size + 1;
    this.#stored.set(id, seq);
    const ts = Date.now() - this.behindMs;
    setTimeout(() => this.#apply(seq, ts), this.readMs);
    return seq;
  }

  #apply(seq: number, ts: number): void {
    const { machine } = this.hosted;
    machine.position = seq;
    machine.recordTs = ts;
    for (let i = 0; i < this.mostPerRecord && (this.dues[0] ?? Number.POSITIVE_INFINITY) <= ts; i++)
      this.fired.push({ due: (this.dues.shift() as number) - START, at: Date.now() - START });
    this.#next();
    this.ticks.look();
  }

  #next(): void {
    this.hosted.machine.nextDue = this.dues[0] ?? Number.POSITIVE_INFINITY;
  }
}

let fixture: Fixture;
beforeEach(() => void vi.useFakeTimers({ now: START }));
afterEach(() => {
  fixture.ticks.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('ticks on NATS', () => {
  it('come when something falls due, one for all that does, though the partition holds no customer', async () => {
    fixture = new Fixture(START + 50, START + 50, START + 80);
    await vi.advanceTimersByTimeAsync(49);
    expect(fixture.ids).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(fixture.fired).toEqual([
      { due: 50, at: 51 },
      { due: 50, at: 51 },
      { due: 80, at: 81 },
    ]);
    expect(fixture.ids).toHaveLength(2);
  });

  it('come again under another name where the server stamped them before what they were for', async () => {
    fixture = new Fixture(START + 50);
    fixture.behindMs = 7;
    await vi.advanceTimersByTimeAsync(1000);
    expect(fixture.fired).toEqual([{ due: 50, at: 59 }]);
    expect(fixture.ids).toHaveLength(2);
    expect(new Set(fixture.ids).size).toBe(2);
  });

  it('follow each other while a record cannot let all that is due happen', async () => {
    fixture = new Fixture(...Array.from({ length: 10 }, () => START + 50));
    fixture.mostPerRecord = 4;
    await vi.advanceTimersByTimeAsync(100);
    expect(fixture.fired.map(({ at }) => at)).toEqual([51, 51, 51, 51, 54, 54, 54, 54, 57, 57]);
    expect(fixture.ids).toHaveLength(3);
  });

  it('come seldom where the server is far behind, and still come', async () => {
    fixture = new Fixture(START + 50);
    fixture.behindMs = 3 * DUE_RETRY_MS_MAX;
    await vi.advanceTimersByTimeAsync(4 * DUE_RETRY_MS_MAX);
    expect(fixture.fired).toHaveLength(1);
    expect(fixture.ids.length).toBeLessThan(10);
  });

  it('have a name of their own where a run before this one was too early with the first', async () => {
    fixture = new Fixture(START + 50);
    fixture.behindMs = 5;
    await vi.advanceTimersByTimeAsync(52);
    const first = fixture;
    expect(first.ids).toHaveLength(1);
    first.ticks.stop();
    // The same stream, a new run: what it stores under the first name is there already.
    const again = new StreamTicks({
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      log: () => {},
      partitions: [first.hosted],
      lag: () => 0,
      append: async (_, __, ___, id) => {
        first.ids.push(id);
        if (first.ids.length === 2) return 1;
        first.hosted.machine.nextDue = Number.POSITIVE_INFINITY;
        first.hosted.machine.position = 2;
        return 2;
      },
    });
    again.look();
    await vi.advanceTimersByTimeAsync(5 * DUE_RETRY_MS_MIN + 5);
    again.stop();
    expect(first.ids[1]).toBe(first.ids[0]);
    expect(first.ids[2]).not.toBe(first.ids[0]);
    expect(first.ids).toHaveLength(3);
  });

  it('do not come while records wait that let time pass as well', async () => {
    fixture = new Fixture(START + 50);
    fixture.waiting = 3;
    await vi.advanceTimersByTimeAsync(500);
    expect(fixture.ids).toEqual([]);
    fixture.waiting = 0;
    fixture.ticks.look();
    await vi.advanceTimersByTimeAsync(10);
    expect(fixture.fired).toHaveLength(1);
  });

  it('are sent again where they were not stored, and not at all once the partition has halted', async () => {
    fixture = new Fixture(START + 50, START + 60_000);
    fixture.failing = true;
    await vi.advanceTimersByTimeAsync(DUE_RETRY_MS_MAX);
    fixture.failing = false;
    await vi.advanceTimersByTimeAsync(DUE_RETRY_MS_MAX + 100);
    expect(fixture.fired).toHaveLength(1);
    fixture.hosted.halted = true;
    await vi.advanceTimersByTimeAsync(2 * 60_000);
    expect(fixture.fired).toHaveLength(1);
  });

  it('come once a minute where customers have windows', async () => {
    fixture = new Fixture();
    fixture.hosted.state.customers = 1;
    await vi.advanceTimersByTimeAsync(3 * TICK_INTERVAL_MS + 10);
    expect(fixture.ids).toHaveLength(3);
  });
});
