/**
 * All predicates that listen for one event type. Rules of one shape share a function that loops over their constants; a rule that demands one of a few values of
 * a field of the event is reached through an index (rule-index.ts) and costs nothing on other events.
 */
import type { EventFrame, ProfileFrame } from '../protocol/frame.ts';
import type { EventSchema, Schema } from '../protocol/schema.ts';
import { assert } from '../stdx/assert.ts';
import { type MatchFunction, matchFunction } from './generate-function.ts';
import type { Program } from './program.ts';
import { RuleIndex } from './rule-index.ts';
import { reachedSlots, type SegmentSet } from './segment-set.ts';
import { type DictionaryCode, type Lifted, liftConstants, type Shape, vectorsOf } from './shapes.ts';

/** The rules of one shape. */
interface Group {
  readonly run: MatchFunction;
  /** Index of the rule for each row of constants, ascending. */
  readonly ids: Int32Array;
  /** Rows that are tried on every event, ascending. */
  readonly scanned: Int32Array;
  /** Rows that the index found for the event at hand: the first `candidateCount`. */
  readonly candidates: Int32Array;
  candidateCount: number;
}

export class RuleSet {
  /**
   * For each rule, evaluations that ended in an error; the reader sets it back to 0. A rule that the index left out was not evaluated and counts none.
   */
  readonly errors: Uint32Array;
  /** Slots of the profile that the rules and the segments they name may read, ascending: gather them before `match`. */
  readonly profileSlots: Int32Array;
  /** How many functions were generated, and how many rules only the index reaches. */
  readonly shapeCount: number;
  readonly indexedCount: number;
  readonly #segments: SegmentSet;
  readonly #index: RuleIndex;
  readonly #groups: readonly Group[];
  /** Groups with rows to be tried on every event. */
  readonly #scanned: readonly Group[];
  /** For each rule its group and its row there. */
  readonly #groupOf: Int32Array;
  readonly #rowOf: Int32Array;
  /** Scratch: rules that the index found, groups that they are in. */
  readonly #found: Int32Array;
  readonly #touched: Int32Array;

  /** `dictionaryCode` gives the code that a string of the profile has in ProfileFrame.code, -1 if it cannot have one. */
  constructor(
    rules: readonly Program[],
    _schema: Schema,
    _event: EventSchema,
    segments: SegmentSet,
    dictionaryCode: DictionaryCode,
  ) {
    assert(
      rules.every((rule) => rule.result === 'bool'),
      'rules are predicates',
    );
    this.errors = new Uint32Array(rules.length);
    this.profileSlots = reachedSlots(rules, segments);
    this.#segments = segments;
    this.#index = new RuleIndex(rules);
    this.#groups = groupByShape(rules, dictionaryCode, this.#index.indexed);
    this.#scanned = this.#groups.filter((group) => group.scanned.length > 0);
    this.shapeCount = this.#groups.length;
    this.indexedCount = this.#index.indexed.size;
    this.#groupOf = new Int32Array(rules.length);
    this.#rowOf = new Int32Array(rules.length);
    this.#found = new Int32Array(rules.length);
    this.#touched = new Int32Array(this.#groups.length);
    this.#groups.forEach((group, number) => {
      group.ids.forEach((id, row) => {
        this.#groupOf[id] = number;
        this.#rowOf[id] = row;
      });
    });
  }

  /**
   * Writes the indices of the rules that hold into hits, ascending, and returns how many. `segments.begin` must have been called for this profile and time.
   * hits must have room for all rules.
   */
  match(event: EventFrame, profile: ProfileFrame, nowMs: number, hits: Int32Array): number {
    assert(hits.length >= this.errors.length, 'hits: room for every rule');
    let count = 0;
    for (const group of this.#scanned) {
      const { scanned, ids } = group;
      count = group.run(event, profile, nowMs, this.#segments, scanned, scanned.length, hits, count, ids, this.errors);
    }
    const touched = this.#collectCandidates(event);
    for (let i = 0; i < touched; i++) {
      const group = this.#groups[this.#touched[i] as number] as Group;
      const { candidates, candidateCount, ids } = group;
      count = group.run(
        event,
        profile,
        nowMs,
        this.#segments,
        candidates,
        candidateCount,
        hits,
        count,
        ids,
        this.errors,
      );
      group.candidateCount = 0;
    }
    sortAscending(hits, count);
    return count;
  }

  /** Hands the index's finds to their groups; returns how many groups were touched. */
  #collectCandidates(event: EventFrame): number {
    const found = this.#index.collect(event, this.#found);
    let touched = 0;
    for (let i = 0; i < found; i++) {
      const id = this.#found[i] as number;
      const number = this.#groupOf[id] as number;
      const group = this.#groups[number] as Group;
      if (group.candidateCount === 0) this.#touched[touched++] = number;
      group.candidates[group.candidateCount++] = this.#rowOf[id] as number;
    }
    return touched;
  }
}

function groupByShape(
  rules: readonly Program[],
  dictionaryCode: DictionaryCode,
  indexed: ReadonlySet<number>,
): readonly Group[] {
  const groups = new Map<string, { shape: Shape; ids: number[]; constants: (readonly Lifted[])[] }>();
  rules.forEach((rule, id) => {
    const { shape, constants } = liftConstants(rule.ir, dictionaryCode);
    const group = groups.get(shape.key) ?? { shape, ids: [], constants: [] };
    groups.set(shape.key, group);
    group.ids.push(id);
    group.constants.push(constants);
  });
  return [...groups.values()].map(({ shape, ids, constants }, number) => {
    const scanned = [...ids.keys()].filter((row) => !indexed.has(ids[row] as number));
    return {
      run: matchFunction(shape, vectorsOf(shape.kinds, constants), `shape ${number}`),
      ids: Int32Array.from(ids),
      scanned: Int32Array.from(scanned),
      candidates: new Int32Array(ids.length - scanned.length),
      candidateCount: 0,
    };
  });
}

/** Above this many hits, sorting is left to the runtime, at the price of one small view. */
const INSERTION_SORT_MAX = 64;

/** In place. Hits are few and come in ascending runs, mostly a single one. */
function sortAscending(values: Int32Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const value = values[i] as number;
    if (value > (values[i - 1] as number)) continue;
    if (count > INSERTION_SORT_MAX) {
      values.subarray(0, count).sort();
      return;
    }
    let j = i - 1;
    while (j >= 0 && (values[j] as number) > value) {
      values[j + 1] = values[j] as number;
      j--;
    }
    values[j + 1] = value;
  }
}
