/**
 * From values of an event to the few rules that demand them. A rule is entered under all values of one of its demands, that which the fewest rules share; rules
 * without a demand, or whose demand hardly anybody shares the place of, stay outside and are tried on every event.
 */

import { RULES_PER_INDEXED_PLACE_MIN } from '../constants.ts';
import type { EventFrame, ProfileFrame } from '../protocol/frame.ts';
import type { GateFunction } from './generate-match.ts';
import { placeKey } from './place.ts';
import type { ColumnCodes, PlaceCodes } from './place-codes.ts';
import type { Demand, Demands } from './rule-demands.ts';
import type { RuleGroup } from './rule-group.ts';
import type { SegmentReader } from './segment-set.ts';

/** Rules of one group under one value. */
interface Slice {
  readonly group: RuleGroup;
  /** Ascending. */
  readonly rows: Int32Array;
  /** By row of the group, the event for which it was tried last. null: none is entered under two values that one event may have. */
  readonly triedFor: Float64Array | null;
}

interface Table {
  /** Number of the place. */
  readonly place: number;
  readonly ofList: boolean;
  /** While all of them are closed to an event, its value need not be looked up. null: there are too many, or groups without one. */
  readonly gates: readonly GateFunction[] | null;
  /** By code of the value. */
  readonly slices: readonly (readonly Slice[])[];
}

export class RuleIndex {
  readonly #tables: readonly Table[];
  readonly #places: PlaceCodes;
  /** Scratch: rows of a slice that were not tried for this event. */
  readonly #rows: Int32Array;
  #event = 0;

  /** Numbers of the places that are looked up on every event. */
  get places(): readonly number[] {
    return this.#tables.filter(({ gates }) => gates === null).map(({ place }) => place);
  }

  /** Groups and the demand of each of their rows. */
  constructor(groups: ReadonlyMap<RuleGroup, readonly Demand[]>, places: PlaceCodes) {
    this.#places = places;
    this.#tables = tablesOf(groups, places);
    this.#rows = new Int32Array([...groups.keys()].reduce((most, { ids }) => Math.max(most, ids.length), 0));
  }

  /** Tries the rules that the event may match, each once. As a ScanFunction otherwise. */
  match(
    event: EventFrame,
    profile: ProfileFrame,
    nowMs: number,
    segments: SegmentReader,
    hits: Int32Array,
    hitCount: number,
  ): number {
    this.#event++;
    let count = hitCount;
    let found = false;
    for (const { place, ofList, gates, slices } of this.#tables) {
      if (gates !== null && !isOpen(gates, event, profile, nowMs, segments)) continue;
      this.#places.readPlace(place, event, profile);
      const column = ofList ? (this.#places.columns[place] as ColumnCodes) : null;
      const codeCount = column === null ? 1 : column.distinctCount;
      for (let i = 0; i < codeCount; i++) {
        const code = (column === null ? this.#places.field[place] : column.distinct[i]) as number;
        if (code < 0) continue;
        for (const slice of slices[code] as readonly Slice[]) {
          const { group, triedFor } = slice;
          if (!found) this.#places.readRest(event, profile);
          found = true;
          const rows = triedFor === null ? slice.rows : this.#rows;
          const rowCount = triedFor === null ? rows.length : this.#untried(slice.rows, triedFor);
          count = group.pick(event, profile, nowMs, segments, hits, count, rows, rowCount);
        }
      }
    }
    return count;
  }

  #untried(rows: Int32Array, triedFor: Float64Array): number {
    let count = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      if (triedFor[row] === this.#event) continue;
      triedFor[row] = this.#event;
      this.#rows[count++] = row;
    }
    return count;
  }
}

/** Gates of more groups cost more than they may save. */
const GATES_MAX = 4;

function isOpen(
  gates: readonly GateFunction[],
  event: EventFrame,
  profile: ProfileFrame,
  nowMs: number,
  segments: SegmentReader,
): boolean {
  for (let i = 0; i < gates.length; i++) {
    if ((gates[i] as GateFunction)(event, profile, nowMs, segments)) return true;
  }
  return false;
}

function tablesOf(groups: ReadonlyMap<RuleGroup, readonly Demand[]>, places: PlaceCodes): Table[] {
  const tables = new Map<number, { ofList: boolean; slices: Slice[][] }>();
  for (const [group, demands] of groups) {
    const [{ place }] = demands as readonly [Demand];
    const number = places.numberOf(place) as number;
    const ofList = place.kind === 'column';
    const table = tables.get(number) ?? {
      ofList,
      slices: Array.from({ length: places.sizeOf(number) }, (): Slice[] => []),
    };
    tables.set(number, table);
    const repeats = ofList && demands.some(({ values }) => values.size > 1);
    const triedFor = repeats ? new Float64Array(group.ids.length) : null;
    for (const [code, rows] of rowsByCode(demands, number, places))
      table.slices[code]?.push({ group, rows: Int32Array.from(rows), triedFor });
  }
  return [...tables].map(([place, { ofList, slices }]) => {
    const gates = [...new Set(slices.flat().map(({ group }) => group.gate))];
    const all = gates.filter((gate) => gate !== null);
    return { place, ofList, slices, gates: all.length === gates.length && all.length <= GATES_MAX ? all : null };
  });
}

function rowsByCode(demands: readonly Demand[], place: number, places: PlaceCodes): Map<number, number[]> {
  const rowsOf = new Map<number, number[]>();
  demands.forEach(({ values }, row) => {
    for (const value of values) {
      const code = places.codeOf(place, value);
      const rows = rowsOf.get(code);
      if (rows === undefined) rowsOf.set(code, [row]);
      else rows.push(row);
    }
  });
  return rowsOf;
}

/** Rule → the demand that it is entered under. */
export function chooseDemands(all: readonly Demands[]): ReadonlyMap<number, Demand> {
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
