/** Operators and functions whose typing is a rule rather than a list of overloads: logic, comparison, equality, membership, indexing, size, dyn and matches. */
import type { Checker } from './check.ts';
import { TIME_ACCESSORS } from './functions-time.ts';
import { inspectPattern } from './pattern.ts';
import { parseDuration, parseTimestamp } from './runtime-notation.ts';
import { parseOffset } from './runtime-time.ts';
import type { Comparison, Typed } from './typed.ts';
import {
  BOOL,
  comparable,
  DYN,
  hasObjects,
  INT,
  isNumeric,
  isOpen,
  joinTypes,
  STRING,
  suits,
  typeName,
} from './types.ts';

/** Maps, for names come from the text: `constructor` must find nothing. */
const COMPARISONS: ReadonlyMap<string, Comparison> = new Map([
  ['_<_', '<'],
  ['_<=_', '<='],
  ['_>_', '>'],
  ['_>=_', '>='],
]);
/** Elements of an event's lists have fields, but are no values themselves. */
export const OBJECTS_ARE_NO_VALUES =
  'objects of a list can only be walked over, counted and indexed: name one of their fields, as in list.exists(x, x.field == 1)';
const ORDERED = new Set(['bool', 'string', 'bytes', 'timestamp', 'duration']);
const SIZED = new Set(['string', 'bytes', 'list', 'map']);

const NAMES = new Set(['_&&_', '_||_', '_==_', '_!=_', '@in', '_[_]', '_?_:_', '!_', 'size', 'dyn', 'matches']);

export function isOperatorName(name: string): boolean {
  return NAMES.has(name) || COMPARISONS.has(name);
}

/** null: none of these. */
export function checkOperator(
  checker: Checker,
  name: string,
  member: boolean,
  args: readonly Typed[],
  offset: number,
): Typed | null {
  const [a, b, c] = args;
  if (a === undefined) return null;
  const sized = name === 'size' && args.length === 1;
  const place = name === '_[_]' ? args.slice(1) : sized ? [] : args;
  const objects = place.find(({ type }) => hasObjects(type));
  if (objects !== undefined) return checker.problem(objects.offset, OBJECTS_ARE_NO_VALUES);
  if (!member && b !== undefined && args.length === 2) {
    const binary = checkBinary(checker, name, a, b, offset);
    if (binary !== null) return binary;
  }
  if (name === '_?_:_' && b !== undefined && c !== undefined) return conditional(checker, a, b, c, offset);
  if (name === '!_') return { node: 'not', type: BOOL, operand: checker.bool(a, 'the operand of !'), offset };
  if (sized) return size(checker, a, offset);
  if (name === 'dyn' && args.length === 1 && !member) return { node: 'dyn', type: DYN, operand: a, offset };
  if (name === 'matches' && b !== undefined && args.length === 2) return matches(checker, a, b, offset);
  checkLiteralArguments(checker, name, args);
  return null;
}

function checkBinary(checker: Checker, name: string, a: Typed, b: Typed, offset: number): Typed | null {
  switch (name) {
    case '_&&_':
    case '_||_': {
      const node = name === '_&&_' ? 'and' : 'or';
      const place = `an operand of ${name.slice(1, 3)}`;
      const items = [checker.bool(a, place), checker.bool(b, place)].flatMap((item) =>
        item.node === node ? item.items : [item],
      );
      return { node, type: BOOL, items, offset };
    }
    case '_==_':
    case '_!=_':
      return equality(checker, name === '_!=_', a, b, offset);
    case '@in':
      return membership(checker, a, b, offset);
    case '_[_]':
      return indexed(checker, a, b, offset);
  }
  const operator = COMPARISONS.get(name);
  return operator === undefined ? null : comparison(checker, operator, a, b, offset);
}

function comparison(checker: Checker, operator: Comparison, left: Typed, right: Typed, offset: number): Typed {
  const [x, y] = [left.type, right.type];
  const ordered = (isNumeric(x) && isNumeric(y)) || (ORDERED.has(x.kind) && x.kind === y.kind);
  const open = isOpen(x) || isOpen(y);
  const orderedSide = (type: typeof x): boolean => isOpen(type) || isNumeric(type) || ORDERED.has(type.kind);
  if (!ordered && !(open && orderedSide(x) && orderedSide(y))) {
    return checker.problem(offset, `no operator ${operator} between ${typeName(x)} and ${typeName(y)}`);
  }
  return { node: 'compare', type: BOOL, operator, left, right, offset };
}

function equality(checker: Checker, negated: boolean, left: Typed, right: Typed, offset: number): Typed {
  const node: Typed = { node: 'equal', type: BOOL, negated, left, right, offset };
  if (comparable(left.type, right.type)) return node;
  // Without a checker, values of different types are simply unequal.
  if (!checker.strict) return node;
  const nullSide = left.type.kind === 'null' || right.type.kind === 'null';
  const hint = nullSide ? '; to ask whether a field is there, write has(…)' : '';
  const symbol = negated ? '!=' : '==';
  return checker.problem(
    offset,
    `no operator ${symbol} between ${typeName(left.type)} and ${typeName(right.type)}${hint}`,
  );
}

function membership(checker: Checker, item: Typed, container: Typed, offset: number): Typed {
  const type = container.type;
  const node: Typed = { node: 'in', type: BOOL, item, container, offset };
  const member = type.kind === 'list' ? type.element : type.kind === 'map' ? type.key : isOpen(type) ? DYN : null;
  if (member === null) return checker.problem(offset, `"in" needs a list or a map on its right, not ${typeName(type)}`);
  if (member.kind === 'object')
    return checker.problem(offset, '"in" does not look into lists of objects: use exists()');
  if (comparable(item.type, member) || !checker.strict) return node;
  return checker.problem(offset, `a value of type ${typeName(item.type)} is never in ${typeName(type)}`);
}

function indexed(checker: Checker, operand: Typed, index: Typed, offset: number): Typed {
  const { type } = operand;
  const node = (result: typeof type): Typed => ({
    node: 'index',
    type: result.kind === 'none' ? DYN : result,
    operand,
    index,
    offset,
  });
  if (isOpen(type)) return node(DYN);
  if (type.kind === 'list') {
    if (isNumeric(index.type) && (index.type.kind === 'int' || type.element.kind !== 'object'))
      return node(type.element);
    if (isOpen(index.type) && type.element.kind !== 'object') return node(type.element);
    return checker.problem(index.offset, `the index of a list must be an int, not ${typeName(index.type)}`);
  }
  if (type.kind === 'map') {
    if (comparable(type.key, index.type)) return node(type.value);
    return checker.problem(index.offset, `a key of type ${typeName(index.type)} is never in ${typeName(type)}`);
  }
  return checker.problem(offset, `a value of type ${typeName(type)} cannot be indexed`);
}

function conditional(checker: Checker, condition: Typed, then: Typed, otherwise: Typed, offset: number): Typed {
  const checked = checker.bool(condition, 'the condition before ?');
  const type = joinTypes(then.type, otherwise.type);
  const mixed = type.kind === 'dyn' && !isOpen(then.type) && !isOpen(otherwise.type);
  if (mixed && checker.strict) {
    return checker.problem(
      offset,
      `the branches of ?: differ in type: ${typeName(then.type)} and ${typeName(otherwise.type)}`,
    );
  }
  return { node: 'if', type, condition: checked, whenTrue: then, whenFalse: otherwise, offset };
}

function size(checker: Checker, operand: Typed, offset: number): Typed {
  if (SIZED.has(operand.type.kind) || isOpen(operand.type)) return { node: 'size', type: INT, operand, offset };
  return checker.problem(offset, `size() is of strings, bytes, lists and maps, not of ${typeName(operand.type)}`);
}

/** The pattern must be known, so that its automaton is built and bounded before any event comes. */
function matches(checker: Checker, text: Typed, pattern: Typed, offset: number): Typed {
  if (suits(STRING, text.type) === 'no' || suits(STRING, pattern.type) === 'no') {
    return checker.problem(offset, `no function matches(${typeName(pattern.type)}) on ${typeName(text.type)}`);
  }
  if (pattern.node !== 'literal' || typeof pattern.value !== 'string') {
    return checker.unsupported(pattern.offset, 'a pattern of matches() that is not a literal');
  }
  const inspected = inspectPattern(pattern.value);
  if ('problem' in inspected) return checker.problem(pattern.offset, inspected.problem);
  return { node: 'matches', type: BOOL, text, pattern: pattern.value, instructions: inspected.instructions, offset };
}

/** Literals that can only fail are refused where checking is strict; zones that only the runtime could resolve are refused everywhere. */
function checkLiteralArguments(checker: Checker, name: string, args: readonly Typed[]): void {
  const [first, second] = args;
  if (checker.refusesBadLiterals && first?.node === 'literal' && typeof first.value === 'string' && args.length === 1) {
    if (name === 'duration' && parseDuration(first.value) === undefined) {
      const hint = /\d[dw]/.test(first.value) ? ' (CEL has no days: write 168h for a week)' : '';
      checker.problem(first.offset, `"${first.value}" is no duration such as 90s, 30m or 24h${hint}`);
    }
    if (name === 'timestamp' && parseTimestamp(first.value) === undefined) {
      checker.problem(first.offset, `"${first.value}" is no timestamp such as 2010-12-01T08:26:00Z`);
    }
  }
  if (second !== undefined && TIME_ACCESSORS.has(name)) {
    const zone = second.node === 'literal' ? second.value : null;
    if (typeof zone !== 'string') checker.unsupported(second.offset, 'a time zone that is not a literal');
    else if (parseOffset(zone) === undefined) {
      checker.unsupported(second.offset, `the time zone "${zone}": write UTC or a fixed offset such as +02:00`);
    }
  }
}
