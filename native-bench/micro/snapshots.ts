/**
 * Snapshots of one partition of 100,000 customers: what taking one takes from the partition, with and without events meanwhile, its longest step, and restoring it. The steps and files are the engine's: StateSnapshot, SnapshotStore, restoreSnapshot.
 */
import { join } from 'node:path';
import { Machine } from '../../src/machine/machine.ts';
import { restoreSnapshot } from '../../src/replay/restore.ts';
import { reserveMemory } from '../../src/state/arena.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import { stateLimits } from '../../src/state/state-limits.ts';
import { assert } from '../../src/stdx/assert.ts';
import { ByteWriter } from '../../src/stdx/bytes.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { SnapshotSection } from '../../src/storage/snapshot-format.ts';
import { SnapshotStore } from '../../src/storage/snapshot-store.ts';
import { measureValues, spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { EVENTS_PER_BATCH, KernelEvents, kernelRules, kernelWorkspace, profilePayloads } from '../workload/kernel.ts';
import { type BenchMachine, machineUnder, workspaceOf } from './compiled-workspace.ts';

const CUSTOMERS = 100_000;
const RULES = 100;
/** Events before the first snapshot, so that windows hold something. */
const WARM_EVENTS = 100_000;

export const suite: Suite = {
  name: 'snapshots',
  about: 'a snapshot of 100,000 customers: taken, applied beside, restored',
  ratios: [],
  async run(bench) {
    const customers = bench.quick ? 2000 : CUSTOMERS;
    const rounds = bench.quick ? 2 : 7;
    const partition = new SnapshotPartition(bench, customers);
    partition.applyEvents(bench.quick ? 2000 : WARM_EVENTS);
    const longest: number[] = [];
    const bytes: number[] = [];
    const measured = await measureValues(
      [
        {
          name: 'beside',
          run: () => {
            const taken = partition.takeBesideEvents();
            longest.push(taken.longestStepMs);
            bytes.push(taken.bytes);
            // As many events with no snapshot: whatever they take less is the snapshot's.
            return taken.snapshotMs + taken.applyMs - partition.applyEvents(taken.events);
          },
        },
        { name: 'alone', run: () => partition.take() },
        { name: 'restore', run: () => partition.restore() },
      ],
      { rounds, warmUps: 1, onRound: (round) => bench.progress(`round ${round + 1} of ${rounds}`) },
    );
    for (const warmUp of [longest, bytes]) warmUp.shift();
    const size = `${customers.toLocaleString('en')} customers`;
    bench.measurement({
      name: `take, ${size}, alone`,
      unit: 'ms',
      ...measured.spread('alone'),
      detail: 'written and synced, no events meanwhile',
    });
    bench.measurement({
      name: `take, ${size}, beside events`,
      unit: 'ms',
      ...measured.spread('beside'),
      detail: `a message of ${EVENTS_PER_BATCH} events after every step; what it took more than these events alone`,
    });
    bench.measurement({
      name: 'its longest step',
      unit: 'ms',
      ...spreadOf(longest),
      detail: 'what an event may have to wait, syncs included',
    });
    bench.measurement({
      name: `restore, ${size}`,
      unit: 'ms',
      ...measured.spread('restore'),
      detail: 'every byte verified, then restored, then the digest compared',
    });
    bench.measurement({ name: 'file', unit: 'B', ...spreadOf(bytes) });
    bench.note(`Kernel workload, ${RULES} rules; the file is in the machine's temporary folder.`);
  },
};

interface Taken {
  readonly snapshotMs: number;
  readonly longestStepMs: number;
  readonly applyMs: number;
  readonly events: number;
  readonly bytes: number;
}

class SnapshotPartition {
  readonly #partition: BenchMachine;
  readonly #store: SnapshotStore;
  readonly #customers: number;
  readonly #events: KernelEvents;

  constructor(bench: Bench, customers: number) {
    bench.progress('loading customers');
    this.#customers = customers;
    this.#partition = machineUnder(workspaceOf(kernelWorkspace(kernelRules(RULES))), customers);
    for (const payload of profilePayloads(customers, 'messagepack')) this.#partition.send(payload);
    this.#events = new KernelEvents(customers, 21);
    this.#store = new SnapshotStore(nodeFileSystem, join(bench.folder, 'snapshots'), 0);
  }

  /** Milliseconds within apply; messages are made outside. */
  applyEvents(count: number): number {
    let ms = 0;
    for (let events = 0; events < count; events += EVENTS_PER_BATCH) ms += this.#applyMessage();
    return ms;
  }

  /** Milliseconds. */
  take(): number {
    return this.#take(false).snapshotMs;
  }

  takeBesideEvents(): Taken {
    return this.#take(true);
  }

  #take(besideEvents: boolean): Taken {
    const { machine, state } = this.#partition;
    let snapshotMs = 0;
    let longestStepMs = 0;
    const timed = <Result>(step: () => Result): Result => {
      const begin = performance.now();
      const result = step();
      const ms = performance.now() - begin;
      snapshotMs += ms;
      longestStepMs = Math.max(longestStepMs, ms);
      return result;
    };
    const { seq, logTime, workspaceVersion } = {
      seq: machine.position,
      logTime: machine.logTime,
      workspaceVersion: machine.workspaceVersion,
    };
    const globalsDigest = machine.globalsDigest();
    const { writer, snapshot } = timed(() => {
      const writer = this.#store.begin({ seq, logTime, workspaceVersion });
      writer.section(SnapshotSection.machine, machine.exportGlobals());
      writer.section(SnapshotSection.position, checksumSection());
      return { writer, snapshot: state.beginSnapshot(logTime) };
    });
    let applyMs = 0;
    let events = 0;
    for (;;) {
      const sections = timed(() => {
        const made = snapshot.step();
        for (const section of made ?? []) writer.section(SnapshotSection.state, section);
        return made;
      });
      if (sections === null) break;
      if (!besideEvents) continue;
      applyMs += this.#applyMessage();
      events += EVENTS_PER_BATCH;
    }
    const { bytes } = timed(() => writer.commit(snapshot.digest + globalsDigest, () => {}));
    this.#store.prune(0, 0);
    return { snapshotMs, longestStepMs, applyMs, events, bytes };
  }

  /** Milliseconds from the file to a machine that could go on. */
  restore(): number {
    const limits = stateLimits(this.#customers);
    const begin = performance.now();
    const state = new PartitionState(reserveMemory(limits), limits);
    const machine = new Machine({ partition: 0, partitions: 1, clock: 'event', state });
    const { snapshot } = this.#store.loadNewest();
    assert(snapshot !== null, 'there is a snapshot');
    restoreSnapshot(snapshot, state, machine);
    assert(state.customers === this.#customers, 'all customers are back');
    return performance.now() - begin;
  }

  #applyMessage(): number {
    const payload = this.#events.batch('messagepack');
    const begin = performance.now();
    this.#partition.send(payload);
    return performance.now() - begin;
  }
}

/** Of the last record applied; of no importance here. */
function checksumSection(): Uint8Array {
  const writer = new ByteWriter(4);
  writer.u32(0);
  return writer.copy();
}
