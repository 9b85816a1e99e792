/**
 * A task: fills some partitions of a data folder, which no node has open, with the mix. Each is restored from its snapshot, takes its share of the customers
 * (mix-partition.ts), and is written as its next snapshot: all with the engine's own code, only without its log.
 */
import { Machine } from '../../src/machine/machine.ts';
import { restoreSnapshot } from '../../src/replay/restore.ts';
import { reserveMemory } from '../../src/state/arena.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import { stateLimits } from '../../src/state/state-limits.ts';
import { assert } from '../../src/stdx/assert.ts';
import { ByteWriter } from '../../src/stdx/bytes.ts';
import { partitionOf } from '../../src/stdx/hash.ts';
import { DataPaths } from '../../src/storage/data-folder.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { SnapshotSection } from '../../src/storage/snapshot-format.ts';
import { SnapshotStore } from '../../src/storage/snapshot-store.ts';
import { runTask } from '../load/task.ts';
import { customerId } from '../workload/kernel.ts';
import { purchaseBatches } from '../workload/profile-mix.ts';
import { MixPartition } from './mix-partition.ts';

export interface FillLoad {
  readonly dataDirectory: string;
  readonly customers: number;
  readonly customersPerPartition: number;
  readonly partitionsTotal: number;
  /** Those that are this task's. */
  readonly partitions: readonly number[];
}

export interface FillResult {
  readonly customers: number;
  readonly purchases: number;
  readonly fillSeconds: number;
  /** Until all snapshots were durable. */
  readonly snapshotSeconds: number;
}

interface Partition extends Pick<MixPartition, 'state' | 'machine'> {
  readonly mix: MixPartition;
  readonly snapshots: SnapshotStore;
}

await runTask(async (load: FillLoad) => {
  const partitions = new Map(load.partitions.map((partition) => [partition, open(load, partition)]));
  return async (): Promise<FillResult> => {
    const begin = performance.now();
    fill(load, partitions);
    const filled = performance.now();
    for (const partition of partitions.values()) takeSnapshot(partition);
    const machines = [...partitions.values()];
    return {
      customers: machines.reduce((sum, { state }) => sum + state.customers, 0),
      purchases: machines.reduce((sum, { machine }) => sum + machine.totals.accepted, 0),
      fillSeconds: (filled - begin) / 1000,
      snapshotSeconds: (performance.now() - filled) / 1000,
    };
  };
});

function open({ dataDirectory, customersPerPartition, partitionsTotal }: FillLoad, partition: number): Partition {
  const limits = stateLimits(customersPerPartition);
  const state = new PartitionState(reserveMemory(limits), limits);
  const machine = new Machine({ partition, partitions: partitionsTotal, clock: 'event', state });
  const snapshots = new SnapshotStore(nodeFileSystem, new DataPaths(dataDirectory).partition(partition), partition);
  const { snapshot } = snapshots.loadNewest();
  assert(snapshot !== null, 'a node has left a snapshot of every partition');
  restoreSnapshot(snapshot, state, machine);
  return { state, machine, mix: new MixPartition(state, machine), snapshots };
}

/** Partition by partition: what is met at random, its dictionary above all, stays in the cache. */
function fill({ customers, partitionsTotal }: FillLoad, partitions: ReadonlyMap<number, Partition>): void {
  const partitionsOf = Uint16Array.from({ length: customers }, (_, i) => partitionOf(customerId(i), partitionsTotal));
  for (const [partition, { mix }] of partitions) {
    for (let customer = 0; customer < customers; customer++)
      if (partitionsOf[customer] === partition) mix.addProfile(customer, customerId(customer));
  }
  const wanted = (partition: number): boolean => partitions.has(partition);
  for (const { partition, payload } of purchaseBatches(customers, partitionsTotal, wanted))
    partitions.get(partition)?.mix.apply(payload);
}

function takeSnapshot({ machine, state, snapshots }: Partition): void {
  const { position: seq, logTime, workspaceVersion } = machine;
  const writer = snapshots.begin({ seq, logTime, workspaceVersion });
  writer.section(SnapshotSection.machine, machine.exportGlobals());
  writer.section(SnapshotSection.position, checksumSection());
  const snapshot = state.beginSnapshot(logTime);
  for (let sections = snapshot.step(); sections !== null; sections = snapshot.step())
    for (const section of sections) writer.section(SnapshotSection.state, section);
  writer.commit(snapshot.digest + machine.globalsDigest(), () => {});
}

/** Of the last record: what a JetStream log is recognised by; of no meaning in an embedded one. */
function checksumSection(): Uint8Array {
  const writer = new ByteWriter(4);
  writer.u32(0);
  return writer.copy();
}
