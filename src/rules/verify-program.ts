/**
 * What is asked of a compiled program before source is made of it. Programs travel in records, as JSON that anybody may have written who can append to the log, and
 * numbers and names of the intermediate form become part of generated source: every node must be of a kind that the compiler makes, with exactly its fields.
 * Whether types fit each other is not asked: an ill-typed program computes nonsense or fails (guarded.ts), but runs no code of its own.
 */
import {
  EXPRESSION_DEPTH_MAX,
  EXPRESSION_STEPS_MAX,
  PATTERN_LENGTH_MAX,
  PROGRAM_DEPTH_FACTOR_MAX,
  PROGRAM_NUMBER_MAX,
} from '../constants.ts';
import { overloadById } from './functions.ts';
import { UNBOX } from './generate.ts';
import type { Ir, IrConstant, Rep } from './ir.ts';
import { OPERATIONS } from './operations.ts';
import { inspectPattern } from './pattern.ts';
import type { Program } from './program.ts';

type Node = Readonly<Record<string, unknown>>;
type Check = (value: unknown, walk: Walk) => boolean;
interface Field {
  readonly key: string;
  readonly check: Check;
}

/** Throws an Error that says what is wrong. Patterns are left to who compiles them, which is dear. */
export function verifyIr(ir: Ir): void {
  new Walk(false).node(ir);
}

/** The same of a whole program. `patterns`: it is compiled later, and nothing that is wrong with it may be left for then. */
export function verifyProgram(program: Program, patterns: boolean): void {
  const given: unknown = program;
  if (!isNode(given) || !RESULTS.has(given['result'])) throw new Error('bad program: it is none');
  for (const name of ['profileSlots', 'segments']) {
    const numbers = given[name];
    if (!Array.isArray(numbers) || !numbers.every(isNumber)) throw new Error(`bad program: ${name}`);
  }
  new Walk(patterns).node(program.ir);
}

class Walk {
  readonly compilesPatterns: boolean;
  #depth = 0;
  #nodes = 0;
  /** Numbers of the variables of the loops around. */
  readonly #locals: unknown[] = [];

  constructor(compilesPatterns: boolean) {
    this.compilesPatterns = compilesPatterns;
  }

  node(value: unknown): boolean {
    if (!isNode(value)) throw new Error('bad program: an operand is missing');
    const op = value['op'];
    const fields = NODES.get(op);
    if (fields === undefined) throw new Error(`bad program: unknown node ${named(op)}`);
    // Every node costs a step at least.
    if (++this.#nodes > EXPRESSION_STEPS_MAX) throw new Error('bad program: too large');
    if (++this.#depth > EXPRESSION_DEPTH_MAX * PROGRAM_DEPTH_FACTOR_MAX)
      throw new Error('bad program: nested too deeply');
    this.#fields(value, fields, op as string);
    this.#depth--;
    return true;
  }

  /** The range is made outside of the loop, the rest inside. */
  loop({ range, local, predicate, transform }: Node): boolean {
    const fields = isNode(range) ? RANGES.get(range['over']) : undefined;
    if (fields === undefined) return false;
    this.#fields(range as Node, fields, 'range');
    this.#locals.push(local);
    for (const part of [predicate, transform]) if (part !== null) this.node(part);
    this.#locals.pop();
    return true;
  }

  hasLocal(local: unknown): boolean {
    return this.#locals.includes(local);
  }

  /** Exactly these and the tag: the generator asks for some by `in`. */
  #fields(value: Node, fields: readonly Field[], name: string): void {
    let present = 1;
    for (const { key, check } of fields) {
      const item = key === WHOLE ? value : value[key];
      if (!check(item, this)) throw new Error(`bad program: ${key} of ${name}`);
      if (key !== WHOLE && item !== undefined) present++;
    }
    if (Object.keys(value).length !== present) throw new Error(`bad program: ${name} has unknown fields`);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function named(text: unknown): string {
  return JSON.stringify(String(text).slice(0, 32));
}

function tableOf(
  table: Readonly<Record<string, Readonly<Record<string, Check>>>>,
): ReadonlyMap<unknown, readonly Field[]> {
  return new Map(
    Object.entries(table).map(([name, checks]) => [
      name,
      Object.entries(checks).map(([key, check]) => ({ key, check })),
    ]),
  );
}

/** In a table of fields, what checks the node as a whole, after its fields. */
const WHOLE = '';

function isNumber(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= PROGRAM_NUMBER_MAX;
}

function oneOf(...names: readonly unknown[]): Check {
  const known = new Set(names);
  return (value) => known.has(value);
}

function listOf(check: Check): Check {
  return (value, walk) => Array.isArray(value) && value.every((item: unknown) => check(item, walk));
}

const child: Check = (value, walk) => walk.node(value);
const children = listOf(child);
const inLoop: Check = () => true;
const childOf =
  (op: string): Check =>
  (value, walk) =>
    isNode(value) && value['op'] === op && walk.node(value);
const isFlag: Check = (value) => typeof value === 'boolean';
const maybeFlag: Check = (value) => value === undefined || typeof value === 'boolean';
const isSource = oneOf('event', 'profile');

const RESULTS = new Set<unknown>(['bool', 'int', 'double', 'string', 'timestamp']);
const REPS: Readonly<Record<Rep, true>> = {
  bool: true,
  int: true,
  wide: true,
  uint: true,
  double: true,
  string: true,
  bytes: true,
  ms: true,
  ns: true,
  spanMs: true,
  spanNs: true,
  type: true,
  null: true,
  list: true,
  map: true,
  elements: true,
  texts: true,
  numbers: true,
  codes: true,
  mask: true,
  set: true,
  pattern: true,
  dyn: true,
};
const isRep = oneOf(...Object.keys(REPS));
const isUnboxed = oneOf(...Object.keys(UNBOX));

/** Longer than any number of 64 bits, and than any time in nanoseconds. */
const WHOLE_NUMBER = /^-?\d{1,24}$/;
const isNotInJson = oneOf('-0', 'NaN', 'Infinity', '-Infinity');

function isConstant(rep: unknown, value: IrConstant, walk: Walk): boolean {
  switch (rep) {
    case 'null':
      return value === null;
    case 'bool':
      return typeof value === 'boolean';
    case 'string':
      return typeof value === 'string';
    case 'bytes':
      return Array.isArray(value) && value.every((byte) => isNumber(byte) && byte <= 255);
    case 'int':
    case 'ms':
    case 'spanMs':
      return Number.isSafeInteger(value);
    case 'wide':
    case 'ns':
    case 'spanNs':
      return typeof value === 'string' && WHOLE_NUMBER.test(value);
    case 'uint':
      return Number.isSafeInteger(value) || (typeof value === 'string' && WHOLE_NUMBER.test(value));
    case 'double':
      return Number.isFinite(value) || isNotInJson(value, walk);
    default:
      return false;
  }
}

const place = { list: isNumber, column: isNumber, element: child };

/** What the compiler makes; not what is made of it when it is activated (shapes.ts). */
const NODES = tableOf({
  const: {
    rep: isRep,
    value: () => true,
    [WHOLE]: (node, walk) => isConstant((node as Node)['rep'], (node as Node)['value'] as IrConstant, walk),
  },
  slot: { from: isSource, slot: isNumber, rep: isRep, sure: isFlag },
  has: { from: isSource, slot: isNumber },
  hasList: { list: isNumber },
  hasId: {},
  meta: { field: oneOf('id', 'type', 'ts'), rep: isRep },
  now: { rep: oneOf('ms') },
  segment: { index: isNumber },
  variable: { index: isNumber },
  local: { local: (value, walk) => walk.hasLocal(value), rep: isRep },
  column: { ...place, rep: isRep, sure: isFlag },
  hasColumn: place,
  eventList: {
    list: isNumber,
    column: (value, walk) => value === null || isRep(value, walk),
    rep: oneOf('list', 'elements'),
  },
  listLength: { list: isNumber, sure: maybeFlag },
  and: { items: children },
  or: { items: children },
  if: { condition: child, whenTrue: child, whenFalse: child, rep: isRep },
  call: {
    name: oneOf(...Object.keys(OPERATIONS)),
    args: children,
    rep: isRep,
    [WHOLE]: (node) => {
      const { name, args } = node as Extract<Ir, { op: 'call' }>;
      const operands = OPERATIONS[name].emit.length;
      // 0: it takes any number of them, as a function does.
      return operands === 0 || args.length === operands;
    },
  },
  overload: {
    id: (value) => overloadById.has(value as string),
    args: children,
    rep: oneOf('dyn'),
    [WHOLE]: (node) => {
      const { id, args } = node as Extract<Ir, { op: 'overload' }>;
      return overloadById.get(id)?.params.length === args.length;
    },
  },
  dispatch: { ids: listOf((value) => overloadById.has(value as string)), args: children, rep: oneOf('dyn') },
  member: { item: child, values: childOf('constants') },
  constants: {
    rep: oneOf('texts', 'numbers'),
    values: Array.isArray,
    [WHOLE]: (node) => {
      const { rep, values } = node as Extract<Ir, { op: 'constants' }>;
      return values.every((value) => (rep === 'texts' ? typeof value === 'string' : Number.isFinite(value)));
    },
  },
  matches: { text: child, pattern: childOf('pattern') },
  pattern: {
    source: (value, { compilesPatterns }) =>
      typeof value === 'string' &&
      value.length <= PATTERN_LENGTH_MAX &&
      (!compilesPatterns || 'instructions' in inspectPattern(value)),
    instructions: isNumber,
    rep: oneOf('pattern'),
  },
  box: { value: child, rep: oneOf('dyn') },
  unbox: { value: child, rep: isUnboxed },
  list: { items: children, rep: oneOf('list') },
  map: {
    entries: listOf((entry, walk) => Array.isArray(entry) && entry.length === 2 && children(entry, walk)),
    rep: oneOf('map'),
  },
  loop: {
    kind: oneOf('all', 'exists', 'existsOne', 'collect', 'count', 'held'),
    local: isNumber,
    rep: isRep,
    range: inLoop,
    predicate: inLoop,
    transform: inLoop,
    [WHOLE]: (node, walk) => walk.loop(node as Node),
  },
  fail: { rep: isRep },
});

const isItem: Check = (value, walk) => value === 'dyn' || isUnboxed(value, walk);
const RANGES = tableOf({
  objects: { list: isNumber, sure: maybeFlag },
  scalars: { list: isNumber, rep: isRep, sure: maybeFlag },
  elements: { value: child },
  list: { value: child, rep: isItem },
  dyn: { value: child, rep: isItem },
});
