import { afterEach, describe, expect, it } from 'vitest';
import { SNAPSHOT_COPY_COST, SNAPSHOT_QUIET_MS, SNAPSHOT_SHARE, SNAPSHOT_STEP_BYTES } from '../../../src/constants.ts';
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import { createSharedSeries } from '../../../src/telemetry/shared-series.ts';
import { type EmbeddedHost, openEmbeddedHost } from '../../../src/worker/embedded-host.ts';
import { SubmissionKind } from '../../../src/worker/messages.ts';
import type { HostParts } from '../../../src/worker/recovery.ts';
import { ShardMetrics } from '../../../src/worker/shard-metrics.ts';
import { Snapshotter } from '../../../src/worker/snapshotter.ts';
import { temporaryFolder } from '../../support/beckon-process.ts';
import { workspaceOf } from '../../support/machine-fixture.ts';

const CUSTOMERS = 12_000;
const SNAPSHOT_LOG_BYTES = 100 * 1024 * 1024;
/** Wide enough that all groups of rows are more than one step writes. */
const ATTRIBUTES = Array.from({ length: 8 }, (_, k) => `d${k}`);

const encoder = new TextEncoder();
const folders: { remove(): void }[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

class Fixture {
  /** A clock on which every look takes `lookMs`. */
  readonly time = { ms: 1000, lookMs: 0 };
  written = 0;
  readonly #folder = temporaryFolder();
  #host: EmbeddedHost | null = null;
  #snapshotter: Snapshotter | null = null;

  async open(): Promise<this> {
    folders.push(this.#folder);
    const metrics = createSharedSeries();
    const parts: HostParts = {
      fs: {
        ...nodeFileSystem,
        write: (file, bytes, position) => {
          this.written += bytes.length;
          return nodeFileSystem.write(file, bytes, position);
        },
      },
      clock: {
        nowMs: () => Date.UTC(2026, 0, 1),
        monotonicMs: () => {
          this.time.ms += this.time.lookMs;
          return this.time.ms;
        },
      },
      metrics: new ShardMetrics(metrics, () => {}),
      log: () => {},
      options: {
        worker: 0,
        partitions: [0],
        partitionsTotal: 1,
        dataDirectory: this.#folder.path,
        clock: 'wall',
        customersPerPartition: CUSTOMERS,
        historyMs: 1000,
        snapshotLogBytes: SNAPSHOT_LOG_BYTES,
        walEpoch: 1,
        salt: 1,
        nats: null,
        metrics,
      },
    };
    this.#host = await openEmbeddedHost(parts, () => {});
    const profile = `attributes:\n${ATTRIBUTES.map((name) => `  ${name}: {type: double}\n`).join('')}`;
    this.#submit(SubmissionKind.workspace, workspaceOf({ 'profile.yaml': profile }));
    this.change();
    this.#snapshotter = new Snapshotter(parts, this.host.shard, () => {});
    return this;
  }

  get host(): EmbeddedHost {
    return this.#host as EmbeddedHost;
  }

  get snapshotter(): Snapshotter {
    return this.#snapshotter as Snapshotter;
  }

  get snapshots(): readonly number[] {
    return this.host.shard.host(0).snapshots.positions();
  }

  /** An event for every customer. */
  change(): void {
    const data = Object.fromEntries(ATTRIBUTES.map((name) => [name, 1.5]));
    const events = Array.from({ length: CUSTOMERS }, (_, i) => ({ type: '$profile', customer: `c${i}`, data }));
    for (let i = 0; i < CUSTOMERS; i += 4000) this.#submit(SubmissionKind.events, events.slice(i, i + 4000));
  }

  begin(): void {
    this.host.shard.host(0).bytesSinceSnapshot = SNAPSHOT_LOG_BYTES;
    this.snapshotter.consider();
  }

  /** Bytes that a step wrote. */
  step(): number {
    const before = this.written;
    this.snapshotter.step();
    return this.written - before;
  }

  /** How long a snapshot rests after a step under load that took `lookMs` or a small multiple, divided by what it took. */
  restAfterStep(): number {
    this.time.lookMs = 1;
    const before = this.time.ms;
    this.snapshotter.noteWork();
    expect(this.step()).toBeGreaterThan(0);
    const took = this.time.ms - before;
    this.time.lookMs = 0;
    this.time.ms += 1000;
    this.snapshotter.noteWork();
    this.time.ms -= 1000;
    return this.snapshotter.restMs / took;
  }

  #submit(kind: SubmissionKind, payload: object): void {
    const bytes = encoder.encode(JSON.stringify(payload));
    const submission = { ticket: 0, partition: 0, kind, start: 0, end: bytes.length };
    this.host.submit({ type: 'submit', submissions: [submission], bytes: bytes.buffer });
    this.host.flush();
  }
}

describe('a snapshot beside other work', () => {
  it('rests after each step, and goes on when it has rested', async () => {
    const fixture = await new Fixture().open();
    const { snapshotter, time } = fixture;
    expect(snapshotter.restMs, 'nothing to do').toBe(Number.POSITIVE_INFINITY);
    fixture.begin();
    fixture.restAfterStep();
    // Between the two looks at the clock that measure the step lies one of them.
    expect(snapshotter.restMs).toBeCloseTo(1 / SNAPSHOT_SHARE - 1);
    expect(fixture.step(), 'it rests').toBe(0);
    time.ms += snapshotter.restMs;
    snapshotter.noteWork();
    expect(fixture.step(), 'it has rested').toBeGreaterThan(0);
    await fixture.host.close();
  });

  it('does not rest once there is nothing else to do, and becomes valid', async () => {
    const fixture = await new Fixture().open();
    const { snapshotter, time } = fixture;
    fixture.begin();
    fixture.restAfterStep();
    time.ms += 1000 + SNAPSHOT_QUIET_MS;
    for (let steps = 0; Number.isFinite(snapshotter.restMs); steps++) {
      expect(steps).toBeLessThan(1000);
      expect(snapshotter.restMs).toBeLessThan(SNAPSHOT_QUIET_MS);
      // What it waits for is the disk.
      if (snapshotter.restMs > 0) await new Promise((done) => setTimeout(done, snapshotter.restMs));
      else fixture.step();
    }
    expect(fixture.snapshots).toEqual([fixture.host.shard.host(0).machine.position]);
    await fixture.host.close();
  });

  it('rests less the longer the log behind it is, and not at all when that is far too long', async () => {
    const fixture = await new Fixture().open();
    const hosted = fixture.host.shard.host(0);
    fixture.begin();
    hosted.bytesSinceSnapshot = 2 * SNAPSHOT_LOG_BYTES;
    const normal = fixture.restAfterStep();
    fixture.time.ms += fixture.snapshotter.restMs;
    hosted.bytesSinceSnapshot = 4 * SNAPSHOT_LOG_BYTES;
    expect(fixture.restAfterStep()).toBeLessThan(normal / 2);
    fixture.time.ms += fixture.snapshotter.restMs;
    hosted.bytesSinceSnapshot = SNAPSHOT_LOG_BYTES * (1 + 1 / SNAPSHOT_SHARE);
    expect(fixture.restAfterStep()).toBe(0);
    await fixture.host.close();
  });

  it('writes what was copied in the course of events a bounded portion at a time, and rests for the copying, too', async () => {
    const fixture = await new Fixture().open();
    const { snapshotter, time } = fixture;
    fixture.begin();
    fixture.restAfterStep();
    time.ms += 10_000;
    // Every group of rows is changed, and so copied, before its turn.
    fixture.change();
    const before = fixture.written;
    fixture.restAfterStep();
    expect(snapshotter.restMs).toBeCloseTo((1 + SNAPSHOT_COPY_COST) * (1 / SNAPSHOT_SHARE - 1));
    time.ms += 10_000;
    let most = 0;
    let total = fixture.written - before;
    for (let steps = 0; Number.isFinite(snapshotter.restMs) && steps < 1000; steps++) {
      const written = fixture.step();
      most = Math.max(most, written);
      total += written;
      await new Promise((done) => setImmediate(done));
      time.ms += 10_000;
    }
    expect(total).toBeGreaterThan(CUSTOMERS * ATTRIBUTES.length * 8);
    expect(most).toBeLessThan(SNAPSHOT_STEP_BYTES + 100_000);
    expect(fixture.snapshots.length).toBe(1);
    await fixture.host.close();
  });

  it('becomes valid only once what the partition had told others by then is durable there', async () => {
    const fixture = await new Fixture().open();
    const { host, snapshotter } = fixture;
    const { outbox } = host.shard.host(0);
    const tell = (number: number): void => {
      outbox.add([{ to: 7, number, message: { kind: 'ask', key: 'offer/o', units: 1, version: 1 } }]);
      outbox.flush();
    };
    host.start();
    tell(1);
    fixture.begin();
    tell(2);
    const finish = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) {
        fixture.time.ms += 10_000 / 100;
        fixture.step();
        await new Promise((done) => setImmediate(done));
      }
    };
    await finish();
    expect(snapshotter.restMs, 'it waits').toBe(Number.POSITIVE_INFINITY);
    expect(fixture.snapshots).toEqual([]);
    // The first record holds message 1 alone; what came after the snapshot began does not matter to it.
    host.delivered(1);
    await finish();
    expect(fixture.snapshots).toEqual([host.shard.host(0).machine.position]);
    expect(outbox.settled).toBe(false);
    await host.drain();
    await host.close();
  });

  it('is finished at once before a clean end', async () => {
    const fixture = await new Fixture().open();
    fixture.begin();
    fixture.restAfterStep();
    fixture.snapshotter.finishAll();
    expect(fixture.snapshots).toEqual([fixture.host.shard.host(0).machine.position]);
    await fixture.host.close();
  });
});
