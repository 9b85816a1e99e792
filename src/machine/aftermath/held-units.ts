/**
 * The units of budgets and limits that went into a decision, and how they come back: when its delivery failed and no
 * other channel took over, or when it expired unused. Which ones a contact holds is in its flags; a unit comes back
 * once at most, because its flag goes with it. A day's unit comes back on that day only: nobody can use it later.
 */
import type { PartitionState } from '../../state/partition-state.ts';
import { assert } from '../../stdx/assert.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { ContactFlag } from '../decide/contact-flags.ts';
import { dayKey, offerKey, totalKey } from '../leases/lease-key.ts';

/** One unit of each key comes back to this partition's hand, at this log time. */
export type GiveBack = (keys: readonly string[], now: number) => void;

export class HeldUnits {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #giveBack: GiveBack;

  constructor(state: PartitionState, active: ActiveWorkspace, giveBack: GiveBack) {
    this.#state = state;
    this.#active = active;
    this.#giveBack = giveBack;
  }

  /** Notes at a contact just made that its decision used a unit of each of these. */
  hold(row: number, decision: number, keys: readonly string[], now: number): void {
    if (keys.length === 0) return;
    const { contacts } = this.#state;
    assert(this.#state.findContact(row, decision), 'the contact was just made');
    const campaign = this.#state.textOf(contacts.campaign);
    const offer = contacts.offer < 0 ? null : this.#state.textOf(contacts.offer);
    let flags = contacts.flags & ~ContactFlag.holdsUnits;
    if (keys.includes(totalKey(campaign))) flags |= ContactFlag.holdsTotal;
    // A unit that was taken before midnight for a decision after it is of no use to anybody.
    if (keys.includes(dayKey(campaign, this.#day(now)))) flags |= ContactFlag.holdsDay;
    if (offer !== null && keys.includes(offerKey(offer))) flags |= ContactFlag.holdsOffer;
    this.#state.setContactFlags(row, decision, flags);
  }

  /** What the contact holds is the other's, made just now. */
  move(row: number, from: number, to: number, now: number): void {
    const held = this.#let(row, from, now);
    if (held === 0) return;
    assert(this.#state.findContact(row, to), 'the contact was just made');
    this.#state.setContactFlags(row, to, this.#state.contacts.flags | held);
  }

  /** What the contact holds stays used, whatever becomes of it. */
  bind(row: number, decision: number, now: number): void {
    this.#let(row, decision, now);
  }

  /** Of a contact that failed, unless somebody made use of it all the same. False: nothing came back. */
  giveBack(row: number, decision: number, now: number): boolean {
    const state = this.#state;
    if (!state.findContact(row, decision) || (state.contacts.flags & ContactFlag.converted) !== 0) return false;
    const campaign = state.textOf(state.contacts.campaign);
    const offer = state.contacts.offer < 0 ? null : state.textOf(state.contacts.offer);
    const held = this.#let(row, decision, now);
    const keys: string[] = [];
    if ((held & ContactFlag.holdsTotal) !== 0) keys.push(totalKey(campaign));
    if ((held & ContactFlag.holdsDay) !== 0) keys.push(dayKey(campaign, this.#day(now)));
    if ((held & ContactFlag.holdsOffer) !== 0 && offer !== null) keys.push(offerKey(offer));
    if (keys.length === 0) return false;
    this.#giveBack(keys, now);
    return true;
  }

  /** Those of these keys whose units can be used at `now` come back, whether or not the contact is still remembered. */
  giveBackKeys(row: number, decision: number, keys: readonly string[], now: number): void {
    this.#let(row, decision, now);
    const today = '/' + this.#day(now);
    const usable = keys.filter((key) => !key.startsWith('day/') || key.endsWith(today));
    if (usable.length > 0) this.#giveBack(usable, now);
  }

  /** Clears what the contact holds; returns the flags of what still has a worth at `now`. */
  #let(row: number, decision: number, now: number): number {
    const state = this.#state;
    if (!state.findContact(row, decision)) return 0;
    const { flags, ts } = state.contacts;
    const held = flags & ContactFlag.holdsUnits;
    if (held === 0) return 0;
    state.setContactFlags(row, decision, flags & ~ContactFlag.holdsUnits);
    return this.#day(ts) === this.#day(now) ? held : held & ~ContactFlag.holdsDay;
  }

  #day(ms: number): number {
    const { zones, workspace } = this.#active;
    return zones.localDay(workspace.timezone, ms) ?? 0;
  }
}
