/**
 * Intermediate form to JavaScript. `value` emits statements and returns an expression without side effects; `condition` emits statements that fall through only
 * if a bool is true. What happens on failure is a statement too (`fail`: a break, continue or return), so that errors are jumps and nothing is ever thrown.
 * Constants are elements of vectors: the source of a function is made of this file's own text, numbers and counted names.
 */
import { assert } from '../stdx/assert.ts';
import type { Emitter } from './emitter.ts';
import { codeValue } from './generate-codes.ts';
import { generateLoop } from './generate-loop.ts';
import { type Ir, type Rep, repOf } from './ir.ts';
import { canFail } from './ir-traits.ts';
import { OPERATIONS } from './operations.ts';

/** Emits what falls through if `ir` is true and does `onFalse` or `fail` otherwise. */
export function condition(emitter: Emitter, ir: Ir, onFalse: string, fail: string): void {
  if (ir.op === 'and') each(emitter, ir.items, fail, (item, failItem) => condition(emitter, item, onFalse, failItem));
  else if (ir.op === 'loop' || ir.op === 'or') block(emitter, ir, onFalse, fail);
  else emitter.emit(`if (!${value(emitter, ir, fail)}) ${onFalse}`);
}

/** Statements of their own scope. */
function block(emitter: Emitter, ir: Ir, onFalse: string, fail: string): void {
  emitter.emit('{');
  emitter.emit(`if (!${value(emitter, ir, fail)}) ${onFalse}`);
  emitter.emit('}');
}

/** Does something with each operand of a logical operator; an error of one counts only if no other operand decides. */
export function each(
  emitter: Emitter,
  items: readonly Ir[],
  fail: string,
  make: (item: Ir, fail: string) => void,
): void {
  const failing = items.filter(canFail).length;
  // The last operand has nobody after it who could absorb its error.
  const flag = failing > (canFail(items[items.length - 1] as Ir) ? 1 : 0) ? emitter.name('e') : null;
  if (flag !== null) emitter.emit(`let ${flag} = false;`);
  items.forEach((item, i) => {
    if (flag === null || i === items.length - 1 || !canFail(item)) {
      make(item, fail);
      return;
    }
    const label = emitter.name('A');
    emitter.emit(`${label}: {`);
    make(item, `{ ${flag} = true; break ${label}; }`);
    emitter.emit('}');
  });
  if (flag !== null) emitter.emit(`if (${flag}) ${fail}`);
}

export function value(emitter: Emitter, ir: Ir, fail: string): string {
  switch (ir.op) {
    case 'const':
      assert(ir.value === null || typeof ir.value === 'boolean', 'other constants are lifted');
      return String(ir.value);
    case 'lifted':
      return ir.uniform === true ? emitter.uniform(ir.vector) : emitter.constant(ir.vector);
    case 'slot':
      return slotValue(emitter, ir, fail);
    case 'slotCode':
      requirePresent(emitter, 'profile', ir, fail);
      return slot(emitter, 'profile', 'code', ir.slot);
    case 'placeCode':
    case 'columnCode':
    case 'amongMask':
    case 'anyElement':
    case 'noGaps':
      return codeValue(emitter, ir, fail);
    case 'has':
      return `(${slot(emitter, ir.from, 'present', ir.slot)} !== 0)`;
    case 'hasList':
      return `(${emitter.alias('EH', 'E.listPresent')}[${ir.list}] !== 0)`;
    case 'hasId':
      return `(E.id !== '')`;
    case 'meta':
      if (ir.field === 'id') emitter.emit(`if (E.id === '') ${fail}`);
      return { id: 'E.id', type: 'E.typeName', ts: 'E.ts' }[ir.field];
    case 'now':
      return 'now';
    case 'segment':
      return segmentValue(emitter, ir.index, fail);
    case 'variable':
      return checked(emitter, `B[${ir.index}]`, fail);
    case 'local':
      return `v${ir.local}`;
    case 'column':
    case 'hasColumn':
      return columnValue(emitter, ir, fail);
    case 'eventList':
      return eventListValue(emitter, ir, fail);
    case 'listLength':
      if (ir.sure !== true) requireList(emitter, ir.list, fail);
      return `${list(emitter, ir.list)}.length`;
    case 'and':
    case 'or':
      return logicValue(emitter, ir, fail);
    case 'if':
      return conditionalValue(emitter, ir, fail);
    case 'call': {
      const args = ir.args.map((arg) => value(emitter, arg, fail));
      const operation = OPERATIONS[ir.name];
      const expression = operation.emit(...args);
      return operation.fails ? checked(emitter, expression, fail) : expression;
    }
    case 'overload': {
      const args = ir.args.map((arg) => value(emitter, arg, fail));
      return checked(emitter, `R.overloads.get(${constantText(ir.id)}).run(${args.join(', ')})`, fail);
    }
    case 'dispatch': {
      const args = ir.args.map((arg) => value(emitter, arg, fail));
      const overloads = ir.ids.map((id) => `R.overloads.get(${constantText(id)})`).join(', ');
      return checked(emitter, `R.dispatch([${overloads}], [${args.join(', ')}])`, fail);
    }
    case 'member':
      return memberValue(emitter, ir, fail);
    case 'matches':
      return `${value(emitter, ir.pattern, fail)}.test(${value(emitter, ir.text, fail)})`;
    case 'box':
      return boxed(value(emitter, ir.value, fail), repOf(ir.value));
    case 'unbox':
      return checked(emitter, `R.${UNBOX[ir.rep]}(${value(emitter, ir.value, fail)})`, fail);
    case 'list':
      return `[${ir.items.map((item) => value(emitter, item, fail)).join(', ')}]`;
    case 'map': {
      const items = ir.entries.flat().map((item) => value(emitter, item, fail));
      return checked(emitter, `R.makeMap([${items.join(', ')}])`, fail);
    }
    case 'loop':
      return generateLoop(emitter, ir, fail);
    case 'fail':
      // Conditional, so that what follows is not unreachable.
      emitter.emit(`if (now === now) ${fail}`);
      return 'undefined';
    default:
      assert(false, `${ir.op} must have been lifted`);
  }
}

/** Ids of overloads are this program's own words; asserted because they come out of JSON. */
function constantText(id: string): string {
  assert(/^[\w.]+$/.test(id), 'bad overload id');
  return `'${id}'`;
}

/** Keeps a value that may be undefined, and fails if it is. */
export function checked(emitter: Emitter, expression: string, fail: string): string {
  const name = emitter.name('t');
  emitter.emit(`const ${name} = ${expression};`);
  emitter.emit(`if (${name} === undefined) ${fail}`);
  return name;
}

function slotValue(emitter: Emitter, ir: Extract<Ir, { op: 'slot' }>, fail: string): string {
  requirePresent(emitter, ir.from, ir, fail);
  if (ir.rep === 'string') return slot(emitter, ir.from, 'text', ir.slot);
  if (ir.rep === 'list') return slot(emitter, ir.from, 'list', ir.slot);
  const number = slot(emitter, ir.from, 'number', ir.slot);
  return ir.rep === 'bool' ? `(${number} !== 0)` : number;
}

/** What a slot holds, loaded once at the start of the function: a loop that stores hits would load it again for every rule. */
function slot(
  emitter: Emitter,
  from: 'event' | 'profile',
  part: 'number' | 'text' | 'list' | 'code' | 'present',
  index: number,
): string {
  const frame = from === 'event' ? 'E' : 'P';
  const array = emitter.alias(`${frame}_${part}`, `${frame}.${part}`);
  return emitter.alias(`${array}${index}`, `${array}[${index}]`);
}

export function requirePresent(
  emitter: Emitter,
  from: 'event' | 'profile',
  ir: { readonly slot: number; readonly sure: boolean },
  fail: string,
): void {
  if (!ir.sure) emitter.emit(`if (${slot(emitter, from, 'present', ir.slot)} === 0) ${fail}`);
}

function segmentValue(emitter: Emitter, index: number, fail: string): string {
  const name = emitter.name('t');
  emitter.emit(`const ${name} = S.evaluate(${index});`);
  emitter.emit(`if (${name} === 2) ${fail}`);
  return `(${name} === 1)`;
}

function columnValue(emitter: Emitter, ir: Extract<Ir, { op: 'column' | 'hasColumn' }>, fail: string): string {
  const index = value(emitter, ir.element, fail);
  if (ir.op === 'hasColumn') return `(${column(emitter, ir.list, ir.column, 'present')}[${index}] !== 0)`;
  requireElement(emitter, ir, index, fail);
  return columnItem(emitter, ir.list, ir.column, index, ir.rep);
}

/** That the element with this index has the field. */
export function requireElement(
  emitter: Emitter,
  ir: Extract<Ir, { op: 'column' | 'columnCode' }>,
  index: string,
  fail: string,
): void {
  if (!ir.sure) emitter.emit(`if (${column(emitter, ir.list, ir.column, 'present')}[${index}] === 0) ${fail}`);
}

/** One field of one element, unboxed. */
export function columnItem(emitter: Emitter, list: number, columnIndex: number, index: string, rep: Rep): string {
  if (rep === 'string') return `${column(emitter, list, columnIndex, 'text')}[${index}]`;
  const number = `${column(emitter, list, columnIndex, 'number')}[${index}]`;
  return rep === 'bool' ? `(${number} !== 0)` : number;
}

function column(emitter: Emitter, list: number, columnIndex: number, part: 'number' | 'text' | 'present'): string {
  return emitter.alias(`C${list}_${columnIndex}_${part}`, `E.lists[${list}].columns[${columnIndex}].${part}`);
}

export function list(emitter: Emitter, index: number): string {
  return emitter.alias(`L${index}_list`, `E.lists[${index}]`);
}

export function requireList(emitter: Emitter, index: number, fail: string): void {
  emitter.emit(`if (${emitter.alias('EH', 'E.listPresent')}[${index}] === 0) ${fail}`);
}

function eventListValue(emitter: Emitter, ir: Extract<Ir, { op: 'eventList' }>, fail: string): string {
  requireList(emitter, ir.list, fail);
  const length = `${list(emitter, ir.list)}.length`;
  const name = emitter.name('t');
  if (ir.column === null) emitter.emit(`const ${name} = R.range(${length});`);
  else {
    emitter.emit(`const ${name} = new Array(${length});`);
    const item = boxed(columnItem(emitter, ir.list, 0, 'i', ir.column), ir.column);
    emitter.emit(`for (let i = 0; i < ${name}.length; i++) ${name}[i] = ${item};`);
  }
  return name;
}

/** Three-valued where an operand can fail, JavaScript's own operator where none can and none needs statements. */
function logicValue(emitter: Emitter, ir: Extract<Ir, { op: 'and' | 'or' }>, fail: string): string {
  if (!canFail(ir)) {
    const parts = ir.items.map((item) => emitter.capture(() => value(emitter, item, fail)));
    if (parts.every((part) => part.lines.length === 0)) {
      return `(${parts.map((part) => part.result).join(ir.op === 'and' ? ' && ' : ' || ')})`;
    }
  }
  const name = emitter.name('t');
  const label = emitter.name('L');
  const decided = ir.op === 'or';
  emitter.emit(`let ${name} = ${decided};`);
  emitter.emit(`${label}: {`);
  if (ir.op === 'and') condition(emitter, ir, `break ${label};`, fail);
  else {
    each(emitter, ir.items, fail, (item, failItem) => {
      emitter.emit('{');
      emitter.emit(`if (${value(emitter, item, failItem)}) break ${label};`);
      emitter.emit('}');
    });
  }
  emitter.emit(`${name} = ${!decided};`);
  emitter.emit('}');
  return name;
}

function conditionalValue(emitter: Emitter, ir: Extract<Ir, { op: 'if' }>, fail: string): string {
  const test = value(emitter, ir.condition, fail);
  const then = emitter.capture(() => value(emitter, ir.whenTrue, fail));
  const otherwise = emitter.capture(() => value(emitter, ir.whenFalse, fail));
  if (then.lines.length === 0 && otherwise.lines.length === 0)
    return `(${test} ? ${then.result} : ${otherwise.result})`;
  const name = emitter.name('t');
  emitter.emit(`let ${name};`);
  emitter.emit(`if (${test}) {`);
  emitter.append(then.lines);
  emitter.emit(`${name} = ${then.result};`);
  emitter.emit('} else {');
  emitter.append(otherwise.lines);
  emitter.emit(`${name} = ${otherwise.result};`);
  emitter.emit('}');
  return name;
}

const SEARCH: Readonly<Partial<Record<Rep, string>>> = {
  texts: 'amongTexts',
  numbers: 'amongNumbers',
  codes: 'amongCodes',
};

function memberValue(emitter: Emitter, ir: Extract<Ir, { op: 'member' }>, fail: string): string {
  const item = value(emitter, ir.item, fail);
  assert(ir.values.op === 'lifted', 'constants are lifted');
  const search = SEARCH[ir.values.rep];
  if (search === undefined) return `${value(emitter, ir.values, fail)}.has(${item})`;
  const { vector, uniform } = ir.values;
  const items = emitter.vector(vector);
  const starts = emitter.starts(vector);
  if (uniform === true) return `R.${search}(${items}, ${starts}[0], ${starts}[1], ${item})`;
  // The vector of a list comes in two: its items, and where each rule's begin (generate-function.ts).
  return `R.${search}(${items}, ${starts}[r], ${starts}[r + 1], ${item})`;
}

/** An unboxed value as a boxed one. */
export function boxed(expression: string, rep: Rep): string {
  switch (rep) {
    case 'int':
    case 'wide':
      return `BigInt(${expression})`;
    case 'uint':
      return `R.boxUint(${expression})`;
    case 'ms':
      return `R.boxMs(${expression})`;
    case 'ns':
      return `R.boxNs(${expression})`;
    case 'spanMs':
      return `R.boxSpanMs(${expression})`;
    case 'spanNs':
      return `R.boxSpanNs(${expression})`;
    default:
      return expression;
  }
}

/** By what a boxed value becomes: the function of R that unboxes it. */
export const UNBOX: Readonly<Partial<Record<Rep, string>>> = {
  bool: 'unboxBool',
  wide: 'unboxInt',
  uint: 'unboxUint',
  double: 'unboxDouble',
  string: 'unboxText',
  bytes: 'unboxBytes',
  ns: 'unboxNs',
  spanNs: 'unboxSpanNs',
  list: 'unboxList',
  map: 'unboxMap',
  type: 'unboxType',
  null: 'unboxNull',
};

/** Converts an item of a boxed list, failing if it is of another type. */
export function unboxed(emitter: Emitter, expression: string, rep: Rep, fail: string): string {
  return rep === 'dyn' ? expression : checked(emitter, `R.${UNBOX[rep]}(${expression})`, fail);
}
