/**
 * A thread of Beckon's side for memory: machines for some of the partitions, without a log. Customers' ids and attributes are stored by the
 * state's own calls, which are what events of them come to (scale/mix-partition.ts); purchases are events. Does one order (MixOrder) after another, and
 * answers each with a MixReport.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { CUSTOMERS_PER_PARTITION_DEFAULT, EVENT_IDS_REMEMBERED } from '../../src/constants.ts';
import { Effects } from '../../src/machine/effects.ts';
import { Machine } from '../../src/machine/machine.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import { reserveMemory } from '../../src/state/arena.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import { stateLimits } from '../../src/state/state-limits.ts';
import { assert } from '../../src/stdx/assert.ts';
import { partitionOf } from '../../src/stdx/hash.ts';
import { compileWorkspace } from '../../src/workspace/compile.ts';
import { collectGarbage } from '../measure.ts';
import { MixPartition } from '../scale/mix-partition.ts';
import { customerId } from '../workload/kernel.ts';
import {
  idBatches,
  type MixBatch,
  type MixStage,
  mixStageBatches,
  profileMixWorkspace,
} from '../workload/profile-mix.ts';

export interface MixThread {
  readonly customers: number;
  readonly partitionsTotal: number;
  /** Those that are this thread's. */
  readonly partitions: readonly number[];
}

export type MixOrder =
  | { readonly kind: 'workspace'; readonly windows: boolean }
  | { readonly kind: 'fill'; readonly stage: 'keys' | MixStage }
  /** Events with ids into this thread's first partition, as many as it remembers, or fewer. */
  | { readonly kind: 'ids'; readonly events: number }
  | { readonly kind: 'customer'; readonly customer: number };

/** Of this thread's partitions together. */
export interface MixReport {
  readonly customers: number;
  /** Accepted so far. */
  readonly events: number;
  /** What they say that they touched. */
  readonly touchedBytes: number;
  /** As `GET /v1/customers/{id}` tells it; null unless asked for, and where it is another thread's. */
  readonly customer: ReturnType<Machine['customer']>;
}

/** Later than all events. */
const RECORD_TS = 4_000_000_000_000;

const { customers, partitionsTotal, partitions } = workerData as MixThread;
const limits = stateLimits(CUSTOMERS_PER_PARTITION_DEFAULT);
const held = new Map(
  partitions.map((partition) => {
    const state = new PartitionState(reserveMemory(limits), limits);
    const machine = new Machine({ partition, partitions: partitionsTotal, clock: 'event', state });
    return [partition, { state, machine }];
  }),
);
const effects = new Effects();
let workspaceVersion = 0;

function apply(partition: number, kind: RecordKind, payload: Uint8Array): void {
  const machine = held.get(partition)?.machine;
  assert(machine !== undefined, 'a partition of this thread');
  effects.clear();
  machine.apply({ seq: machine.position + 1, ts: RECORD_TS, kind, payload }, effects);
  assert(effects.rejections.length === 0, `nothing is refused: ${effects.rejections[0]?.error}`);
  assert(effects.workspaceError === null, `the mix is activated: ${effects.workspaceError}`);
}

function applyAll(batches: Iterable<MixBatch>): void {
  for (const { partition, payload } of batches) apply(partition, RecordKind.events, payload);
}

function publish(windows: boolean): void {
  const compiled = compileWorkspace(profileMixWorkspace(windows));
  assert('workspace' in compiled, 'the mix compiles');
  const version = ++workspaceVersion;
  const payload = new TextEncoder().encode(JSON.stringify({ ...compiled.workspace, version }));
  for (const partition of partitions) apply(partition, RecordKind.workspace, payload);
}

/** Of this thread's customers, in the order of their numbers. */
function* ownCustomers(): Generator<{ readonly customer: number; readonly id: string; readonly partition: number }> {
  for (let customer = 0; customer < customers; customer++) {
    const id = customerId(customer);
    const partition = partitionOf(id, partitionsTotal);
    if (held.has(partition)) yield { customer, id, partition };
  }
}

function fillKeys(): void {
  for (const { id, partition } of ownCustomers()) {
    const row = held.get(partition)?.state.ensure(id) ?? -1;
    assert(row >= 0, 'there is room for the customer');
  }
}

function fillAttributes(): void {
  const filled = new Map(
    [...held].map(([partition, { state, machine }]) => [partition, new MixPartition(state, machine)]),
  );
  for (const { customer, id, partition } of ownCustomers()) filled.get(partition)?.addProfile(customer, id, false);
}

function fill(stage: 'keys' | MixStage): void {
  const wanted = (partition: number): boolean => held.has(partition);
  if (stage === 'keys') fillKeys();
  else if (stage === 'attributes') fillAttributes();
  else applyAll(mixStageBatches(stage, { customers, partitions: partitionsTotal, wanted, ids: false }));
}

function customerOf(customer: number): MixReport['customer'] {
  const id = customerId(customer);
  return held.get(partitionOf(id, partitionsTotal))?.machine.customer(id) ?? null;
}

function follow(order: MixOrder): MixReport {
  if (order.kind === 'workspace') publish(order.windows);
  else if (order.kind === 'fill') fill(order.stage);
  else if (order.kind === 'ids') {
    assert(order.events <= EVENT_IDS_REMEMBERED, 'more ids than a partition remembers');
    applyAll(idBatches(customers, partitionsTotal, partitions[0] as number, order.events));
  }
  const all = [...held.values()];
  // What is garbage by now is no part of what a customer costs.
  if (order.kind !== 'customer') collectGarbage();
  return {
    customers: all.reduce((sum, { state }) => sum + state.customers, 0),
    events: all.reduce((sum, { machine }) => sum + machine.totals.accepted, 0),
    touchedBytes: all.reduce((sum, { state }) => sum + state.memoryBytes, 0),
    customer: order.kind === 'customer' ? customerOf(order.customer) : null,
  };
}

const port = parentPort;
assert(port !== null, 'this module runs as a thread');
port.on('message', (order: MixOrder) => port.postMessage(follow(order)));
