/**
 * Typed tree to intermediate form: every value gets a representation, conversions become nodes, constants in lists become vectors, and calls become operations on
 * unboxed values where there is one (lower-calls.ts), calls of boxed overloads elsewhere.
 */
import { EVENT_LIST_LENGTH_MAX } from '../constants.ts';
import { assert, unreachable } from '../stdx/assert.ts';
import type { Environment } from './environment.ts';
import { evaluationCost } from './evaluation-cost.ts';
import { scalarRep } from './frame-environment.ts';
import { type Ir, type IrLoop, type IrRange, type Rep, repOf } from './ir.ts';
import { canFail } from './ir-traits.ts';
import { lowerCall } from './lower-calls.ts';
import { lowerCompare, lowerEqual, lowerIn } from './lower-compare.ts';
import { box, coerce, constant, constantOf, type Interval, operation, repOfType } from './lower-values.ts';
import type { OperationName } from './operations.ts';
import { toWide } from './runtime-numbers.ts';
import type { Typed } from './typed.ts';

const SAFE = Number.MAX_SAFE_INTEGER;

type Of<K extends Typed['node']> = Extract<Typed, { readonly node: K }>;

export function lower(typed: Typed, environment: Environment): Ir {
  return new Lowerer(environment).lower(typed);
}

export class Lowerer {
  readonly #environment: Environment;
  /** Representation of each loop's variable. */
  readonly #locals: Rep[] = [];
  /** What is known of an int's size; absent: ±(2^53 − 1) for `int`. */
  readonly #intervals = new Map<Ir, Interval>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Loops around the node being lowered. */
  get depth(): number {
    return this.#locals.length;
  }

  interval(ir: Ir): Interval {
    const rep = repOf(ir);
    assert(rep === 'int', 'only an int has an interval');
    if (ir.op === 'const') return [ir.value as number, ir.value as number];
    return this.#intervals.get(ir) ?? [-SAFE, SAFE];
  }

  within(ir: Ir, interval: Interval): Ir {
    this.#intervals.set(ir, interval);
    return ir;
  }

  /** In the representation of the node's type. */
  lower(typed: Typed): Ir {
    switch (typed.node) {
      case 'literal':
        return literal(typed);
      case 'read':
        return typed.binding.read.op === 'variable'
          ? coerce(typed.binding.read, repOfType(typed.type))
          : typed.binding.read;
      case 'has':
        return typed.binding.has ?? constant('bool', true);
      case 'local':
        return { op: 'local', local: typed.local, rep: this.#locals[typed.local] as Rep };
      case 'field':
      case 'hasField':
        return this.#field(typed);
      case 'and':
      case 'or':
        return this.#logic(typed);
      case 'not':
        return operation('not', [this.bool(typed.operand)], 'bool');
      case 'dyn':
        return box(this.lower(typed.operand));
      case 'size':
        return this.#size(typed.operand);
      case 'if':
        return this.#conditional(typed);
      case 'compare':
        return lowerCompare(this, typed);
      case 'equal':
        return lowerEqual(this, typed);
      case 'in':
        return lowerIn(this, typed);
      case 'index':
        return this.#index(typed);
      case 'call':
        return lowerCall(this, typed.overload, typed.args);
      case 'dispatch': {
        const args = typed.args.map((arg) => box(this.lower(arg)));
        const ids = typed.overloads.map((overload) => overload.id);
        return coerce({ op: 'dispatch', ids, args, rep: 'dyn' }, repOfType(typed.type));
      }
      case 'matches':
        return {
          op: 'matches',
          text: coerce(this.lower(typed.text), 'string'),
          pattern: { op: 'pattern', source: typed.pattern, instructions: typed.instructions, rep: 'pattern' },
        };
      case 'list':
        return { op: 'list', items: typed.items.map((item) => box(this.lower(item))), rep: 'list' };
      case 'map':
        return {
          op: 'map',
          entries: typed.entries.map(([key, value]) => [box(this.lower(key)), box(this.lower(value))]),
          rep: 'map',
        };
      case 'loop':
        return this.#loop(typed);
      case 'fail':
        return { op: 'fail', rep: 'dyn' };
      default:
        return unreachable(typed);
    }
  }

  bool(typed: Typed): Ir {
    return coerce(this.lower(typed), 'bool');
  }

  /** Operands of && and || may be tried in any order, since errors are absorbed: the cheap ones go first. */
  #logic(typed: Of<'and' | 'or'>): Ir {
    const items = typed.items.map((item) => this.bool(item));
    const costs = new Map(items.map((item) => [item, evaluationCost(item)]));
    items.sort((a, b) => (costs.get(a) as number) - (costs.get(b) as number));
    return { op: typed.node, items };
  }

  #field(typed: Of<'field' | 'hasField'>): Ir {
    const operandType = typed.operand.type;
    if (operandType.kind === 'object') {
      const field = this.#environment.field(operandType.list, typed.field);
      assert(field !== null, 'checked before');
      const element = this.lower(typed.operand);
      const place = { list: operandType.list, column: field.column, element };
      if (typed.node === 'hasField') return { op: 'hasColumn', ...place };
      return { op: 'column', ...place, rep: frameRep(field.type.kind), sure: false };
    }
    const args = [box(this.lower(typed.operand)), constant('string', typed.field)];
    if (typed.node === 'hasField') return operation('hasField', args, 'bool');
    return coerce(operation('select', args, 'dyn'), repOfType(typed.type));
  }

  #size(operand: Typed): Ir {
    const ir = this.lower(operand);
    if (ir.op === 'eventList') return this.within({ op: 'listLength', list: ir.list }, [0, EVENT_LIST_LENGTH_MAX]);
    const keepsAll = ir.op === 'loop' && ir.kind === 'collect' && (ir.transform === null || !canFail(ir.transform));
    if (keepsAll) return { ...ir, kind: 'count', transform: null, rep: 'int' };
    const names: Partial<Record<Rep, OperationName>> = {
      string: 'countCodePoints',
      bytes: 'length',
      list: 'length',
      elements: 'length',
      map: 'mapSize',
      dyn: 'boxedSize',
    };
    const name = names[repOf(ir)];
    assert(name !== undefined, 'size of a value without one');
    return this.within(operation(name, [ir], 'int'), [0, 2 ** 31]);
  }

  #conditional(typed: Of<'if'>): Ir {
    const condition = this.bool(typed.condition);
    let then = this.lower(typed.whenTrue);
    let otherwise = this.lower(typed.whenFalse);
    let rep = repOf(then);
    if (rep !== repOf(otherwise)) {
      rep = joinReps(rep, repOf(otherwise));
      then = coerce(then, rep);
      otherwise = coerce(otherwise, rep);
    }
    const ir: Ir = { op: 'if', condition, whenTrue: then, whenFalse: otherwise, rep };
    if (rep !== 'int') return ir;
    const [a, b] = [this.interval(then), this.interval(otherwise)];
    return this.within(ir, [Math.min(a[0], b[0]), Math.max(a[1], b[1])]);
  }

  #index(typed: Of<'index'>): Ir {
    const operand = this.lower(typed.operand);
    const index = this.lower(typed.index);
    if (repOf(operand) === 'elements') {
      if (operand.op === 'eventList')
        return operation('checkIndex', [index, { op: 'listLength', list: operand.list }], 'int');
      return operation('elementAt', [operand, index], 'int');
    }
    if (operand.op === 'eventList' && operand.column !== null && (repOf(index) === 'int' || repOf(index) === 'wide')) {
      const element = operation('checkIndex', [index, { op: 'listLength', list: operand.list }], 'int');
      return { op: 'column', list: operand.list, column: 0, element, rep: operand.column, sure: true };
    }
    return coerce(operation('index', [box(operand), box(index)], 'dyn'), repOfType(typed.type));
  }

  #loop(typed: Of<'loop'>): Ir {
    const { local } = typed;
    const range = this.#range(typed.range);
    this.#locals[local] = range.over === 'objects' || range.over === 'elements' ? 'int' : range.rep;
    const predicate = typed.predicate === null ? null : this.bool(typed.predicate);
    let transform: Ir | null = null;
    if (typed.transform !== null) transform = box(this.lower(typed.transform));
    this.#locals.length = local;
    const objects = range.over === 'objects' || range.over === 'elements';
    const rep: Rep = typed.macro !== 'map' ? 'bool' : objects && transform === null ? 'elements' : 'list';
    const kind: IrLoop['kind'] = typed.macro === 'map' ? 'collect' : typed.macro;
    return { op: 'loop', kind, range, local, predicate, transform, rep };
  }

  #range(typed: Typed): IrRange {
    const value = this.lower(typed);
    if (value.op === 'eventList') {
      return value.column === null
        ? { over: 'objects', list: value.list }
        : { over: 'scalars', list: value.list, rep: value.column };
    }
    const { type } = typed;
    if (type.kind === 'list') {
      if (type.element.kind === 'object') return { over: 'elements', value };
      return { over: 'list', value, rep: repOfType(type.element) };
    }
    return { over: 'dyn', value: box(value), rep: type.kind === 'map' ? repOfType(type.key) : 'dyn' };
  }
}

export function literal(typed: Of<'literal'>): Ir {
  const { value, type } = typed;
  switch (type.kind) {
    case 'int':
    case 'uint': {
      const wide = toWide(value as bigint);
      const rep = type.kind === 'uint' ? 'uint' : typeof wide === 'number' ? 'int' : 'wide';
      return constantOf(rep, wide);
    }
    case 'bytes':
      return constant('bytes', [...(value as Uint8Array)]);
    case 'double':
      return constantOf('double', value as number);
    default:
      return constant(repOfType(type), value as null | boolean | string);
  }
}

function frameRep(kind: string): Rep {
  return scalarRep(kind as Parameters<typeof scalarRep>[0]);
}

/** One that both can be converted to. */
export function joinReps(a: Rep, b: Rep): Rep {
  if (a === b) return a;
  const both = new Set([a, b]);
  if (both.has('int') && both.has('wide')) return 'wide';
  if (both.has('ms') && both.has('ns')) return 'ns';
  if (both.has('spanMs') && both.has('spanNs')) return 'spanNs';
  return 'dyn';
}
