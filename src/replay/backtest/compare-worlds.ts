/**
 * One partition in two worlds: what was decided before, and what is decided after, brought together match by match as both go through the same log. Of each record the world before is told
 * first.
 *
 * A match ends once in each world that has it: decided, or suppressed. So a decision without its counterpart is gained or lost for good as soon as the other world has passed over
 * what set it off and does not wait for it; only what may still come is kept.
 */
import { BACKTEST_NEW_CONTACTS_MAX, BACKTEST_UNPAIRED_MAX } from '../../constants.ts';
import type { MadeDecision } from '../../machine/effects.ts';
import type { Outcome, ReturnedUnits } from '../../machine/trace/trace.ts';
import type { LostReason } from '../../protocol/backtest.ts';
import type { Decision } from '../../protocol/decision.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import { changedFields, followUpKey, matchKey } from './compare-decisions.ts';
import type { CompareTally } from './compare-tally.ts';
import { type FullRule, takerOf } from './full-rules.ts';
import { type UnitsTally, World } from './units-tally.ts';
import { Unpaired } from './unpaired.ts';

/** What a record led to in one world. */
export interface WorldStep {
  readonly workspace: Workspace;
  readonly decisions: readonly MadeDecision[];
  readonly outcomes: readonly Outcome[];
  readonly returned: readonly ReturnedUnits[];
}

/** What became of a match in the other world; null: nothing is known of it. */
interface Fate {
  readonly result: Outcome['result'];
  /** The highest of those that won in its place and had not won there before; null: nobody, or it was not outranked. */
  readonly newcomer: string | null;
  /** What stood in its way, where contacts did. */
  readonly rules: readonly FullRule[];
}

/** A decision that the other world has not made. */
interface Alone {
  readonly decision: Decision;
  readonly number: number;
  /** The other world may still end the match otherwise. */
  readonly mayCome: boolean;
  fate: Fate | null;
}

const SCHEDULE = '$schedule';

export class WorldComparison {
  readonly #tally: CompareTally;
  readonly #units: UnitsTally;
  readonly #startMs: number;
  readonly #first: number;
  readonly #lost = new Unpaired<Alone>(BACKTEST_UNPAIRED_MAX);
  readonly #gained = new Unpaired<Alone>(BACKTEST_UNPAIRED_MAX);
  /** Matches that wait in the world before, each with what became of it after. */
  readonly #open = new Map<string, Fate | null>();
  readonly #fullRulesOf: (outcome: Outcome) => readonly FullRule[];
  /** Of the record being told: what outcomes of the world after were lost to. */
  readonly #lostTo = new Map<Outcome, readonly FullRule[]>();
  /** Contacts that only the world after has, the oldest first: numbers of their decisions. */
  readonly #new = new Set<number>();
  /** By decision of the world before, from the first on: the number of the same one after, 0: there is none. */
  readonly #counterparts: number[] = [];
  /** Of the record being told. */
  readonly #keys = new Map<number, { readonly key: string; readonly eventTs: number; readonly fate: Fate | null }>();
  #fresh: [string, Alone][] = [];
  /** Of the record being told: matches that have won their rounds in the world before, there or earlier. */
  readonly #wonBefore = new Set<string>();

  /**
   * Both worlds are the same when this begins, at log time `startMs` and with decision `first` to come. `fullRulesOf`: of an outcome that the world after is just telling.
   */
  constructor(
    tally: CompareTally,
    units: UnitsTally,
    startMs: number,
    first: number,
    fullRulesOf: (outcome: Outcome) => readonly FullRule[],
  ) {
    this.#tally = tally;
    this.#units = units;
    this.#startMs = startMs;
    this.#first = first;
    this.#fullRulesOf = fullRulesOf;
  }

  /** Of a decision of the world before, the number of the same one after; 0: there is none. */
  counterpart(number: number): number {
    return number < this.#first ? number : (this.#counterparts[number - this.#first] ?? 0);
  }

  /** The world after tells an outcome: its customer's contacts will be others when the record is told. */
  look(outcome: Outcome): void {
    const { result } = outcome;
    if (result !== 'cap' && result !== 'gap' && result !== 'excluded') return;
    if (this.#lost.size === 0 && this.#open.size === 0) return;
    const key = matchKey(outcome);
    if (this.#open.has(key) || this.#lost.peek(key) !== undefined)
      this.#lostTo.set(outcome, this.#fullRulesOf(outcome));
  }

  before({ workspace, decisions, outcomes, returned }: WorldStep): void {
    for (const units of returned) this.#units.returned(World.before, workspace, units);
    this.#wonBefore.clear();
    for (const outcome of outcomes) {
      const { result, won, decision, eventTs } = outcome;
      if (won) this.#wonBefore.add(matchKey(outcome));
      if (result === 'decided') {
        const key = matchKey(outcome);
        this.#keys.set(decision, { key, eventTs, fate: this.#open.get(key) ?? null });
        this.#open.delete(key);
      } else if (result === 'waiting') {
        const key = matchKey(outcome);
        if (!this.#open.has(key)) this.#open.set(key, null);
      } else {
        this.#units.refused(World.before, workspace, outcome);
        if (this.#open.size === 0 && this.#gained.size === 0) continue;
        const key = matchKey(outcome);
        this.#open.delete(key);
        const gained = this.#gained.take(key);
        if (gained !== undefined) this.#settleGained(gained);
      }
    }
    for (const { decision, number } of decisions) {
      this.#tally.of(decision.campaign).before.add(decision.channel);
      this.#units.used(World.before, workspace, decision);
      this.#counterparts.push(0);
      const { key, alone } = this.#alone(decision, number);
      const other = this.#gained.take(key);
      if (other === undefined) {
        this.#evict(this.#lost.add(key, alone), (old) => this.#settleLost(old));
        this.#fresh.push([key, alone]);
      } else this.#pair(decision, number, other.decision, other.number);
    }
    this.#keys.clear();
  }

  after({ workspace, decisions, outcomes, returned }: WorldStep): void {
    for (const units of returned) this.#units.returned(World.after, workspace, units);
    for (const outcome of outcomes) {
      const { result, decision, eventTs } = outcome;
      if (result === 'decided') this.#keys.set(decision, { key: matchKey(outcome), eventTs, fate: null });
    }
    for (const { decision, number } of decisions) {
      this.#tally.of(decision.campaign).after.add(decision.channel);
      this.#units.used(World.after, workspace, decision);
      const { key, alone } = this.#alone(decision, number);
      const other = this.#lost.take(key);
      if (other !== undefined) {
        this.#pair(other.decision, other.number, decision, number);
        this.#wonBefore.add(key);
        continue;
      }
      this.#noteNew(decision, number);
      if (alone.mayCome || this.#open.has(key))
        this.#evict(this.#gained.add(key, alone), (old) => this.#settleGained(old));
      else this.#settleGained(alone);
    }
    this.#keys.clear();
    for (const [i, outcome] of outcomes.entries())
      if (outcome.result !== 'decided') this.#noteFate(workspace, outcomes, i);
    if (this.#lostTo.size > 0) this.#lostTo.clear();
  }

  /** Both worlds were told of a record. */
  passed(): void {
    if (this.#fresh.length === 0) return;
    for (const [key, alone] of this.#fresh) {
      if (alone.mayCome || alone.fate?.result === 'waiting') continue;
      if (this.#lost.remove(key, alone)) this.#settleLost(alone);
    }
    this.#fresh = [];
  }

  /** History has ended: what has no counterpart gets none. */
  finish(): void {
    for (const alone of this.#lost.drain()) this.#settleLost(alone);
    for (const alone of this.#gained.drain()) this.#settleGained(alone);
  }

  #alone(decision: Decision, number: number): { readonly key: string; readonly alone: Alone } {
    const match = this.#keys.get(number);
    // Only first decisions are ends of matches.
    if (match === undefined)
      return { key: followUpKey(decision), alone: { decision, number, mayCome: true, fate: null } };
    const { key, eventTs, fate } = match;
    // Customers of a schedule have their turn a little earlier or later in the other world; and what waited at the start was never told.
    const mayCome = decision.event.type === SCHEDULE || eventTs < this.#startMs;
    return { key, alone: { decision, number, mayCome, fate } };
  }

  #noteFate(workspace: Workspace, outcomes: readonly Outcome[], index: number): void {
    const outcome = outcomes[index] as Outcome;
    const { result } = outcome;
    if (result !== 'waiting') this.#units.refused(World.after, workspace, outcome);
    if (this.#lost.size === 0 && this.#open.size === 0) return;
    const key = matchKey(outcome);
    const isOpen = this.#open.has(key);
    const lost = this.#lost.peek(key);
    if (!isOpen && lost === undefined) return;
    const newcomer = this.#newcomer(outcomes, index);
    const fate: Fate = { result, newcomer, rules: this.#lostTo.get(outcome) ?? [] };
    if (isOpen) this.#open.set(key, fate);
    if (lost === undefined) return;
    lost.fate = fate;
    if (result === 'waiting') return;
    this.#lost.take(key);
    this.#settleLost(lost);
  }

  /** Outcomes of a round stand together, its winners before those whom they outranked. */
  #newcomer(outcomes: readonly Outcome[], index: number): string | null {
    const { customer, now, winners } = outcomes[index] as Outcome;
    const isNew = (winner: string): boolean => {
      for (let i = index - 1; i >= 0; i--) {
        const other = outcomes[i] as Outcome;
        if (other.customer !== customer || other.now !== now) return false;
        if (other.won && other.campaign === winner) return !this.#wonBefore.has(matchKey(other));
      }
      return false;
    };
    return winners.find(isNew) ?? null;
  }

  #pair(before: Decision, beforeNumber: number, after: Decision, afterNumber: number): void {
    this.#counterparts[beforeNumber - this.#first] = afterNumber;
    this.#new.delete(afterNumber);
    const tally = this.#tally.of(before.campaign);
    const changed = changedFields(before, after);
    if (changed.length === 0) tally.kept++;
    else {
      tally.changed++;
      for (const field of changed) tally.changes.add(field);
    }
  }

  #settleGained({ decision }: Alone): void {
    this.#tally.of(decision.campaign).gained++;
  }

  #settleLost({ decision, fate }: Alone): void {
    const tally = this.#tally.of(decision.campaign);
    const reason = lostReason(decision, fate);
    tally.lost++;
    tally.lostBy.add(reason);
    const taker = fate === null ? null : (fate.newcomer ?? this.#takerOf(fate.rules, decision.channel));
    if (taker !== null) tally.displacedBy.add(taker);
  }

  /** An anonymous decision is nobody's contact. */
  #noteNew({ customer }: Decision, number: number): void {
    if (customer === null) return;
    this.#new.add(number);
    if (this.#new.size <= BACKTEST_NEW_CONTACTS_MAX) return;
    const [oldest = 0] = this.#new;
    this.#new.delete(oldest);
  }

  #takerOf(rules: readonly FullRule[], channel: string): string | null {
    return takerOf(rules, channel, ({ decision }) => {
      const id = decision ?? '';
      return this.#new.has(Number(id.slice(id.indexOf('-') + 1)));
    });
  }

  #evict(old: Alone | undefined, settle: (old: Alone) => void): void {
    if (old !== undefined) settle(old);
  }
}

function lostReason({ follows }: Decision, fate: Fate | null): LostReason {
  if (follows !== null) return 'follow_up';
  // Decided, and not found under its key: two events without ids at one time.
  if (fate === null || fate.result === 'decided') return 'unmatched';
  return fate.result;
}
