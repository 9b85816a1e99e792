import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OUTBOX_MESSAGES_MAX, SHARD_BATCH_BYTES_MAX, TICK_INTERVAL_MS } from '../../../src/constants.ts';
import type { OutgoingMessage } from '../../../src/machine/effects.ts';
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import { createSharedSeries } from '../../../src/telemetry/shared-series.ts';
import { type EmbeddedHost, openEmbeddedHost } from '../../../src/worker/embedded-host.ts';
import { type FromShard, SubmissionKind } from '../../../src/worker/messages.ts';
import { ShardMetrics } from '../../../src/worker/shard-metrics.ts';
import { temporaryFolder } from '../../support/beckon-process.ts';
import { workspaceOf } from '../../support/machine-fixture.ts';

const encoder = new TextEncoder();
const folders: { remove(): void }[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const folder of folders.splice(0)) folder.remove();
});

interface Fixture {
  readonly host: EmbeddedHost;
  readonly time: { ms: number };
  /** Tickets of each `applied` message, in order. */
  readonly answered: number[][];
  /** Messages for partitions of other workers. */
  readonly told: Extract<FromShard, { type: 'message' }>[];
  submit(...submissions: readonly (readonly [ticket: number, kind: SubmissionKind, payload: string])[]): void;
}

async function openHost(clock: 'wall' | 'event', partitions = [0], partitionsTotal = 1): Promise<Fixture> {
  const folder = temporaryFolder();
  folders.push(folder);
  const time = { ms: Date.UTC(2026, 0, 1) };
  const answered: number[][] = [];
  const told: Extract<FromShard, { type: 'message' }>[] = [];
  const metrics = createSharedSeries();
  const host = await openEmbeddedHost(
    {
      fs: nodeFileSystem,
      clock: { nowMs: () => time.ms, monotonicMs: () => performance.now() },
      metrics: new ShardMetrics(metrics, () => {}),
      log: () => {},
      options: {
        worker: 0,
        partitions,
        partitionsTotal,
        dataDirectory: join(folder.path, 'data'),
        clock,
        customersPerPartition: 1000,
        historyMs: 1000,
        snapshotLogBytes: 1 << 30,
        walEpoch: 1,
        salt: 1,
        nats: null,
        metrics,
      },
    },
    (message: FromShard) => {
      if (message.type === 'applied') answered.push(message.outcomes.map(({ ticket }) => ticket));
      if (message.type === 'message') told.push(message);
    },
  );
  return {
    host,
    time,
    answered,
    told,
    submit: (...submissions) => {
      const payloads = submissions.map(([, , payload]) => encoder.encode(payload));
      const bytes = new Uint8Array(payloads.reduce((sum, payload) => sum + payload.length, 0));
      let end = 0;
      const placed = submissions.map(([ticket, kind], i) => {
        const payload = payloads[i] as Uint8Array;
        const start = end;
        bytes.set(payload, start);
        end += payload.length;
        return { ticket, partition: 0, kind, start, end };
      });
      host.submit({ type: 'submit', submissions: placed, bytes: bytes.buffer });
    },
  };
}

const receipt = (id: string): string => JSON.stringify({ id, type: 'receipt', customer: 'ann', data: { total: 1 } });

describe('a shard on the embedded log', () => {
  it('takes what somebody waits for before what came in bulk, and bulk in bounded batches', async () => {
    const { host, answered, submit } = await openHost('wall');
    const bulk = `[${' '.repeat(SHARD_BATCH_BYTES_MAX * 0.6)}]`;
    submit(
      [1, SubmissionKind.events, bulk],
      [2, SubmissionKind.events, bulk],
      [3, SubmissionKind.events, bulk],
      [4, SubmissionKind.decide, receipt('a')],
    );
    host.flush();
    expect(answered).toEqual([[4, 1]]);
    submit([5, SubmissionKind.decide, receipt('b')]);
    host.flush();
    expect(answered[1]).toEqual([5, 2]);
    await host.drain();
    expect(answered[2]).toEqual([3]);
    await host.close();
  });

  it.each([
    ['wall', 1],
    ['event', 0],
  ] as const)('under the %s clock, an idle partition with customers gets %i tick', async (clock, ticks) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { host, time, submit } = await openHost(clock);
    host.onGathered = () => host.flush();
    host.start();
    const { machine } = host.shard.host(0);
    time.ms += TICK_INTERVAL_MS;
    vi.advanceTimersByTime(TICK_INTERVAL_MS);
    expect(machine.position, 'nobody to tick for').toBe(0);

    submit([1, SubmissionKind.workspace, JSON.stringify(workspaceOf({}))], [2, SubmissionKind.decide, receipt('a')]);
    host.flush();
    expect(machine.position).toBe(2);
    time.ms += TICK_INTERVAL_MS;
    vi.advanceTimersByTime(TICK_INTERVAL_MS);
    expect(machine.position).toBe(2 + ticks);
    if (clock === 'wall') expect(machine.logTime).toBe(time.ms);
    await host.drain();
    await host.close();
  });

  it('gives messages to partitions here at once, and those for others to the main thread, with the events waiting where they gather', async () => {
    const { host, told, answered, submit } = await openHost('wall', [0, 1], 3);
    host.onGathered = () => host.flush();
    host.start();
    const [own, other] = [host.shard.host(0), host.shard.host(1)];
    own.outbox.add([ask(1, 1)]);
    own.outbox.flush();
    await host.settle();
    expect(other.machine.position).toBe(1);
    expect(own.outbox.settled).toBe(true);
    expect(told).toEqual([]);

    own.outbox.add(Array.from({ length: OUTBOX_MESSAGES_MAX }, (_, i) => ask(2, i + 1)));
    own.outbox.flush();
    expect(told.map(({ to, ticket }) => [to, ticket])).toEqual([[2, 1]]);
    submit([1, SubmissionKind.events, '[]'], [2, SubmissionKind.decide, receipt('a')]);
    other.outbox.add([ask(0, 1)]);
    other.outbox.flush();
    expect(host.idle, 'what may make room is taken').toBe(false);
    host.flush();
    expect(own.machine.position).toBe(1);
    expect(answered).toEqual([]);
    expect(host.idle, 'there is nothing else to do').toBe(true);
    host.delivered(1);
    await expect.poll(() => answered).toEqual([[2, 1]]);
    expect(told).toHaveLength(2);
    // The rest, and a stop that waits for it.
    let settled = false;
    const settling = host.settle().then(() => {
      settled = true;
    });
    for (let ticket = 2; !settled; ticket++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (told.length >= ticket) host.delivered(ticket);
      else ticket -= 1;
    }
    await settling;
    expect(own.outbox.settled).toBe(true);
    await host.drain();
    await host.close();
  });

  it('takes messages of other workers before what waits for them', async () => {
    const { host, answered, submit } = await openHost('wall');
    submit(
      [1, SubmissionKind.events, '[]'],
      [2, SubmissionKind.decide, receipt('a')],
      [3, SubmissionKind.message, '{}'],
    );
    host.flush();
    expect(answered).toEqual([[3, 2, 1]]);
    await host.drain();
    await host.close();
  });

  it.each([
    ['wall', 1],
    ['event', 0],
  ] as const)('under the %s clock, something due gets %i tick, though nobody is there', async (clock, ticks) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { host, time } = await openHost(clock);
    host.onGathered = () => host.flush();
    const { machine } = host.shard.host(0);
    const due = time.ms + 5 * TICK_INTERVAL_MS;
    Object.defineProperty(machine, 'nextDue', { get: () => (machine.logTime < due ? due : Number.POSITIVE_INFINITY) });
    host.start();
    const pass = (ms: number): void => {
      time.ms += ms;
      vi.advanceTimersByTime(ms);
    };
    for (let i = 0; i < 4; i++) pass(TICK_INTERVAL_MS);
    pass(TICK_INTERVAL_MS - 1);
    expect(machine.position).toBe(0);
    pass(1);
    expect(machine.position).toBe(ticks);
    if (clock === 'wall') expect(machine.logTime).toBe(due);
    pass(10 * TICK_INTERVAL_MS);
    expect(machine.position).toBe(ticks);
    await host.drain();
    expect(vi.getTimerCount()).toBe(0);
    await host.close();
  });
});

function ask(to: number, number: number): OutgoingMessage {
  return { to, number, message: { kind: 'ask', key: 'offer/o', units: 1, version: 1 } };
}
