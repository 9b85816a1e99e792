/**
 * Units of budgets and limits, for one machine over all its workspace versions: the lending itself (leases.ts), what partitions say to each other about it (messages.ts),
 * and what the answers mean for the decisions that wait.
 *
 * Law: answers are acted on where they come up, after the event, timer, message or version that led to them and before the next, so that it does not matter how events
 * are put into records.
 */
import type { PartitionState } from '../../state/partition-state.ts';
import type { PendingEntry } from '../../state/pending.ts';
import { assert } from '../../stdx/assert.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import type { UnitLeases } from '../decide/decide-ports.ts';
import type { Effects } from '../effects.ts';
import type { Fault } from '../fault.ts';
import type { MachineIdentity } from '../globals.ts';
import { Messages, type MessagesImage } from '../messages.ts';
import { readPayload } from '../time/pending-waits.ts';
import type { StoredEvent } from '../time/stored-event.ts';
import type { Trigger } from '../time/trigger.ts';
import type { Tracer } from '../trace/tracer.ts';
import type { LeaseOutcome } from './lease-holder.ts';
import { NO_TERMS } from './lease-key.ts';
import { leaseTerms } from './lease-terms.ts';
import { Leases, type LeasesImage } from './leases.ts';
import { neededUnits } from './needed-units.ts';
import type { UnitWaiters } from './unit-waiters.ts';

/** What belongs to the version in force. */
export interface UnitParts {
  readonly active: ActiveWorkspace;
  readonly waiters: UnitWaiters;
  /** null: the version cannot read it. */
  readonly triggerOf: (stored: StoredEvent, customer: string) => Trigger | null;
}

export interface UnitsImage {
  readonly leases: LeasesImage;
  readonly messages: MessagesImage;
}

export class UnitsStep implements UnitLeases {
  readonly #state: PartitionState;
  readonly #leases: Leases;
  readonly #messages: Messages;
  readonly #tracer: Tracer | null;
  #parts: UnitParts | null = null;

  constructor(
    state: PartitionState,
    { partition, partitions }: MachineIdentity,
    fault: Fault,
    tracer: Tracer | null = null,
  ) {
    this.#state = state;
    this.#tracer = tracer;
    this.#messages = new Messages(partition, partitions, fault);
    this.#leases = new Leases(partition, partitions, (to, message) => this.#messages.send(to, message));
  }

  usedUp(keys: readonly string[]): string | null {
    return this.#leases.usedUp(keys);
  }
  seemsUsedUp(keys: readonly string[]): string | null {
    return this.#leases.seemsUsedUp(keys);
  }
  inHand(key: string): number {
    return this.#leases.inHand(key);
  }
  take(keys: readonly string[]): boolean {
    return this.#leases.take(keys);
  }
  wait(keys: readonly string[], waiter: number, row: number): void {
    this.#leases.wait(keys, waiter, row);
  }
  /** Units of a decision that failed, or expired unused. */
  giveBack(keys: readonly string[], now: number): void {
    this.#tracer?.returned(keys, now);
    this.#leases.giveBack(keys);
  }

  /** Whatever is said from here on is an effect of this record. */
  open(effects: Effects): void {
    this.#messages.open(effects);
  }
  sentTo(partition: number): number {
    return this.#messages.sentTo(partition);
  }
  takenFrom(partition: number): number {
    return this.#messages.takenFrom(partition);
  }

  /** A record of messages of another partition. False: there is something wrong with it, and the fault says what. */
  hear(payload: Uint8Array, now: number, effects: Effects): boolean {
    return this.#messages.take(payload, {
      belongs: (from, message) => this.#leases.belongs(from, message),
      handle: (from, message) => {
        this.#leases.handle(from, message);
        this.settle(now, effects);
      },
    });
  }

  /** An entry left because its campaign is not live any more: it wants no units. */
  withdrawn(waiter: number, effects: Effects): void {
    this.#leases.release(waiter);
    effects.settled.push({ number: waiter, decision: null });
  }

  /** A version was published, and who waited for what it does not have live was withdrawn. Others wait for the units that they need by it. `now` is log time. */
  adopt(parts: UnitParts, now: number, effects: Effects): void {
    this.#parts = parts;
    this.#leases.adopt(leaseTerms(parts.active.workspace));
    for (const { waiter, row } of this.#leases.waiters())
      this.#follow(waiter, row, this.#keysOf(this.#entry(row, waiter), now));
    this.settle(now, effects);
  }

  /** There is something for `settle` to do; asked after every event. */
  get hasAnswers(): boolean {
    return this.#leases.hasOutcome;
  }

  /** Acts on the answers that there are; `now` is log time. */
  settle(now: number, effects: Effects): void {
    for (let outcome = this.#leases.next(); outcome !== null; outcome = this.#leases.next()) {
      const { row } = outcome;
      const { anonymousRow } = this.#state;
      this.#tracer?.begin({ kind: 'units' }, row, row === anonymousRow ? '' : this.#state.customerOf(row), now);
      this.#settle(outcome, now, effects);
      this.#tracer?.end();
    }
  }

  export(): UnitsImage {
    return { leases: this.#leases.export(), messages: this.#messages.export() };
  }

  /** Of a new object; nothing is said. `parts`: of the version in force, null before the first: nobody waits then, but others may have asked. */
  import({ leases, messages }: UnitsImage, parts: UnitParts | null): void {
    this.#messages.import(messages);
    this.#parts = parts;
    this.#leases.import(leases, parts === null ? NO_TERMS : leaseTerms(parts.active.workspace));
  }

  #settle({ waiter, row, denied }: LeaseOutcome, now: number, effects: Effects): void {
    const state = this.#state;
    const { waiters, triggerOf } = this.#parts as UnitParts;
    const entry = this.#entry(row, waiter);
    const keys = this.#keysOf(entry, now);
    if (denied !== null && !keys.includes(denied)) {
      // A day that is over says nothing of today, nor a limit that was dropped.
      this.#leases.wait(keys, waiter, row);
      return;
    }
    state.beginChange(row);
    if (denied !== null) {
      waiters.deny(entry, denied, now, effects);
      return;
    }
    if (this.#follow(waiter, row, keys)) return;
    const isAnonymous = row === state.anonymousRow;
    if (isAnonymous) state.clearAnonymous();
    const customer = isAnonymous ? '' : state.customerOf(row);
    const { event } = readPayload(entry);
    const trigger = event === null ? null : triggerOf(event, customer);
    if (waiters.resume(entry, keys, customer, now, trigger, effects)) this.#leases.decided(waiter);
    else this.#leases.release(waiter);
  }

  /** It needs other units than it waits for: a day has passed, or a version changed its limits. True: it waits anew. */
  #follow(waiter: number, row: number, keys: readonly string[]): boolean {
    const before = this.#leases.keysOf(waiter);
    // Refused, through what another one gave back: its outcome is still to come.
    if (before === null) return false;
    if (before.length === keys.length && before.every((key, index) => key === keys[index])) return false;
    this.#leases.release(waiter);
    this.#leases.wait(keys, waiter, row);
    return true;
  }

  #entry(row: number, number: number): PendingEntry {
    const entry = this.#state.pending.find(row, number);
    assert(entry !== null, `entry ${number} waits for units`);
    return entry;
  }

  #keysOf(entry: PendingEntry, now: number): readonly string[] {
    const { active } = this.#parts as UnitParts;
    const campaign = active.campaigns[active.campaignOfCode.get(entry.campaign) ?? -1];
    assert(campaign !== undefined, 'who waits for a campaign that is gone was withdrawn');
    return neededUnits(campaign, active, { now });
  }
}
