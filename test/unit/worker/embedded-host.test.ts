import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SHARD_BATCH_BYTES_MAX, TICK_INTERVAL_MS } from '../../../src/constants.ts';
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
  submit(...submissions: readonly (readonly [ticket: number, kind: SubmissionKind, payload: string])[]): void;
}

async function openHost(clock: 'wall' | 'event'): Promise<Fixture> {
  const folder = temporaryFolder();
  folders.push(folder);
  const time = { ms: Date.UTC(2026, 0, 1) };
  const answered: number[][] = [];
  const metrics = createSharedSeries();
  const host = await openEmbeddedHost(
    {
      fs: nodeFileSystem,
      clock: { nowMs: () => time.ms, monotonicMs: () => performance.now() },
      metrics: new ShardMetrics(metrics, () => {}),
      log: () => {},
      options: {
        worker: 0,
        partitions: [0],
        partitionsTotal: 1,
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
    },
  );
  return {
    host,
    time,
    answered,
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
});
