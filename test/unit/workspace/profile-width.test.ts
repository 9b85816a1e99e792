/** Whether a profile fits is asked before it is published; the memory of a partition must say the same. */
import { describe, expect, test } from 'vitest';
import { COLUMN_STRIPS_MAX } from '../../../src/constants.ts';
import type { ValueType } from '../../../src/protocol/schema.ts';
import { columnStrips, reserveMemory } from '../../../src/state/arena.ts';
import type { AggregateLayout, AttributeLayout } from '../../../src/state/layout.ts';
import { PartitionState } from '../../../src/state/partition-state.ts';
import { stateLimits } from '../../../src/state/state-limits.ts';
import { compileWorkspace } from '../../../src/workspace/compile.ts';
import { aggregateBits, attributeBits } from '../../../src/workspace/profile-width.ts';
import { AggregateFunction } from '../../../src/workspace/workspace.ts';
import { MachineFixture, SMALL_LIMITS, workspaceOf } from '../../support/machine-fixture.ts';

function attributesOf(types: readonly ValueType[]): AttributeLayout[] {
  return types.map((type, slot) => ({ name: `a${slot}`, slot, type, default: null }));
}

/** Types that take so much together, the widest first. */
function fillers(bits: number): ValueType[] {
  const types: ValueType[] = [];
  for (const type of ['int', 'double', 'string', 'bool', 'list<string>'] as const)
    for (; attributeBits({ type }) <= bits; bits -= attributeBits({ type })) types.push(type);
  return types;
}

/** Takes exactly what there is, and not one bit more. */
function expectFull(types: readonly ValueType[], aggregates: readonly Omit<AggregateLayout, 'slot'>[]): void {
  const layout = (attributes: readonly AttributeLayout[]) => ({
    attributes,
    aggregates: aggregates.map((aggregate, i) => ({ ...aggregate, slot: attributes.length + i })),
  });
  const configured = (all: readonly ValueType[]) =>
    new PartitionState(reserveMemory(SMALL_LIMITS), SMALL_LIMITS).configure(layout(attributesOf(all)));
  expect(configured(types)).toBeNull();
  expect(configured([...types, 'list<string>'])).toMatch('more attributes and aggregates than fit');
}

describe('takes of a partition what the compiler says', () => {
  test.each(['bool', 'int', 'double', 'string', 'timestamp', 'list<string>'] as const)('%s', (type) => {
    const bits = attributeBits({ type });
    expectFull([...Array<ValueType>(100).fill(type), ...fillers(COLUMN_STRIPS_MAX - 100 * bits)], []);
  });

  const functions = Object.values(AggregateFunction).flatMap((fn) =>
    ([null, 'double', 'string'] as const).flatMap((valueType) =>
      [null, 3_600_000].map((windowMs) => [fn, valueType, windowMs] as const),
    ),
  );
  test.each(functions)('%s of %s in %s ms', (fn, valueType, windowMs) => {
    const bits = aggregateBits({ fn, valueType, windowMs });
    const aggregates = Array.from({ length: 100 }, (_, i) => {
      const name = `f${i}`;
      return { name, fn, valueType, windowMs, resolutionMs: windowMs ?? 0, signature: name };
    });
    expectFull(fillers(COLUMN_STRIPS_MAX - 100 * bits), aggregates);
  });
});

test('a wider one is refused at the first field that does not fit', () => {
  const files = (types: readonly ValueType[]) => ({
    'profile.yaml': `attributes:\n${types.map((type, i) => `  a${i}: {type: "${type}"}\n`).join('')}`,
  });
  const full = fillers(COLUMN_STRIPS_MAX);
  expect(new MachineFixture().publish(workspaceOf(files(full)))).toBeUndefined();
  expect(() => workspaceOf(files([...full, 'bool', 'int']))).toThrow(
    new Error(
      `profile.yaml:${full.length + 2}:3 too many attributes and aggregates: up to this one they take 16386 bits for each customer, at most 16384; an int takes 97, a double 65, a text 33, an aggregate with a \`window\` none`,
    ),
  );
});

test('a node compiles for the room that its partitions have', () => {
  const columnBits = columnStrips(stateLimits(2_000_000));
  expect(columnBits).toBeLessThan(COLUMN_STRIPS_MAX);
  const compiled = (types: readonly ValueType[]) =>
    compileWorkspace(
      {
        'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [pos]\n',
        'profile.yaml': `attributes:\n${types.map((type, i) => `  a${i}: {type: "${type}"}\n`).join('')}`,
      },
      columnBits,
    );
  const full = fillers(columnBits);
  expect(compiled(full)).toHaveProperty('workspace');
  expect(compiled([...full, 'bool'])).toMatchObject({ issues: [{ file: 'profile.yaml', line: full.length + 2 }] });
});
