/**
 * The functions around generated expressions. Each is made by `new Function` from source text that holds nothing a person wrote (see generate.ts); the run-time
 * library and the vectors of constants come in as parameters. A leading comment tells shapes apart: V8 shares type feedback between functions of equal source.
 */
import type { EventFrame, ProfileFrame } from '../protocol/frame.ts';
import { Emitter } from './emitter.ts';
import { condition, value } from './generate.ts';
import { RUNTIME } from './runtime.ts';
import type { SegmentReader } from './segment-set.ts';
import type { Shape, Vector } from './shapes.ts';
import type { Failure, Value } from './values.ts';

/**
 * Tries the rules `rows[0 … count − 1]` of a shape. Appends ids[row] of those that hold to hits from `hitCount` on, counts errors by id, returns the new count.
 */
export type MatchFunction = (
  event: EventFrame,
  profile: ProfileFrame,
  nowMs: number,
  segments: SegmentReader,
  rows: Int32Array,
  count: number,
  hits: Int32Array,
  hitCount: number,
  ids: Int32Array,
  errors: Uint32Array,
) => number;

/** 0 false, 1 true, 2 error. */
export type TestFunction = (profile: ProfileFrame, nowMs: number, segments: SegmentReader) => 0 | 1 | 2;

export interface ScalarSink {
  number: number;
  text: string;
}

/** False: error. */
export type ScalarFunction = (
  event: EventFrame | null,
  profile: ProfileFrame,
  nowMs: number,
  segments: SegmentReader,
  out: ScalarSink,
) => boolean;

/** Over values of a general environment, by index of the variable; undefined where one is not bound. */
export type ValueFunction = (bindings: readonly (Value | undefined)[]) => Value | Failure;

export function matchFunction(shape: Shape, vectors: readonly Vector[], name: string): MatchFunction {
  const emitter = new Emitter();
  emitter.emit('RULES: for (let k = 0; k < count; k++) {');
  emitter.emit('const r = rows[k];');
  condition(emitter, shape.ir, 'continue RULES;', '{ errors[ids[r]]++; continue RULES; }');
  emitter.emit('hits[n++] = ids[r];');
  emitter.emit('}');
  emitter.emit('return n;');
  return build(emitter, 'E, P, now, S, rows, count, hits, n, ids, errors', shape, vectors, name) as MatchFunction;
}

export function testFunction(shape: Shape, vectors: readonly Vector[], name: string): TestFunction {
  const emitter = new Emitter();
  emitter.emit('const r = 0;');
  condition(emitter, shape.ir, 'return 0;', 'return 2;');
  emitter.emit('return 1;');
  return build(emitter, 'P, now, S', shape, vectors, name) as TestFunction;
}

export function scalarFunction(shape: Shape, vectors: readonly Vector[], property: 'number' | 'text'): ScalarFunction {
  const emitter = new Emitter();
  emitter.emit('const r = 0;');
  emitter.emit(`out.${property} = ${value(emitter, shape.ir, 'return false;')};`);
  emitter.emit('return true;');
  return build(emitter, 'E, P, now, S, out', shape, vectors, 'scalar') as ScalarFunction;
}

export function valueFunction(shape: Shape, vectors: readonly Vector[]): ValueFunction {
  const emitter = new Emitter();
  emitter.emit('const r = 0, now = 0;');
  emitter.emit(`return ${value(emitter, shape.ir, 'return undefined;')};`);
  return build(emitter, 'B', shape, vectors, 'value') as ValueFunction;
}

function build(emitter: Emitter, parameters: string, shape: Shape, vectors: readonly Vector[], name: string): unknown {
  const constants = vectors.map((vector, i) =>
    'starts' in vector ? `V${i} = V[${i}].items, W${i} = V[${i}].starts` : `V${i} = V[${i}]`,
  );
  const aliases = [...emitter.aliases].map(([alias, expression]) => `${alias} = ${expression}`);
  const source = [
    '"use strict";',
    `// ${name}: ${shape.kinds.join(' ')}`,
    constants.length > 0 ? `const ${constants.join(', ')};` : '',
    `return function (${parameters}) {`,
    aliases.length > 0 ? `const ${aliases.join(', ')};` : '',
    emitter.text(),
    '};',
  ].join('\n');
  return new Function('R', 'V', source)(RUNTIME, vectors);
}
