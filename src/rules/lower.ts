/**
 * Typed tree to intermediate form: every value gets a representation, conversions become nodes, constants in lists become vectors, and calls become operations on
 * unboxed values where there is one (lower-calls.ts), calls of boxed overloads elsewhere.
 */
import { EVENT_LIST_LENGTH_MAX } from '../constants.ts';
import { assert, unreachable } from '../stdx/assert.ts';
import type { Environment } from './environment.ts';
import { scalarRep } from './frame-environment.ts';
import { type Ir, type IrLoop, type IrRange, type Rep, repOf } from './ir.ts';
import { canFail, evaluationCost } from './ir-traits.ts';
import { lowerCall } from './lower-calls.ts';
import { box, coerce, constant, constantOf, type Interval, operation, repOfType, toDouble } from './lower-values.ts';
import type { OperationName } from './operations.ts';
import { toWide } from './runtime-numbers.ts';
import type { Comparison, Typed } from './typed.ts';
import { isNumeric, isOpen } from './types.ts';

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
        return this.#compare(typed);
      case 'equal':
        return this.#equal(typed);
      case 'in':
        return this.#in(typed);
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

  #compare(typed: Of<'compare'>): Ir {
    const names = COMPARISONS[typed.operator];
    let left = this.lower(typed.left);
    let right = this.lower(typed.right);
    if (isNumeric(typed.left.type) && isNumeric(typed.right.type)) {
      [left, right] = sameNumbers(left, right);
      return operation(names.plain, [left, right], 'bool');
    }
    if (isOpen(typed.left.type) || isOpen(typed.right.type))
      return operation(names.boxed, [box(left), box(right)], 'bool');
    if (typed.left.type.kind === 'string') return operation(names.text, [left, right], 'bool');
    if (typed.left.type.kind === 'bytes') return operation(names.boxed, [box(left), box(right)], 'bool');
    [left, right] = sameTimes(left, right);
    return operation(names.plain, [left, right], 'bool');
  }

  #equal(typed: Of<'equal'>): Ir {
    let left = this.lower(typed.left);
    let right = this.lower(typed.right);
    const [a, b] = [typed.left.type, typed.right.type];
    const name = typed.negated ? 'differ' : 'same';
    if (isNumeric(a) && isNumeric(b)) {
      [left, right] = sameNumbers(left, right);
      return operation(name, [left, right], 'bool');
    }
    if (a.kind === b.kind && ['bool', 'string', 'null'].includes(a.kind)) return operation(name, [left, right], 'bool');
    if (a.kind === b.kind && (a.kind === 'timestamp' || a.kind === 'duration')) {
      return operation(name, sameTimes(left, right), 'bool');
    }
    return operation(typed.negated ? 'unequal' : 'equal', [box(left), box(right)], 'bool');
  }

  #in(typed: Of<'in'>): Ir {
    const item = this.lower(typed.item);
    const rep = repOf(item);
    const values = constantsOf(typed.container);
    if (values !== null && rep === 'string' && values.every((value) => typeof value === 'string')) {
      return { op: 'member', item, values: { op: 'constants', rep: 'texts', values } };
    }
    if (values !== null && (rep === 'int' || rep === 'double') && values.every((value) => typeof value === 'number')) {
      return { op: 'member', item, values: { op: 'constants', rep: 'numbers', values } };
    }
    const container = this.lower(typed.container);
    if (container.op === 'eventList' && container.column === rep && !canFail(item) && rep !== 'ms') {
      const local = this.#locals.length;
      const each: Ir = { op: 'local', local, rep };
      const range: IrRange = { over: 'scalars', list: container.list, rep };
      return {
        op: 'loop',
        kind: 'exists',
        range,
        local,
        predicate: operation('same', [each, item], 'bool'),
        transform: null,
        rep: 'bool',
      };
    }
    const strings = typed.container.type.kind === 'list' && typed.container.type.element.kind === 'string';
    if (strings && rep === 'string') return operation('includes', [container, item], 'bool');
    return operation('boxedContains', [box(container), box(item)], 'bool');
  }

  #index(typed: Of<'index'>): Ir {
    const operand = this.lower(typed.operand);
    const index = this.lower(typed.index);
    if (repOf(operand) === 'elements') {
      if (operand.op === 'eventList')
        return operation('checkIndex', [index, { op: 'listLength', list: operand.list }], 'int');
      return operation('elementAt', [operand, index], 'int');
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

function literal(typed: Of<'literal'>): Ir {
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

/** Values of a list of literals that are all strings or all plain numbers; null for any other list. */
function constantsOf(typed: Typed): (string | number)[] | null {
  if (typed.node !== 'list' || typed.items.length === 0) return null;
  const values: (string | number)[] = [];
  for (const item of typed.items) {
    if (item.node !== 'literal') return null;
    const ir = literal(item);
    if (ir.op !== 'const' || !['string', 'int', 'double'].includes(ir.rep)) return null;
    if (typeof ir.value !== 'string' && typeof ir.value !== 'number') return null;
    if (ir.rep === 'double' && typeof ir.value !== 'number') return null;
    values.push(ir.value);
  }
  return values;
}

function frameRep(kind: string): Rep {
  return scalarRep(kind as Parameters<typeof scalarRep>[0]);
}

const COMPARISONS: Readonly<Record<Comparison, { plain: OperationName; text: OperationName; boxed: OperationName }>> = {
  '<': { plain: 'less', text: 'textLess', boxed: 'boxedLess' },
  '<=': { plain: 'lessEqual', text: 'textLessEqual', boxed: 'boxedLessEqual' },
  '>': { plain: 'greater', text: 'textGreater', boxed: 'boxedGreater' },
  '>=': { plain: 'greaterEqual', text: 'textGreaterEqual', boxed: 'boxedGreaterEqual' },
};

/** An integer meets a double as a double (see runtime-values.ts); integers of any kind compare as they are. */
function sameNumbers(left: Ir, right: Ir): [Ir, Ir] {
  if (repOf(left) === 'double' || repOf(right) === 'double') return [toDouble(left), toDouble(right)];
  return [left, right];
}

function sameTimes(left: Ir, right: Ir): [Ir, Ir] {
  if (repOf(left) === repOf(right)) return [left, right];
  const rep = joinReps(repOf(left), repOf(right));
  return [coerce(left, rep), coerce(right, rep)];
}

function joinReps(a: Rep, b: Rep): Rep {
  if (a === b) return a;
  const both = new Set([a, b]);
  if (both.has('int') && both.has('wide')) return 'wide';
  if (both.has('ms') && both.has('ns')) return 'ns';
  if (both.has('spanMs') && both.has('spanNs')) return 'spanNs';
  return 'dyn';
}
