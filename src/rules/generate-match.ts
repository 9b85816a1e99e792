/**
 * The functions that try the rules of a shape, or of several (shape-plan.ts). What is the same for all rules comes first; an operand of these that is false ends the
 * shape's part, one that is an error makes errors of those that nothing else makes false. An event that lacks nothing has a loop without questions of that kind.
 */
import { RULES_PER_FAST_SHAPE_MIN } from '../constants.ts';
import type { EventFrame, ProfileFrame } from '../protocol/frame.ts';
import { Emitter } from './emitter.ts';
import { condition, each, value } from './generate.ts';
import { build, describe } from './generate-function.ts';
import type { Ir } from './ir.ts';
import { canFail, childrenOf } from './ir-traits.ts';
import { OPERATIONS } from './operations.ts';
import type { PlaceReader } from './place-codes.ts';
import type { SegmentReader } from './segment-set.ts';
import { assumePresent, type RangeKey, type ShapePlan } from './shape-plan.ts';
import type { Shape, Vector } from './shapes.ts';

/**
 * Tries all rules of some shapes. Appends the ids of those that hold to hits from `hitCount` on, counts errors by id, returns the new count.
 */
export type ScanFunction = (
  event: EventFrame,
  profile: ProfileFrame,
  nowMs: number,
  segments: SegmentReader,
  hits: Int32Array,
  hitCount: number,
) => number;

/** The same of one shape's rows `rows[0 … count − 1]`, which must be ascending. */
export type PickFunction = (
  event: EventFrame,
  profile: ProfileFrame,
  nowMs: number,
  segments: SegmentReader,
  hits: Int32Array,
  hitCount: number,
  rows: Int32Array,
  count: number,
) => number;

/** The rules of one shape, rows in the order of the plan's first key. */
export interface MatchPart {
  readonly shape: Shape;
  readonly plan: ShapePlan;
  readonly vectors: readonly Vector[];
  /** Index of the rule by row. */
  readonly ids: Int32Array;
  /** Rows in the order of the second key, and its constants in that order. */
  readonly secondRows: Int32Array;
  readonly secondConstants: Float64Array;
}

/** `errors`: by index of the rule. */
export function scanFunction(
  parts: readonly MatchPart[],
  errors: Uint32Array,
  places: PlaceReader,
  name: string,
): ScanFunction {
  return generate(parts, false, 'E, P, now, S, hits, n', errors, places, name) as ScanFunction;
}

export function pickFunction(part: MatchPart, errors: Uint32Array, places: PlaceReader, name: string): PickFunction {
  return generate([part], true, 'E, P, now, S, hits, n, rows, count', errors, places, name) as PickFunction;
}

/** False: no rule of the part holds or fails on this event, whatever its places hold. The places need not have been read. */
export type GateFunction = (
  event: EventFrame,
  profile: ProfileFrame,
  nowMs: number,
  segments: SegmentReader,
) => boolean;

/** null: nothing can be told before the places are read. */
export function gateFunction({ shape, plan, vectors, secondConstants }: MatchPart, name: string): GateFunction | null {
  const items = plan.cheap.filter((item) => !readsPlace(item));
  const keys = plan.keys.filter(({ read }) => !readsPlace(read));
  if (items.length === 0 && keys.length === 0) return null;
  const emitter = new Emitter();
  const absorbing = (make: (fail: string) => void): void => {
    const label = emitter.name('G');
    emitter.emit(`${label}: {`);
    make(`break ${label};`);
    emitter.emit('}');
  };
  for (const item of items) absorbing((fail) => condition(emitter, item, 'return false;', fail));
  for (const key of keys) {
    const first = key === plan.keys[0] ? emitter.vector(key.vector) : 'secondConstants';
    absorbing((fail) =>
      emitter.emit(`if (!${compare(key, value(emitter, key.read, fail), `${first}[0]`)}) return false;`),
    );
  }
  emitter.emit('return true;');
  return build(emitter, 'E, P, now, S', vectors, describe(name, shape), { secondConstants }) as GateFunction;
}

function readsPlace(ir: Ir): boolean {
  return 'place' in ir || childrenOf(ir).some(readsPlace);
}

function generate(
  parts: readonly MatchPart[],
  picked: boolean,
  parameters: string,
  errors: Uint32Array,
  places: PlaceReader,
  name: string,
): unknown {
  const emitter = new Emitter();
  const context: Record<string, unknown> = { errors, K: places };
  parts.forEach(({ plan, vectors, ids, secondRows, secondConstants }, number) => {
    emitter.emit(`PART${number}: {`);
    new MatchGenerator(emitter, plan, picked, number).generate();
    emitter.emit('}');
    emitter.vectorBase += vectors.length;
    context[`ids${number}`] = ids;
    context[`secondRows${number}`] = secondRows;
    context[`secondConstants${number}`] = secondConstants;
  });
  emitter.emit('return n;');
  const comment = parts.map(({ shape }) => describe(name, shape)).join('; ');
  return build(
    emitter,
    parameters,
    parts.flatMap(({ vectors }) => vectors),
    comment,
    context,
  );
}

class MatchGenerator {
  readonly #emitter: Emitter;
  readonly #plan: ShapePlan;
  readonly #picked: boolean;
  /** An operand that is the same for all rules may fail. */
  readonly #mayFail: boolean;
  /** What leaves the part, and what counts an error of the rule at hand. */
  readonly #done: string;
  readonly #fail: string;
  readonly #ids: string;
  readonly #secondRows: string;
  readonly #secondConstants: string;

  constructor(emitter: Emitter, plan: ShapePlan, picked: boolean, number: number) {
    this.#emitter = emitter;
    this.#plan = plan;
    this.#picked = picked;
    this.#mayFail = [...plan.cheap, ...plan.dear].some(canFail);
    this.#ids = `ids${number}`;
    this.#secondRows = `secondRows${number}`;
    this.#secondConstants = `secondConstants${number}`;
    this.#done = `break PART${number};`;
    this.#fail = `{ errors[${this.#ids}[r]]++; continue RULES; }`;
  }

  generate(): void {
    const { cheap, dear, items, keys, rowCount } = this.#plan;
    const emitter = this.#emitter;
    if (this.#mayFail) emitter.emit('let failed = false;');
    for (const item of cheap) this.#invariant(item);
    if (rowCount < RULES_PER_FAST_SHAPE_MIN || items.length === 0) {
      for (const item of dear) this.#invariant(item);
      this.#loop(keyFirst(items, keys[0]), keys[0]);
      emitter.emit(this.#done);
      return;
    }
    const conditions = new Map<string, Ir>();
    const sure = new Map(items.map((item) => [item, assumePresent(item, conditions)]));
    const complete = [...conditions.values()].map((present) => value(emitter, present, this.#done));
    // A key whose number cannot be had (an overflow) is left to the loop that asks.
    const mayLack = complete.length > 0 || keys.some(({ read }) => canFail(assumePresent(read, new Map())));
    if (mayLack) emitter.emit(`let complete = ${complete.join(' && ') || 'true'};`);
    const inComplete = (make: () => void): void => {
      if (!mayLack) make();
      else {
        emitter.emit('if (complete) {');
        make();
        emitter.emit('}');
      }
    };
    if (keys.length > 0) emitter.emit(`let ${keys.map((_, i) => `x${i} = 0`).join(', ')};`);
    inComplete(() => {
      keys.forEach((key, i) => {
        this.#readKey(key, i);
      });
    });
    for (const item of dear) this.#invariant(item);
    inComplete(() => this.#fastLoops(sure));
    if (mayLack) {
      this.#loop(keyFirst(items, keys[0]), keys[0]);
      emitter.emit(this.#done);
    }
  }

  /** Ends the part if the operand is false. */
  #invariant(item: Ir): void {
    const emitter = this.#emitter;
    const label = emitter.name('I');
    emitter.emit(`${label}: {`);
    condition(emitter, item, this.#done, `{ failed = true; break ${label}; }`);
    emitter.emit('}');
  }

  /** Ends the part if the comparison holds for no rule. */
  #readKey(key: RangeKey, index: number): void {
    const emitter = this.#emitter;
    const label = emitter.name('K');
    emitter.emit(`${label}: {`);
    const number = value(emitter, assumePresent(key.read, new Map()), `{ complete = false; break ${label}; }`);
    emitter.emit(`x${index} = ${number};`);
    if (!this.#picked) {
      const first = index === 0 ? emitter.vector(key.vector) : this.#secondConstants;
      emitter.emit(`if (!${compare(key, `x${index}`, `${first}[0]`)}) ${this.#done}`);
    }
    emitter.emit('}');
  }

  #fastLoops(sure: ReadonlyMap<Ir, Ir>): void {
    const { items, keys } = this.#plan;
    const emitter = this.#emitter;
    const [first, second] = keys;
    const without = (key: RangeKey | undefined): Ir[] =>
      items.filter((item) => item !== key?.item).map((item) => sure.get(item) as Ir);
    if (first === undefined || second === undefined || this.#picked) {
      const ends =
        first === undefined ? null : `if (!${compare(first, 'x0', `${emitter.vector(first.vector)}[r]`)}) break;`;
      this.#fastLoop(this.#head(), ends, without(first));
    } else {
      emitter.emit(`const m0 = ${leading(first, 'x0', emitter.vector(first.vector))};`);
      emitter.emit(`const m1 = ${leading(second, 'x1', this.#secondConstants)};`);
      emitter.emit('if (m1 < m0) {');
      this.#fastLoop(`RULES: for (let k = 0; k < m1; k++) {\nconst r = ${this.#secondRows}[k];`, null, without(second));
      emitter.emit(this.#done);
      emitter.emit('}');
      this.#fastLoop('RULES: for (let r = 0; r < m0; r++) {', null, without(first));
    }
    emitter.emit(this.#done);
  }

  #fastLoop(head: string, ends: string | null, items: readonly Ir[]): void {
    this.#emitter.emit(head);
    if (ends !== null) this.#emitter.emit(ends);
    this.#body(items, null);
  }

  /** For any event. */
  #loop(items: readonly Ir[], key: RangeKey | undefined): void {
    this.#emitter.emit(this.#head());
    this.#body(items, key?.item ?? null);
  }

  #head(): string {
    return this.#picked
      ? 'RULES: for (let k = 0; k < count; k++) {\nconst r = rows[k];'
      : `RULES: for (let r = 0; r < ${this.#plan.rowCount}; r++) {`;
  }

  /** If `last` is false for a rule, so it is for all after it. */
  #body(items: readonly Ir[], last: Ir | null): void {
    const emitter = this.#emitter;
    if (items.length > 0) {
      each(emitter, items, this.#fail, (item, fail) =>
        condition(emitter, item, item === last ? 'break RULES;' : 'continue RULES;', fail),
      );
    }
    if (this.#mayFail) emitter.emit(`if (failed) ${this.#fail}`);
    emitter.emit(`hits[n++] = ${this.#ids}[r];`);
    emitter.emit('}');
  }
}

function keyFirst(items: readonly Ir[], key: RangeKey | undefined): Ir[] {
  return [...items].sort((a, b) => Number(b === key?.item) - Number(a === key?.item));
}

function compare(key: RangeKey, number: string, constant: string): string {
  return OPERATIONS[key.operator].emit(number, constant);
}

const LEADING: Readonly<Record<RangeKey['operator'], string>> = {
  less: 'leadingLess',
  lessEqual: 'leadingLessEqual',
  greater: 'leadingGreater',
  greaterEqual: 'leadingGreaterEqual',
};

function leading(key: RangeKey, number: string, constants: string): string {
  return `R.${LEADING[key.operator]}(${constants}, ${number})`;
}
