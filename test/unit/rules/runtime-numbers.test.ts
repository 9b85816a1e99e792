/** Integers held as numbers or bigints, against plain bigint arithmetic with CEL's limits. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as numbers from '../../../src/rules/runtime-numbers.ts';
import { compareText, countCodePoints } from '../../../src/rules/runtime-text.ts';

const MAX = 9007199254740991n;
const edges = [
  0n,
  1n,
  -1n,
  2n,
  -7n,
  MAX,
  -MAX,
  MAX + 1n,
  -MAX - 1n,
  94906266n,
  numbers.INT_MAX,
  numbers.INT_MIN,
  numbers.INT_MIN + 1n,
];
const ints = fc.oneof(
  fc.constantFrom(...edges),
  fc.bigInt({ min: numbers.INT_MIN, max: numbers.INT_MAX }),
  fc.bigInt({ min: -100n, max: 100n }),
);

/** In normal form: a number within ±(2^53 − 1), never −0, a bigint beyond, undefined outside of int64. */
function normal(value: bigint | undefined): number | bigint | undefined {
  if (value === undefined || !numbers.inInt(value)) return undefined;
  return value >= -MAX && value <= MAX ? Number(value) : value;
}

describe('int arithmetic', () => {
  test.each([
    ['+', numbers.addInt, (a: bigint, b: bigint) => a + b],
    ['-', numbers.subtractInt, (a: bigint, b: bigint) => a - b],
    ['*', numbers.multiplyInt, (a: bigint, b: bigint) => a * b],
    ['/', numbers.divideInt, (a: bigint, b: bigint) => (b === 0n ? undefined : a / b)],
    ['%', numbers.remainderInt, (a: bigint, b: bigint) => (b === 0n ? undefined : a % b)],
  ] as const)('%s', (_, operation, exact) => {
    fc.assert(
      fc.property(ints, ints, (a, b) => {
        expect(operation(numbers.toWide(a), numbers.toWide(b))).toBe(normal(exact(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  test('negateInt', () => {
    fc.assert(
      fc.property(ints, (a) => {
        expect(numbers.negateInt(numbers.toWide(a))).toBe(normal(-a));
      }),
    );
  });
});

describe('doubles to integers', () => {
  test.each([
    [2.9, 2],
    [-2.9, -2],
    [-0.5, 0],
    [2 ** 60, 2n ** 60n],
    [2 ** 63, undefined],
    [-(2 ** 63), undefined],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
  ])('int(%s) is %s', (value, wanted) => {
    expect(numbers.doubleToInt(value)).toBe(wanted);
  });

  test.each([
    [2.9, 2],
    [-0.5, undefined],
    [2 ** 63, 2n ** 63n],
    [2 ** 64, undefined],
  ])('uint(%s) is %s', (value, wanted) => {
    expect(numbers.doubleToUint(value)).toBe(wanted);
  });
});

describe('text', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\uffff', '😀', '𝒳', 'é'),
    maxLength: 6,
  });

  test('sorts by code point', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const x = [...a].map((c) => (c.codePointAt(0) as number).toString(16).padStart(6, '0')).join('');
        const y = [...b].map((c) => (c.codePointAt(0) as number).toString(16).padStart(6, '0')).join('');
        expect(Math.sign(compareText(a, b))).toBe(x < y ? -1 : x > y ? 1 : 0);
      }),
      { numRuns: 2000 },
    );
  });

  test('counts code points', () => {
    fc.assert(
      fc.property(text, (a) => {
        expect(countCodePoints(a)).toBe([...a].length);
      }),
    );
  });
});
