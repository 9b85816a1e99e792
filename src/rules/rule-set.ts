/**
 * All predicates that listen for one event type. Rules of one shape share a function (generate-match.ts); a rule that demands one of a few values of a field of
 * the event is reached through an index (rule-index.ts) and costs nothing on other events.
 */
import type { EventFrame, ProfileFrame } from '../protocol/frame.ts';
import { assert } from '../stdx/assert.ts';
import type { MatchPart, ScanFunction } from './generate-match.ts';
import { takeForError } from './guarded.ts';
import type { Ir } from './ir.ts';
import { childrenOf } from './ir-traits.ts';
import { placeKey } from './place.ts';
import { PlaceCodes } from './place-codes.ts';
import type { Program } from './program.ts';
import { type Demand, demandsOf } from './rule-demands.ts';
import { createPart, type Member, pickedGroup, type RuleGroup, scanFunctions } from './rule-group.ts';
import { chooseDemands, RuleIndex } from './rule-index.ts';
import { reachedSlots, type SegmentSet } from './segment-set.ts';
import { type DictionaryCode, liftConstants, type Shape } from './shapes.ts';
import { AscendingSort } from './sort-ascending.ts';

export class RuleSet {
  /**
   * For each rule, evaluations that ended in an error; the reader sets it back to 0. A rule that the index left out was not evaluated and counts none.
   */
  readonly errors: Uint32Array;
  /** Slots of the profile that the rules and the segments they name may read, ascending: gather them before `match`. */
  readonly profileSlots: Int32Array;
  /** How many shapes the rules have, and how many rules only the index reaches. */
  readonly shapeCount: number;
  readonly indexedCount: number;
  readonly #segments: SegmentSet;
  readonly #places: PlaceCodes;
  readonly #index: RuleIndex;
  /** For the rules that are tried on every event. */
  readonly #scans: readonly ScanFunction[];
  readonly #sort: AscendingSort;

  /** `dictionaryCode` gives the code that a string of the profile has in ProfileFrame.code, -1 if it cannot have one. */
  constructor(rules: readonly Program[], segments: SegmentSet, dictionaryCode: DictionaryCode) {
    assert(
      rules.every((rule) => rule.result === 'bool'),
      'rules are predicates',
    );
    this.errors = new Uint32Array(rules.length);
    this.profileSlots = reachedSlots(rules, segments);
    this.#segments = segments;
    const demands = chooseDemands(rules.map((rule) => demandsOf(rule.ir)));
    this.#places = new PlaceCodes(
      rules.map((rule) => rule.ir),
      [...demands.values()],
    );
    const classes = classesOf(rules, demands, { dictionaryCode, places: this.#places });
    const scanned: MatchPart[] = [];
    const indexed = new Map<RuleGroup, readonly Demand[]>();
    classes.forEach(({ shape, members, isIndexed }, number) => {
      const part = createPart(shape, members);
      if (!isIndexed) scanned.push(part);
      else {
        const group = pickedGroup(part, this.errors, this.#places, `shape ${number}`);
        indexed.set(
          group,
          Array.from(part.ids, (id) => demands.get(id) as Demand),
        );
      }
    });
    this.#scans = scanFunctions(scanned, this.errors, this.#places);
    this.#index = new RuleIndex(indexed, this.#places);
    const read = scanned.flatMap(({ shape }) => placesOf(shape.ir));
    this.#places.lookUpAlways(new Set([...this.#index.places, ...read]));
    this.#sort = new AscendingSort(rules.length);
    this.shapeCount = classes.length;
    this.indexedCount = demands.size;
  }

  /**
   * Writes the indices of the rules that hold into hits, ascending, and returns how many. `segments.begin` must have been called for this profile and time.
   * hits must have room for all rules.
   */
  match(event: EventFrame, profile: ProfileFrame, nowMs: number, hits: Int32Array): number {
    assert(hits.length >= this.errors.length, 'hits: room for every rule');
    try {
      return this.#match(event, profile, nowMs, hits);
    } catch (thrown) {
      takeForError(thrown);
      // Rules share functions: nobody knows which one it was.
      for (let rule = 0; rule < this.errors.length; rule++) this.errors[rule] = (this.errors[rule] as number) + 1;
      return 0;
    }
  }

  #match(event: EventFrame, profile: ProfileFrame, nowMs: number, hits: Int32Array): number {
    this.#places.read(event, profile);
    let count = 0;
    const scans = this.#scans;
    for (let i = 0; i < scans.length; i++)
      count = (scans[i] as ScanFunction)(event, profile, nowMs, this.#segments, hits, count);
    count = this.#index.match(event, profile, nowMs, this.#segments, hits, count);
    this.#sort.sort(hits, count);
    return count;
  }
}

/** Numbers of the places whose codes an expression reads. */
function placesOf(ir: Ir): number[] {
  const own = 'place' in ir ? [ir.place] : [];
  return [...own, ...childrenOf(ir).flatMap(placesOf)];
}

/** Rules of one shape that are reached in the same way. */
interface RuleClass {
  readonly shape: Shape;
  readonly isIndexed: boolean;
  readonly members: Member[];
}

function classesOf(
  rules: readonly Program[],
  demands: ReadonlyMap<number, Demand>,
  codes: { readonly dictionaryCode: DictionaryCode; readonly places: PlaceCodes },
): readonly RuleClass[] {
  const classes = new Map<string, RuleClass>();
  rules.forEach((rule, id) => {
    const { shape, constants } = liftConstants(rule.ir, codes);
    const demand = demands.get(id);
    const key = `${demand === undefined ? '' : placeKey(demand.place)} ${shape.key}`;
    const found = classes.get(key) ?? { shape, isIndexed: demand !== undefined, members: [] };
    classes.set(key, found);
    found.members.push({ id, constants });
  });
  return [...classes.values()];
}
