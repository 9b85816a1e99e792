/**
 * One partition of the mix (workload/profile-mix.ts), filled faster than events would: the attributes of a `$profile` event are stored by the state's own calls,
 * without a message to make and to decode, which is most of what such an event costs. The partition is afterwards what the events would have made of it.
 */
import { Effects } from '../../src/machine/effects.ts';
import type { Machine } from '../../src/machine/machine.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import type { PartitionState } from '../../src/state/partition-state.ts';
import { assert } from '../../src/stdx/assert.ts';
import { boolOf, doubleOf, intOf, profileEventId, wordOf } from '../workload/profile-mix.ts';

const KINDS = [0, 1, 2, 3, 4, 5] as const;

export class MixPartition {
  readonly state: PartitionState;
  readonly machine: Machine;
  readonly #effects = new Effects();
  readonly #seed;
  readonly #doubles: readonly number[];
  readonly #strings: readonly number[];
  readonly #ints: readonly number[];
  readonly #bools: readonly number[];

  /** The mix's workspace is active, and nobody there yet. */
  constructor(state: PartitionState, machine: Machine) {
    this.state = state;
    this.machine = machine;
    this.#seed = state.idSeed('$profile');
    const attributes = machine.activeWorkspace?.workspace.attributes ?? [];
    const slotsOf = (prefix: string): number[] =>
      KINDS.map((k) => {
        const attribute = attributes.find(({ name }) => name === `${prefix}${k}`);
        assert(attribute !== undefined, 'the workspace is that of the mix');
        return attribute.slot;
      });
    this.#doubles = slotsOf('d');
    this.#strings = slotsOf('s');
    this.#ints = slotsOf('n');
    this.#bools = slotsOf('b');
  }

  /** What the customer's `$profile` event would store; without an event id unless it is to be remembered. */
  addProfile(customer: number, id: string, remembered = true): void {
    const { state } = this;
    const row = state.ensure(id);
    assert(row >= 0, 'there is room for the customer');
    state.beginChange(row);
    for (const k of KINDS) {
      state.setNumber(this.#doubles[k] as number, row, doubleOf(customer, k));
      const stored = state.setText(this.#strings[k] as number, row, wordOf(customer, k));
      assert(stored, 'there is room for its words');
      state.setNumber(this.#ints[k] as number, row, intOf(customer, k));
      state.setNumber(this.#bools[k] as number, row, Number(boolOf(customer, k)));
    }
    if (remembered) state.remember(row, this.#seed, profileEventId(customer), 0, 0);
  }

  /** A message of events, as the partition's next record. */
  apply(payload: Uint8Array): void {
    const { machine } = this;
    this.#effects.clear();
    const record = { seq: machine.position + 1, ts: machine.recordTs, kind: RecordKind.events, payload };
    machine.apply(record, this.#effects);
    assert(this.#effects.rejections.length === 0, `nothing is refused: ${this.#effects.rejections[0]?.error}`);
  }
}
