/** Beckon's side for memory: machines for as many partitions as the engine has by default, in this process, filled with the mix through `Machine.apply`. */
import { CUSTOMERS_PER_PARTITION_DEFAULT } from '../../src/constants.ts';
import { Effects } from '../../src/machine/effects.ts';
import { Machine } from '../../src/machine/machine.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import { reserveMemory } from '../../src/state/arena.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import { assert } from '../../src/stdx/assert.ts';
import { stateLimits } from '../../src/worker/state-limits.ts';
import { compileWorkspace } from '../../src/workspace/compile.ts';
import { profileMixBatches, profileMixWorkspace } from '../workload/profile-mix.ts';

/** What `beckon serve` divides customers into unless told otherwise. */
export const MIX_PARTITIONS = 16;
/** Later than all events. */
const RECORD_TS = 4_000_000_000_000;

export class BeckonMix {
  readonly #partitions: readonly { readonly machine: Machine; readonly state: PartitionState }[];
  readonly #effects = new Effects();

  constructor() {
    const limits = stateLimits(CUSTOMERS_PER_PARTITION_DEFAULT);
    this.#partitions = Array.from({ length: MIX_PARTITIONS }, (_, partition) => {
      const state = new PartitionState(reserveMemory(limits), limits);
      return { state, machine: new Machine({ partition, partitions: MIX_PARTITIONS, clock: 'event', state }) };
    });
    const compiled = compileWorkspace(profileMixWorkspace());
    assert('workspace' in compiled, 'the mix compiles');
    const workspace = new TextEncoder().encode(JSON.stringify({ ...compiled.workspace, version: 1 }));
    for (const partition of this.#partitions.keys()) this.#apply(partition, RecordKind.workspace, workspace);
    assert(this.#effects.workspaceError === null, 'the mix is activated');
  }

  get customers(): number {
    return this.#partitions.reduce((sum, { state }) => sum + state.customers, 0);
  }

  /** Accepted so far. */
  get events(): number {
    return this.#partitions.reduce((sum, { machine }) => sum + machine.totals.accepted, 0);
  }

  /** What the partitions say that they touched. */
  get touchedBytes(): number {
    return this.#partitions.reduce((sum, { state }) => sum + state.memoryBytes, 0);
  }

  fill(customers: number, onProgress: (events: number) => void): void {
    let events = 0;
    let messages = 0;
    for (const batch of profileMixBatches(customers, MIX_PARTITIONS)) {
      this.#apply(batch.partition, RecordKind.events, batch.payload);
      events += batch.events;
      if (++messages % 10_000 === 0) onProgress(events);
    }
  }

  /** As `GET /v1/customers/{id}` tells it. */
  customer(partition: number, id: string): ReturnType<Machine['customer']> {
    return (this.#partitions[partition] as { readonly machine: Machine }).machine.customer(id);
  }

  #apply(partition: number, kind: RecordKind, payload: Uint8Array): void {
    const { machine } = this.#partitions[partition] as { readonly machine: Machine };
    this.#effects.clear();
    machine.apply({ seq: machine.position + 1, ts: RECORD_TS, kind, payload }, this.#effects);
    assert(this.#effects.rejections.length === 0, `nothing is refused: ${this.#effects.rejections[0]?.error}`);
  }
}
