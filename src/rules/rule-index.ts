/**
 * From values of an event to the few rules that demand them. A rule is entered under all values of one of its demands, that which the fewest rules share; rules
 * without a demand, or whose demand hardly anybody shares the place of, stay outside and are tried on every event.
 */

import { RULES_PER_INDEXED_PLACE_MIN } from '../constants.ts';
import type { EventFrame, ListFrame } from '../protocol/frame.ts';
import type { Program } from './program.ts';
import { type Demand, type Demands, demandsOf, type Place, placeKey } from './rule-demands.ts';

interface Table {
  readonly place: Place;
  /** Value → ids of the rules that demand it, ascending. */
  readonly rules: Map<string | number, Int32Array>;
}

export class RuleIndex {
  /** Ids of the rules that are reached through the index only. */
  readonly indexed: ReadonlySet<number>;
  readonly #tables: readonly Table[];
  /** For each rule the event for which it was collected last: a rule may be reached by several elements of a list. */
  readonly #collectedFor: Float64Array;
  #event = 0;

  constructor(rules: readonly Program[]) {
    const chosen = chooseDemands(rules.map((rule) => demandsOf(rule.ir)));
    this.#tables = tablesOf(chosen);
    this.indexed = new Set(chosen.keys());
    this.#collectedFor = new Float64Array(rules.length);
  }

  /** Writes the ids of the rules that the event may match into `into`, each once, in no order; returns how many. */
  collect(event: EventFrame, into: Int32Array): number {
    this.#event++;
    let count = 0;
    for (const { place, rules } of this.#tables) {
      if (place.kind === 'field') {
        if (event.present[place.slot] === 0) continue;
        const value = place.text ? (event.text[place.slot] as string) : (event.number[place.slot] as number);
        count = this.#take(rules.get(value), into, count);
      } else {
        count = this.#takeColumn(event.lists[place.list] as ListFrame, place.column, place.text, rules, into, count);
      }
    }
    return count;
  }

  #takeColumn(
    list: ListFrame,
    columnIndex: number,
    text: boolean,
    rules: Map<string | number, Int32Array>,
    into: Int32Array,
    from: number,
  ): number {
    const column = list.columns[columnIndex] as ListFrame['columns'][number];
    let count = from;
    for (let i = 0; i < list.length; i++) {
      // An absent element's value is whatever was there before. Rules reached by it would fail in vain, and their errors would be counted or not as the frame's past has it.
      if (column.present[i] === 0) continue;
      count = this.#take(rules.get(text ? (column.text[i] as string) : (column.number[i] as number)), into, count);
    }
    return count;
  }

  #take(ids: Int32Array | undefined, into: Int32Array, from: number): number {
    if (ids === undefined) return from;
    let count = from;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      if (this.#collectedFor[id] === this.#event) continue;
      this.#collectedFor[id] = this.#event;
      into[count++] = id;
    }
    return count;
  }
}

/** Rule → the demand that it is entered under. */
function chooseDemands(all: readonly Demands[]): Map<number, Demand> {
  const popularity = new Map<string, Map<string | number, number>>();
  for (const demands of all) {
    for (const [key, { values }] of demands) {
      const counts = popularity.get(key) ?? new Map<string | number, number>();
      popularity.set(key, counts);
      for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }
  const cost = (key: string, demand: Demand): number => {
    const counts = popularity.get(key);
    let most = 0;
    for (const value of demand.values) most = Math.max(most, counts?.get(value) ?? 0);
    return most + demand.values.size / 1000;
  };
  const chosen = new Map<number, Demand>();
  const perPlace = new Map<string, number>();
  all.forEach((demands, rule) => {
    let best: Demand | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const [key, demand] of demands) {
      const own = cost(key, demand);
      if (own < least) [best, least] = [demand, own];
    }
    if (best === null) return;
    chosen.set(rule, best);
    perPlace.set(placeKey(best.place), (perPlace.get(placeKey(best.place)) ?? 0) + 1);
  });
  for (const [rule, { place }] of chosen) {
    if ((perPlace.get(placeKey(place)) as number) < RULES_PER_INDEXED_PLACE_MIN) chosen.delete(rule);
  }
  return chosen;
}

function tablesOf(chosen: ReadonlyMap<number, Demand>): Table[] {
  const tables = new Map<string, { place: Place; rules: Map<string | number, number[]> }>();
  for (const [rule, { place, values }] of chosen) {
    const table = tables.get(placeKey(place)) ?? { place, rules: new Map<string | number, number[]>() };
    tables.set(placeKey(place), table);
    for (const value of values) {
      const ids = table.rules.get(value);
      if (ids === undefined) table.rules.set(value, [rule]);
      else ids.push(rule);
    }
  }
  return [...tables.values()].map(({ place, rules }) => ({
    place,
    rules: new Map([...rules].map(([value, ids]) => [value, Int32Array.from(ids)])),
  }));
}
