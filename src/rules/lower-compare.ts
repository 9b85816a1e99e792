/** Comparison, equality and membership: on plain numbers and strings where the types are known, on boxed values elsewhere. */
import { type Ir, type IrRange, repOf } from './ir.ts';
import { canFail } from './ir-traits.ts';
import { joinReps, type Lowerer, literal } from './lower.ts';
import { box, coerce, operation, toDouble } from './lower-values.ts';
import type { OperationName } from './operations.ts';
import type { Comparison, Typed } from './typed.ts';
import { isNumeric, isOpen } from './types.ts';

type Of<K extends Typed['node']> = Extract<Typed, { readonly node: K }>;

const COMPARISONS: Readonly<Record<Comparison, { plain: OperationName; text: OperationName; boxed: OperationName }>> = {
  '<': { plain: 'less', text: 'textLess', boxed: 'boxedLess' },
  '<=': { plain: 'lessEqual', text: 'textLessEqual', boxed: 'boxedLessEqual' },
  '>': { plain: 'greater', text: 'textGreater', boxed: 'boxedGreater' },
  '>=': { plain: 'greaterEqual', text: 'textGreaterEqual', boxed: 'boxedGreaterEqual' },
};

export function lowerCompare(lowerer: Lowerer, typed: Of<'compare'>): Ir {
  const names = COMPARISONS[typed.operator];
  let left = lowerer.lower(typed.left);
  let right = lowerer.lower(typed.right);
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

export function lowerEqual(lowerer: Lowerer, typed: Of<'equal'>): Ir {
  let left = lowerer.lower(typed.left);
  let right = lowerer.lower(typed.right);
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

/** Constants become a vector to search, an event's list of scalars a loop over its column. */
export function lowerIn(lowerer: Lowerer, typed: Of<'in'>): Ir {
  const item = lowerer.lower(typed.item);
  const rep = repOf(item);
  const values = constantsOf(typed.container);
  if (values !== null && rep === 'string' && values.every((value) => typeof value === 'string')) {
    return { op: 'member', item, values: { op: 'constants', rep: 'texts', values } };
  }
  if (values !== null && (rep === 'int' || rep === 'double') && values.every((value) => typeof value === 'number')) {
    return { op: 'member', item, values: { op: 'constants', rep: 'numbers', values } };
  }
  const container = lowerer.lower(typed.container);
  if (container.op === 'eventList' && container.column === rep && !canFail(item) && rep !== 'ms') {
    const local = lowerer.depth;
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
