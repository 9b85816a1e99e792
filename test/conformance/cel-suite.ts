/** The conformance suite that ships with @bufbuild/cel-spec, with its declarations and values in the compiler's own terms. */
import { type Type, Type_PrimitiveType } from '@bufbuild/cel-spec/cel/expr/checked_pb.js';
import type { Value as SpecValue } from '@bufbuild/cel-spec/cel/expr/value_pb.js';
import { getTestRegistry } from '@bufbuild/cel-spec/testdata/registry.js';
import {
  getConformanceSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from '@bufbuild/cel-spec/testdata/tests.js';
import { isMessage } from '@bufbuild/protobuf';
import { anyUnpack, DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { CelType } from '../../src/rules/types.ts';
import * as types from '../../src/rules/types.ts';
import { CelMap, Duration, Timestamp, TypeValue, Uint, type Value } from '../../src/rules/values.ts';
import type { VariableScope } from '../../src/rules/variable-environment.ts';
import { assert } from '../../src/stdx/assert.ts';

/** The files that exercise the language itself; the others are about protobuf messages and extensions. */
export const CORE_FILES = [
  'basic',
  'comparisons',
  'conversions',
  'fields',
  'fp_math',
  'integer_math',
  'lists',
  'logic',
  'macros',
  'namespace',
  'parse',
  'plumbing',
  'string',
  'string_ext',
  'timestamps',
];

export interface SpecTest {
  /** file/section/name, with #2 … where the suite uses a name twice. */
  readonly id: string;
  readonly expr: string;
  readonly scope: VariableScope;
  readonly bindings: ReadonlyMap<string, Value>;
  /** error: any evaluation error. */
  readonly expected: { readonly value: Value } | 'error';
}

export function coreTests(): readonly SpecTest[] {
  const tests: SpecTest[] = [];
  const seen = new Map<string, number>();
  const walk = (suite: IncrementalTestSuite, path: string): void => {
    for (const test of suite.tests) {
      const name = `${path}/${test.original.name}`;
      const count = (seen.get(name) ?? 0) + 1;
      seen.set(name, count);
      tests.push(specTest(count === 1 ? name : `${name}#${count}`, test));
    }
    for (const child of suite.suites) walk(child, `${path}/${child.name}`);
  };
  for (const suite of getConformanceSuite().suites) if (CORE_FILES.includes(suite.name)) walk(suite, suite.name);
  return tests;
}

function specTest(id: string, { original }: IncrementalTest): SpecTest {
  const variables = new Map<string, CelType>();
  const bindings = new Map<string, Value>();
  for (const [name, bound] of Object.entries(original.bindings)) {
    assert(bound.kind.case === 'value', `${id}: binding without a value`);
    variables.set(name, types.DYN);
    bindings.set(name, celValue(bound.kind.value));
  }
  for (const declared of original.typeEnv) {
    assert(declared.declKind.case === 'ident', `${id}: declares a function`);
    variables.set(declared.name, celType(declared.declKind.value.type));
  }
  const mode = original.disableCheck ? 'lenient' : 'strict';
  return {
    id,
    expr: original.expr,
    scope: { variables, container: original.container, mode },
    bindings,
    expected: expectedOf(id, original.resultMatcher),
  };
}

/** A test without an expectation is about an expression that must be true. */
function expectedOf(id: string, matcher: IncrementalTest['original']['resultMatcher']): SpecTest['expected'] {
  if (matcher.case === 'evalError') return 'error';
  if (matcher.case === 'value') return { value: celValue(matcher.value) };
  assert(matcher.case === undefined, `${id}: expects ${matcher.case}`);
  return { value: true };
}

function celValue(value: SpecValue | undefined): Value {
  const kind = value?.kind;
  switch (kind?.case) {
    case 'nullValue':
      return null;
    case 'boolValue':
    case 'int64Value':
    case 'doubleValue':
    case 'stringValue':
    case 'bytesValue':
      return kind.value;
    case 'uint64Value':
      return new Uint(kind.value);
    case 'typeValue':
      return new TypeValue(kind.value);
    case 'listValue':
      return kind.value.values.map(celValue);
    case 'mapValue': {
      const map = new CelMap();
      for (const entry of kind.value.entries) map.add(celValue(entry.key), celValue(entry.value));
      return map;
    }
    case 'objectValue': {
      const message = anyUnpack(kind.value, getTestRegistry());
      if (isMessage(message, DurationSchema)) return new Duration(nanoseconds(message));
      if (isMessage(message, TimestampSchema)) return new Timestamp(nanoseconds(message));
      return MESSAGE;
    }
    default:
      throw new Error(`no counterpart for a value of kind ${kind?.case}`);
  }
}

/** Stands for any message in an expectation: such tests are refused before a value is looked at. */
const MESSAGE = new TypeValue('message');

function nanoseconds(message: { readonly seconds: bigint; readonly nanos: number }): bigint {
  return message.seconds * 1_000_000_000n + BigInt(message.nanos);
}

const PRIMITIVES: ReadonlyMap<number, CelType> = new Map([
  [Type_PrimitiveType.BOOL, types.BOOL],
  [Type_PrimitiveType.INT64, types.INT],
  [Type_PrimitiveType.UINT64, types.UINT],
  [Type_PrimitiveType.DOUBLE, types.DOUBLE],
  [Type_PrimitiveType.STRING, types.STRING],
  [Type_PrimitiveType.BYTES, types.BYTES],
]);

function celType(type: Type | undefined): CelType {
  const kind = type?.typeKind;
  switch (kind?.case) {
    case 'dyn':
      return types.DYN;
    case 'null':
      return types.NULL;
    case 'primitive':
      return PRIMITIVES.get(kind.value) ?? types.DYN;
    case 'listType':
      return types.listOf(celType(kind.value.elemType));
    case 'mapType':
      return types.mapOf(celType(kind.value.keyType), celType(kind.value.valueType));
    case 'messageType':
      if (kind.value === 'google.protobuf.Duration') return types.DURATION;
      if (kind.value === 'google.protobuf.Timestamp') return types.TIMESTAMP;
  }
  throw new Error(`no counterpart for a type of kind ${kind?.case}`);
}

/** The same value of the same type: NaN is itself, 1 is not 1.0, −0.0 is not 0.0. */
export function identical(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || b === undefined || a === null || b === null || typeof a !== 'object' || typeof b !== 'object')
    return Object.is(a, b);
  if (a instanceof Uint) return b instanceof Uint && a.value === b.value;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.ns === b.ns;
  if (a instanceof Duration) return b instanceof Duration && a.ns === b.ns;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof CelMap) {
    return (
      b instanceof CelMap && a.size === b.size && a.keys.every((key) => b.has(key) && identical(a.get(key), b.get(key)))
    );
  }
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => identical(item, b[i]));
}
