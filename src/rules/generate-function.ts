/**
 * The functions around generated expressions. Each is made by `new Function` from source text that holds nothing a person wrote (see generate.ts, and verify-program.ts for what records say); the run-time
 * library and the vectors of constants come in as parameters. A leading comment tells shapes apart: V8 shares type feedback between functions of equal source.
 */
import type { EventFrame, ProfileFrame } from '../protocol/frame.ts';
import { Emitter } from './emitter.ts';
import { condition, value } from './generate.ts';
import { RUNTIME } from './runtime.ts';
import type { SegmentReader } from './segment-set.ts';
import type { Shape, Vector } from './shapes.ts';
import type { Failure, Value } from './values.ts';

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

/** The value of a boxed expression over frames; undefined: error. */
export type BoxedFunction = (
  event: EventFrame | null,
  profile: ProfileFrame,
  nowMs: number,
  segments: SegmentReader,
) => Value | Failure;

/** Over values of a general environment, by index of the variable; undefined where one is not bound. */
export type ValueFunction = (bindings: readonly (Value | undefined)[]) => Value | Failure;

export function testFunction(shape: Shape, vectors: readonly Vector[], name: string): TestFunction {
  const emitter = new Emitter();
  emitter.emit('const r = 0;');
  condition(emitter, shape.ir, 'return 0;', 'return 2;');
  emitter.emit('return 1;');
  return build(emitter, 'P, now, S', vectors, describe(name, shape)) as TestFunction;
}

export function scalarFunction(shape: Shape, vectors: readonly Vector[], property: 'number' | 'text'): ScalarFunction {
  const emitter = new Emitter();
  emitter.emit('const r = 0;');
  emitter.emit(`out.${property} = ${value(emitter, shape.ir, 'return false;')};`);
  emitter.emit('return true;');
  return build(emitter, 'E, P, now, S, out', vectors, describe('scalar', shape)) as ScalarFunction;
}

export function boxedFunction(shape: Shape, vectors: readonly Vector[]): BoxedFunction {
  const emitter = new Emitter();
  emitter.emit('const r = 0;');
  emitter.emit(`return ${value(emitter, shape.ir, 'return undefined;')};`);
  return build(emitter, 'E, P, now, S', vectors, describe('boxed', shape)) as BoxedFunction;
}

export function valueFunction(shape: Shape, vectors: readonly Vector[]): ValueFunction {
  const emitter = new Emitter();
  emitter.emit('const r = 0, now = 0;');
  emitter.emit(`return ${value(emitter, shape.ir, 'return undefined;')};`);
  return build(emitter, 'B', vectors, describe('value', shape)) as ValueFunction;
}

/** For the comment. */
export function describe(name: string, shape: Shape): string {
  return `${name}: ${shape.kinds.join(' ')}`;
}

/** `context` is what the function keeps beside the constants: name → value. */
export function build(
  emitter: Emitter,
  parameters: string,
  vectors: readonly Vector[],
  comment: string,
  context: Readonly<Record<string, unknown>> = {},
): unknown {
  const constants = vectors.map((vector, i) =>
    'starts' in vector ? `V${i} = V[${i}].items, W${i} = V[${i}].starts` : `V${i} = V[${i}]`,
  );
  const uniforms = [...emitter.uniforms].map((vector) => `U${vector} = V[${vector}][0]`);
  const kept = Object.keys(context).map((key) => `${key} = X.${key}`);
  const constantList = [...constants, ...uniforms, ...kept];
  const aliases = [...emitter.aliases].map(([alias, expression]) => `${alias} = ${expression}`);
  const source = [
    '"use strict";',
    `// ${comment}`,
    constantList.length > 0 ? `const ${constantList.join(', ')};` : '',
    `return function (${parameters}) {`,
    aliases.length > 0 ? `const ${aliases.join(', ')};` : '',
    emitter.text(),
    '};',
  ].join('\n');
  return new Function('R', 'V', 'X', source)(RUNTIME, vectors, context);
}
