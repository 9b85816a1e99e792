/**
 * All predicates that listen for one event type. Rules of one shape share a function that loops over their constants; a rule that demands one of a few values of
 * a field of the event is reached through an index (rule-index.ts) and costs nothing on other events.
 */
import type { EventFrame, ProfileFrame } from '../protocol/frame.ts';
import type { EventSchema, Schema } from '../protocol/schema.ts';
import { assert } from '../stdx/assert.ts';
import { type MatchFunction, matchFunction } from './generate-function.ts';
import type { Program } from './program.ts';
import { reachedSlots, type SegmentSet } from './segment-set.ts';
import { type DictionaryCode, type Lifted, liftConstants, type Shape, vectorsOf } from './shapes.ts';

/** The rules of one shape. */
interface Group {
  readonly run: MatchFunction;
  /** Index of the rule for each row. */
  readonly ids: Int32Array;
  /** Rows that are tried on every event. */
  readonly rows: Int32Array;
}

export class RuleSet {
  /**
   * For each rule, evaluations that ended in an error; the reader sets it back to 0. A rule that the index left out was not evaluated and counts none.
   */
  readonly errors: Uint32Array;
  /** Slots of the profile that the rules and the segments they name may read, ascending: gather them before `match`. */
  readonly profileSlots: Int32Array;
  readonly #groups: readonly Group[];
  readonly #segments: SegmentSet;

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
    this.#groups = groupByShape(rules, dictionaryCode);
  }

  /**
   * Writes the indices of the rules that hold into hits, ascending, and returns how many. `segments.begin` must have been called for this profile and time.
   * hits must have room for all rules.
   */
  match(event: EventFrame, profile: ProfileFrame, nowMs: number, hits: Int32Array): number {
    assert(hits.length >= this.errors.length, 'hits: room for every rule');
    let count = 0;
    for (const group of this.#groups) {
      const { rows } = group;
      count = group.run(event, profile, nowMs, this.#segments, rows, rows.length, hits, count, group.ids, this.errors);
    }
    if (this.#groups.length > 1) sortAscending(hits, count);
    return count;
  }
}

function groupByShape(rules: readonly Program[], dictionaryCode: DictionaryCode): Group[] {
  const groups = new Map<string, { shape: Shape; ids: number[]; constants: (readonly Lifted[])[] }>();
  rules.forEach((rule, id) => {
    const { shape, constants } = liftConstants(rule.ir, dictionaryCode);
    const group = groups.get(shape.key);
    if (group === undefined) groups.set(shape.key, { shape, ids: [id], constants: [constants] });
    else {
      group.ids.push(id);
      group.constants.push(constants);
    }
  });
  return [...groups.values()].map(({ shape, ids, constants }, number) => ({
    run: matchFunction(shape, vectorsOf(shape.kinds, constants), `shape ${number}`),
    ids: Int32Array.from(ids),
    rows: Int32Array.from(ids.keys()),
  }));
}

/** In place and without garbage: insertion sort, for hits are few and mostly in order. */
function sortAscending(values: Int32Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const value = values[i] as number;
    let j = i - 1;
    while (j >= 0 && (values[j] as number) > value) {
      values[j + 1] = values[j] as number;
      j--;
    }
    values[j + 1] = value;
  }
}
