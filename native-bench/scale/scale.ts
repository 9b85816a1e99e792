/**
 * Suite: a node with ten million customers of the mix (workload/profile-mix.ts): its memory, events while snapshots are taken, how long it takes to stop with its
 * snapshots written, what they take on disk, and how long it takes to start again.
 */
import { strict as assert } from 'node:assert';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CUSTOMERS_PER_PARTITION_DEFAULT, PARTITIONS_DEFAULT } from '../../src/constants.ts';
import { DataPaths } from '../../src/storage/data-folder.ts';
import { snapshotSeq } from '../../src/storage/snapshot-format.ts';
import { writeWorkspace } from '../load/kernel-workspace.ts';
import { cpuSeconds, type NodeProcess, startNode } from '../load/node-process.ts';
import { Task } from '../load/task.ts';
import { ratioSpread, spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { customerId } from '../workload/kernel.ts';
import { isActive, profileMixEvents, profileMixWorkspace, purchasesOf, wordOf } from '../workload/profile-mix.ts';
import type { FillLoad, FillResult } from './fill-task.ts';
import { besideAndAlone, type Stretch, sendLive } from './live-load.ts';
import { activeAmong, LivePurchases } from './live-purchases.ts';
import { residentBytes } from './process-memory.ts';

const PARTITIONS = PARTITIONS_DEFAULT;
/** One per core. */
const WORKERS = 2;
/** The first ones get the events while snapshots are measured, one of each worker: were it all, one or the other would always be taking its snapshot. */
const LIVE_PARTITIONS = WORKERS;
const STOP_MS_MAX = 150_000;

interface Size {
  readonly customers: number;
  readonly eventsPerBody: number;
  /** Load that is not counted: code gets compiled; how fast a node takes events. */
  readonly warmUpSeconds: number;
  /** How often a partition takes a snapshot under load. */
  readonly snapshotEverySeconds: number;
  readonly liveSecondsMax: number;
  /** Snapshots and quiet times that count apart. */
  readonly stretchSecondsMin: number;
  readonly besideWanted: number;
  readonly besidePairsMin: number;
}

const FULL: Size = {
  customers: 10_000_000,
  eventsPerBody: 1000,
  warmUpSeconds: 5,
  snapshotEverySeconds: 20,
  liveSecondsMax: 70,
  stretchSecondsMin: 0.5,
  besideWanted: 3,
  besidePairsMin: 2,
};
const QUICK: Size = {
  customers: 2000,
  eventsPerBody: 100,
  warmUpSeconds: 0.1,
  snapshotEverySeconds: 0.1,
  liveSecondsMax: 0.5,
  stretchSecondsMin: 0.02,
  besideWanted: 1,
  besidePairsMin: 1,
};

export const suite: Suite = {
  name: 'scale',
  about: 'ten million customers in one node: memory, events beside snapshots, stop, disk, restart',
  ratios: ['restart_s'],
  run: (bench) => new Scale(bench, bench.quick ? QUICK : sizeFromEnvironment()).run(),
};

/** BECKON_BENCH_CUSTOMERS=100000: for those who work on it. */
function sizeFromEnvironment(): Size {
  return { ...FULL, customers: Number(process.env['BECKON_BENCH_CUSTOMERS'] ?? FULL.customers) };
}

interface Start {
  readonly node: NodeProcess;
  /** From spawn until /readyz said 200. */
  readonly seconds: number;
  readonly cpuSeconds: number;
}

interface Stop {
  /** From SIGTERM until the process had ended. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly snapshots: number;
}

class Scale {
  readonly #bench: Bench;
  readonly #size: Size;
  readonly #data: string;
  readonly #customers: string;
  readonly #starts: Start[] = [];
  readonly #stops: Stop[] = [];

  constructor(bench: Bench, size: Size) {
    this.#bench = bench;
    this.#size = size;
    this.#data = join(bench.folder, 'data');
    this.#customers = `${size.customers.toLocaleString('en')} customers`;
  }

  async run(): Promise<void> {
    const empty = await this.#createFolder();
    await this.#fill();
    const first = await this.#start();
    await this.#check(first.node);
    await this.#reportMemory(first.node, empty);
    const bytesPerSecond = await this.#warmUp(first.node);
    await this.#stop(first.node);
    this.#reportDisk();
    const second = await this.#restart(bytesPerSecond);
    await this.#live(second);
    await this.#stop(second);
    await (await this.#restart()).kill();
    this.#reportRestarts();
    this.#explain();
  }

  /** A new node publishes the workspace and leaves a snapshot of every partition. Returns its resident bytes. */
  async #createFolder(): Promise<number> {
    const workspace = writeWorkspace(join(this.#bench.folder, 'workspace'), profileMixWorkspace());
    const { node } = await this.#start('--workspace', workspace);
    const resident = residentBytes(node.pid)?.now ?? 0;
    await node.stop(STOP_MS_MAX);
    return resident;
  }

  async #fill(): Promise<void> {
    const { customers } = this.#size;
    this.#bench.progress(`filling a data folder with ${this.#customers}`);
    const tasks = await Promise.all(
      Array.from({ length: WORKERS }, (_, worker) => {
        const load: FillLoad = {
          dataDirectory: this.#data,
          customers,
          customersPerPartition: CUSTOMERS_PER_PARTITION_DEFAULT,
          partitionsTotal: PARTITIONS,
          partitions: partitionNumbers().filter((partition) => partition % WORKERS === worker),
        };
        return Task.start<object, FillResult>('../scale/fill-task', load);
      }),
    );
    const results = await Promise.all(tasks.map((task) => task.go({})));
    await Promise.all(tasks.map((task) => task.end()));
    assert.equal(sum(results.map((result) => result.customers)), customers);
    assert.equal(sum(results.map((result) => result.purchases)), profileMixEvents(customers) - customers);
    const seconds = Math.max(...results.map((result) => result.fillSeconds));
    this.#bench.progress(`filled in ${seconds.toFixed(0)} s`);
    this.#bench.measurement({
      name: `snapshots of ${this.#customers}, alone`,
      unit: 's',
      ...spreadOf([Math.max(...results.map((result) => result.snapshotSeconds))]),
      detail: `${WORKERS} threads, nothing else to do`,
    });
  }

  async #start(...flags: string[]): Promise<Start> {
    const begin = performance.now();
    const node = await startNode(
      ...['--data', this.#data, '--clock', 'event', '--partitions', String(PARTITIONS)],
      ...['--workers', String(WORKERS), ...flags],
    );
    const { status } = await fetch(`${node.url}/readyz`);
    assert.equal(status, 200);
    return { node, seconds: (performance.now() - begin) / 1000, cpuSeconds: cpuSeconds(node.pid) };
  }

  /** From the snapshots that a node has left, with nothing behind them. `bytesPerSecond`: of each partition's log, under the load to come. */
  async #restart(bytesPerSecond = 0): Promise<NodeProcess> {
    this.#bench.progress(`restart ${this.#starts.length + 1}`);
    const { snapshotEverySeconds } = this.#size;
    const every = Math.max(1, Math.round(bytesPerSecond * snapshotEverySeconds));
    const start = await this.#start(...(bytesPerSecond === 0 ? [] : ['--snapshot-every', String(every)]));
    this.#starts.push(start);
    await this.#check(start.node);
    return start.node;
  }

  /** All of them are there, and a few are who they were. */
  async #check(node: NodeProcess): Promise<void> {
    const { customers } = this.#size;
    assert.equal(await gauge(node, 'beckon_customers'), customers);
    for (const customer of [0, 3, customers >> 1, customers - 1]) {
      const response = await fetch(`${node.url}/v1/customers/${customerId(customer)}`);
      const { attributes, aggregates } = (await response.json()) as {
        readonly attributes: Readonly<Record<string, unknown>>;
        readonly aggregates: Readonly<Record<string, unknown>>;
      };
      assert.equal(attributes['s3'], wordOf(customer, 3));
      // More by now, where there was live load.
      const purchases = isActive(customer) ? purchasesOf(customer).length : 0;
      assert(Number(aggregates['purchases']) >= purchases);
    }
  }

  async #reportMemory(node: NodeProcess, empty: number): Promise<void> {
    this.#bench.measurement({
      name: 'counted by its partitions',
      unit: 'B/customer',
      ...spreadOf([(await gauge(node, 'beckon_memory_bytes')) / this.#size.customers]),
      detail: 'what columns, tables and blocks touched, remembered event ids included: beckon_memory_bytes',
    });
    const resident = residentBytes(node.pid);
    if (resident === null) {
      this.#bench.skip('memory', '/proc does not tell');
      return;
    }
    this.#bench.measurement({
      name: 'resident, the whole process',
      unit: 'B/customer',
      ...spreadOf([resident.now / this.#size.customers]),
      detail: `VmRSS ÷ ${this.#customers}, after a start; the same node with none: ${Math.round(empty / 1e6)} MB`,
    });
  }

  /** Events for all partitions, so that each has something behind its snapshot. Returns bytes per second of each live partition's log, were all events for those. */
  async #warmUp(node: NodeProcess): Promise<number> {
    const purchases = new LivePurchases(activeAmong(this.#size.customers, PARTITIONS), this.#size.eventsPerBody);
    const stretches = await this.#send(node, purchases, this.#size.warmUpSeconds);
    const events = sum(stretches.map((stretch) => stretch.events));
    const seconds = sum(stretches.map((stretch) => stretch.seconds));
    return (events * purchases.eventBytes) / seconds / LIVE_PARTITIONS;
  }

  async #live(node: NodeProcess): Promise<void> {
    const { customers, eventsPerBody, warmUpSeconds, liveSecondsMax, stretchSecondsMin, besideWanted, besidePairsMin } =
      this.#size;
    this.#bench.progress('events beside snapshots');
    const active = activeAmong(customers, PARTITIONS, (partition) => partition < LIVE_PARTITIONS);
    const purchases = new LivePurchases(active, eventsPerBody);
    await this.#send(node, purchases, warmUpSeconds);
    const cpuBefore = cpuSeconds(node.pid);
    const stretches = await this.#send(node, purchases, liveSecondsMax, (so) => {
      // The last one may not be over.
      return besideAndAlone(so, stretchSecondsMin).beside.length > besideWanted;
    });
    if (process.env['BECKON_BENCH_STRETCHES'] !== undefined) this.#bench.note(JSON.stringify(stretches));
    const rates = besideAndAlone(stretches, stretchSecondsMin);
    // A single pair compares two times of which the machine's other work may have met one only.
    if (rates.beside.length < besidePairsMin) {
      const seen = `${rates.beside.length} of ${besidePairsMin} changes from a quiet time to snapshots within ${liveSecondsMax} s`;
      this.#bench.skip('events beside snapshots', seen);
      return;
    }
    const cpu = cpuSeconds(node.pid) - cpuBefore;
    const events = sum(stretches.map((stretch) => stretch.events));
    const detail = `purchases in bodies of ${eventsPerBody} over 8 connections, as fast as they are answered, of customers in ${LIVE_PARTITIONS} of ${PARTITIONS} partitions`;
    this.#bench.measurement({
      name: 'live, no snapshot under way',
      unit: 'events/s',
      ...spreadOf(rates.alone),
      detail,
    });
    this.#bench.measurement({ name: 'live, beside snapshots', unit: 'events/s', ...spreadOf(rates.beside), detail });
    this.#bench.ratio({
      key: null,
      name: 'live beside snapshots ÷ without',
      ...ratioSpread(rates.beside, rates.alone),
      detail: `times in which one worker or both took snapshots, each ÷ the time before it; ${((cpu * 1e6) / events).toFixed(1)} µs of CPU per event over all`,
    });
  }

  #send(
    node: NodeProcess,
    purchases: LivePurchases,
    secondsMax: number,
    enough: (stretches: readonly Stretch[]) => boolean = () => false,
  ): Promise<Stretch[]> {
    const begin = performance.now();
    return sendLive(
      { port: node.port, dataDirectory: this.#data, partitions: PARTITIONS, purchases },
      // On a slow machine the time may be over before the first look.
      (stretches) => stretches.length > 0 && (performance.now() - begin > secondsMax * 1000 || enough(stretches)),
    );
  }

  async #stop(node: NodeProcess): Promise<void> {
    this.#bench.progress('stopping');
    const before = new Set(this.#snapshots());
    const cpuBefore = cpuSeconds(node.pid);
    const begin = performance.now();
    let cpu = cpuBefore;
    const looking = setInterval(() => {
      const now = cpuSeconds(node.pid);
      if (Number.isFinite(now)) cpu = now;
    }, 50);
    await node.stop(STOP_MS_MAX);
    clearInterval(looking);
    const seconds = (performance.now() - begin) / 1000;
    const snapshots = this.#snapshots().filter((path) => !before.has(path)).length;
    this.#stops.push({ seconds, snapshots, cpuSeconds: cpu - cpuBefore });
  }

  #reportDisk(): void {
    const newest = partitionNumbers().map((partition) => this.#snapshotsOf(partition).at(-1) as string);
    this.#bench.measurement({
      name: 'on disk, newest snapshots',
      unit: 'B/customer',
      ...spreadOf([sum(newest.map((path) => statSync(path).size)) / this.#size.customers]),
      detail: 'not compressed; two are kept, and those that the history needs',
    });
  }

  #reportRestarts(): void {
    // After the second only the live partitions have something to write.
    const [stop] = this.#stops as [Stop];
    assert(this.#bench.quick || stop.snapshots >= PARTITIONS, `${stop.snapshots} snapshots were taken at the end`);
    this.#bench.measurement({
      name: 'SIGTERM until ended, snapshots written',
      unit: 's',
      ...spreadOf([stop.seconds]),
      detail: `${this.#customers}, ${stop.snapshots} snapshots of ${PARTITIONS} partitions, ${WORKERS} workers; ${stop.cpuSeconds.toFixed(1)} s of CPU`,
    });
    if (this.#bench.quick) {
      this.#bench.skip('restart_s', 'a smoke run has too few customers');
      return;
    }
    this.#bench.measurement({
      name: 'restart, CPU',
      unit: 's',
      ...spreadOf(this.#starts.map((start) => start.cpuSeconds)),
      detail: 'all threads together, until /readyz said 200',
    });
    this.#bench.ratio({
      key: 'restart_s',
      name: `restart with ${this.#customers}`,
      ...spreadOf(this.#starts.map((start) => start.seconds)),
      detail: `spawn until /readyz says 200: ${PARTITIONS} partitions, ${WORKERS} workers, from snapshots in the page cache; their digests are computed again`,
    });
  }

  #explain(): void {
    this.#bench.note(
      'The folder is begun by a node, filled in threads of the benchmark, and used by a node from then on. Events over HTTP would take longer than the budget: the attributes ' +
        'are stored by the state’s own calls, purchases go through the machines, snapshots through the engine’s writer; what comes of it is what the events would have made. ' +
        'It lies in the machine’s temporary folder.',
    );
  }

  #snapshots(): string[] {
    return partitionNumbers().flatMap((partition) => this.#snapshotsOf(partition));
  }

  /** Oldest first. */
  #snapshotsOf(partition: number): string[] {
    const folder = new DataPaths(this.#data).partition(partition);
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((name) => snapshotSeq(name) >= 0)
      .sort()
      .map((name) => join(folder, name));
  }
}

/** Over all partitions. */
async function gauge(node: NodeProcess, name: string): Promise<number> {
  const metrics = await (await fetch(`${node.url}/metrics`)).text();
  return sum([...metrics.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'gm'))].map((match) => Number(match[1])));
}

function partitionNumbers(): number[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => partition);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
