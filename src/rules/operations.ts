/**
 * Operations on unboxed values, as JavaScript that generate.ts puts in place. Arguments are expressions without side effects; each is used once. An operation
 * that fails gives undefined and is called, not inlined.
 */

export interface Operation {
  readonly fails: boolean;
  readonly emit: (...args: string[]) => string;
}

function infix(symbol: string): Operation {
  return { fails: false, emit: (a, b) => `(${a} ${symbol} ${b})` };
}
/** A function of the run-time library R that always gives a value. */
function sure(name: string): Operation {
  return { fails: false, emit: (...args) => `R.${name}(${args.join(', ')})` };
}
/** A function of R that may give undefined. */
function failing(name: string): Operation {
  return { fails: true, emit: (...args) => `R.${name}(${args.join(', ')})` };
}
function checked(emit: (...args: string[]) => string): Operation {
  return { fails: true, emit };
}
function inline(emit: (...args: string[]) => string): Operation {
  return { fails: false, emit };
}

export const OPERATIONS = {
  not: inline((a) => `!${a}`),
  less: infix('<'),
  lessEqual: infix('<='),
  greater: infix('>'),
  greaterEqual: infix('>='),
  same: infix('==='),
  differ: infix('!=='),
  textLess: inline((a, b) => `(R.compareText(${a}, ${b}) < 0)`),
  textLessEqual: inline((a, b) => `(R.compareText(${a}, ${b}) <= 0)`),
  textGreater: inline((a, b) => `(R.compareText(${a}, ${b}) > 0)`),
  textGreaterEqual: inline((a, b) => `(R.compareText(${a}, ${b}) >= 0)`),
  boxedLess: failing('less'),
  boxedLessEqual: failing('lessEqual'),
  boxedGreater: failing('greater'),
  boxedGreaterEqual: failing('greaterEqual'),
  equal: sure('equals'),
  unequal: inline((a, b) => `!R.equals(${a}, ${b})`),
  // Where interval analysis keeps the result within ±(2^53 − 1). The 0 turns −0, which no int is, into 0.
  addSafe: infix('+'),
  subtractSafe: infix('-'),
  multiplySafe: inline((a, b) => `(${a} * ${b} + 0)`),
  negateSafe: inline((a) => `(0 - ${a})`),
  addInt: failing('addInt'),
  subtractInt: failing('subtractInt'),
  multiplyInt: failing('multiplyInt'),
  divideInt: failing('divideInt'),
  remainderInt: failing('remainderInt'),
  negateInt: failing('negateInt'),
  addUint: failing('addUint'),
  subtractUint: failing('subtractUint'),
  multiplyUint: failing('multiplyUint'),
  addDouble: infix('+'),
  subtractDouble: infix('-'),
  multiplyDouble: infix('*'),
  divideDouble: infix('/'),
  negateDouble: inline((a) => `(-${a})`),
  toDouble: inline((a) => `Number(${a})`),
  doubleToInt: failing('doubleToInt'),
  concatenate: failing('concatenate'),
  contains: inline((a, b) => `${a}.includes(${b})`),
  startsWith: inline((a, b) => `${a}.startsWith(${b})`),
  endsWith: inline((a, b) => `${a}.endsWith(${b})`),
  countCodePoints: sure('countCodePoints'),
  length: inline((a) => `${a}.length`),
  mapSize: inline((a) => `${a}.size`),
  boxedSize: failing('sizeOf'),
  intText: inline((a) => `String(${a})`),
  msToNs: inline((a) => `(BigInt(${a}) * 1000000n)`),
  timePart: sure('timePart'),
  nsToMs: sure('nsToMs'),
  spanMs: checked((a, b) => `R.checkSpanMs(${a} - ${b})`),
  addSpanMs: checked((a, b) => `R.checkTimestampMs(${a} + ${b})`),
  subtractSpanMs: checked((a, b) => `R.checkTimestampMs(${a} - ${b})`),
  addSpansMs: checked((a, b) => `R.checkSpanMs(${a} + ${b})`),
  spanNs: checked((a, b) => `R.checkSpanNs(${a} - ${b})`),
  addSpanNs: checked((a, b) => `R.checkTimestampNs(${a} + ${b})`),
  subtractSpanNs: checked((a, b) => `R.checkTimestampNs(${a} - ${b})`),
  addSpansNs: checked((a, b) => `R.checkSpanNs(${a} + ${b})`),
  index: failing('index'),
  checkIndex: failing('checkIndex'),
  elementAt: failing('elementAt'),
  select: failing('select'),
  hasField: failing('hasField'),
  boxedContains: failing('contains'),
  includes: inline((a, b) => `${a}.includes(${b})`),
} satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof OPERATIONS;
