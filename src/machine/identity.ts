/**
 * Step 2, identity: whose event it is. A customer's events belong to one partition; a remembered event id means that
 * the event was decided on already; a customer seen for the first time gets a row. An anonymous event uses a scratch
 * row that starts empty, and leaves nothing behind.
 */
import { RejectReason } from '../protocol/rejection.ts';
import type { IdSeed, PartitionState } from '../state/partition-state.ts';
import { partitionOf } from '../stdx/hash.ts';
import type { ActiveWorkspace } from './active-workspace.ts';
import type { EventDecoder } from './decode/decode.ts';
import type { Fault } from './fault.ts';
import type { MachineIdentity } from './globals.ts';

export class IdentityStep {
  readonly #identity: MachineIdentity;
  readonly #state: PartitionState;
  readonly #fault: Fault;
  /** By event type of the active version. */
  #seeds: ReadonlyMap<string, IdSeed> = new Map();
  /** What `row` gave last. */
  #row = -1;
  /** Of the last repeat: numbers of the decisions that the original led to; 0 and 0 for none. */
  originalFirst = 0;
  originalCount = 0;

  constructor(identity: MachineIdentity, state: PartitionState, fault: Fault) {
    this.#identity = identity;
    this.#state = state;
    this.#fault = fault;
  }

  adopt(active: ActiveWorkspace): void {
    this.#seeds = new Map(active.events.map(({ schema }) => [schema.type, this.#state.idSeed(schema.type)]));
  }

  /** Anonymous events may be anywhere. */
  belongsHere(event: EventDecoder): boolean {
    const { customer } = event;
    const { partition, partitions } = this.#identity;
    if (customer === '' || partitions === 1) return true;
    const right = partitionOf(customer, partitions);
    if (right === partition) return true;
    // Whoever sent it here may have given up on its depth before finding the customer: then that is what is wrong.
    if (!event.withinDepth()) return false;
    return this.#fault.set(
      RejectReason.wrongPartition,
      `customer: belongs to partition ${right} of ${partitions}, this is ${partition}`,
    );
  }

  /** Whether the event's id is remembered for its customer and type. */
  isRepeat({ customer, type, id }: EventDecoder): boolean {
    if (id === '') return false;
    const row = customer === '' ? this.#state.anonymousRow : this.#state.find(customer);
    if (row < 0) return false;
    const entry = this.#state.recall(row, this.#seedOf(type), id);
    if (entry < 0) return false;
    const original = this.#state.recalledDecision(entry);
    this.originalFirst = original.first;
    this.originalCount = original.count;
    return true;
  }

  /** After `row` for the same event. */
  remember({ type, id }: EventDecoder, firstDecision: number, decisionCount: number): void {
    if (id !== '') this.#state.remember(this.#row, this.#seedOf(type), id, firstDecision, decisionCount);
  }

  /** Whether `row` will find one. False: see the fault. */
  hasRoom(customer: string): boolean {
    if (customer === '' || this.#state.hasRoomFor(customer)) return true;
    return this.#refuseCustomer();
  }

  /**
   * The row that the event changes, ready for stores; -1 (see the fault) when the partition has no room for another
   * customer.
   */
  row(customer: string): number {
    const state = this.#state;
    if (customer === '') {
      state.clearAnonymous();
      this.#row = state.anonymousRow;
      return this.#row;
    }
    const row = state.ensure(customer);
    this.#row = row;
    if (row >= 0) {
      state.beginChange(row);
      return row;
    }
    this.#refuseCustomer();
    return -1;
  }

  #refuseCustomer(): false {
    return this.#fault.set(RejectReason.customersFull, 'the partition has no room for more customers');
  }

  /** Types that are not declared (the engine's, and those of earlier versions) are rare: theirs are made anew. */
  #seedOf(type: string): IdSeed {
    return this.#seeds.get(type) ?? this.#state.idSeed(type);
  }
}
