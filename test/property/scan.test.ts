/** The scan over columns against the predicate evaluated customer by customer: the same customers, or it says that it cannot tell. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeColumns, type ScanSource } from '../../src/machine/scan-source.ts';
import { PartitionScanner } from '../../src/pool/partition-scan.ts';
import { checkExpression } from '../../src/rules/check-expression.ts';
import type { Program } from '../../src/rules/program.ts';
import { ScalarProgram } from '../../src/rules/scalar-program.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { MachineFixture, SMALL_LIMITS, workspaceOf } from '../support/machine-fixture.ts';
import { drawCustomers, drawWorkspace, NOW, Predicates } from './scan-worlds.ts';

function sourceOf(fixture: MachineFixture, program: Program): ScanSource {
  const active = fixture.machine.activeWorkspace;
  if (active === null) throw new Error('no workspace');
  const layout = new SharedArrayBuffer(4);
  return { ...describeColumns(program, active, fixture.state), now: NOW, layout, layoutVersion: 0 };
}

/** Rows of customers for whom it holds, one by one. */
function expectedRows(fixture: MachineFixture, program: Program): Set<number> {
  const active = fixture.machine.activeWorkspace;
  if (active === null) throw new Error('no workspace');
  const { profile, segments } = active;
  const predicate = new ScalarProgram(program, segments);
  const rows = new Set<number>();
  for (let row = 1; row <= fixture.state.customers; row++) {
    fixture.state.gather(row, predicate.profileSlots, NOW, profile);
    segments.begin(profile, NOW);
    if (predicate.evaluate(null, profile, NOW) && predicate.number === 1) rows.add(row);
  }
  return rows;
}

function rowsIn(bitmap: SharedArrayBuffer | null): Set<number> {
  const rows = new Set<number>();
  if (bitmap === null) return rows;
  const bytes = new Uint8Array(bitmap);
  for (let row = 0; row < bytes.length * 8; row++) if (((bytes[row >>> 3] as number) >>> (row & 7)) & 1) rows.add(row);
  return rows;
}

function worldOf(random: Prng, customers: number): { fixture: MachineFixture; predicates: Predicates } {
  const plain = drawWorkspace(random);
  const { schema } = workspaceOf(plain);
  const segments: string[] = [];
  const candidates = new Predicates(random, schema, 0);
  while (segments.length < 2) {
    const text = candidates.bool(1);
    if ('program' in checkExpression(text, { schema, event: null }, ['bool'])) segments.push(text);
  }
  const lines = segments.map((text, i) => `  s${i}: ${JSON.stringify(text)}\n`);
  const files = { ...plain, 'profile.yaml': `${plain['profile.yaml']}segments:\n${lines.join('')}` };
  const limits = { ...SMALL_LIMITS, customersMax: Math.max(1000, customers) };
  const fixture = MachineFixture.with(files, { limits });
  const active = fixture.machine.activeWorkspace;
  if (active === null) throw new Error('no workspace');
  drawCustomers(random, fixture.state, active.workspace.schema, customers);
  return { fixture, predicates: new Predicates(random, active.workspace.schema, 2) };
}

describe('scans', () => {
  const scanner = new PartitionScanner();

  test('find the customers for whom a predicate holds', () => {
    let [checked, decided] = [0, 0];
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 300 }), (seed, customers) => {
        const random = new Prng(seed);
        const { fixture, predicates } = worldOf(random, customers);
        const schema = fixture.machine.activeWorkspace?.workspace.schema;
        if (schema === undefined) throw new Error('no workspace');
        for (let i = 0; i < 40; i++) {
          const text = predicates.bool(random.below(4));
          const outcome = checkExpression(text, { schema, event: null }, ['bool']);
          if ('issues' in outcome) continue;
          const { program } = outcome;
          const segments = fixture.machine.activeWorkspace?.workspace.segments.map((segment) => segment.when.ir) ?? [];
          const scan = scanner.scan({ predicate: program.ir, segments }, sourceOf(fixture, program), true);
          if (scan === null) throw new Error('nothing moved');
          const expected = expectedRows(fixture, program);
          const [matched, undecided] = [rowsIn(scan.matchedRows), rowsIn(scan.undecidedRows)];
          expect([scan.matched, scan.undecided], text).toEqual([matched.size, undecided.size]);
          expect(
            [...expected].filter((row) => !matched.has(row) && !undecided.has(row)),
            text,
          ).toEqual([]);
          expect(
            [...matched].filter((row) => !expected.has(row)),
            text,
          ).toEqual([]);
          expect(
            [...matched].filter((row) => undecided.has(row)),
            text,
          ).toEqual([]);
          checked++;
          if (scan.undecidedRows === null) decided++;
        }
      }),
      { numRuns: 30 },
    );
    // Most of what can be asked of columns is answered by them: 0.64 on average, with a standard deviation of 0.02.
    expect(checked).toBeGreaterThan(500);
    expect(decided / checked).toBeGreaterThan(0.4);
  });

  test('go through all chunks of a large partition, and stop where the columns moved', () => {
    const fixture = MachineFixture.with(
      { 'profile.yaml': 'attributes: {age: {type: int}, score: {type: double}}\n' },
      { limits: { ...SMALL_LIMITS, customersMax: 200_000 } },
    );
    const schema = fixture.machine.activeWorkspace?.workspace.schema;
    if (schema === undefined) throw new Error('no workspace');
    for (let i = 0; i < 150_001; i++) {
      const row = fixture.state.ensure(`customer-${i}`);
      fixture.state.setNumber(0, row, i === 140_000 ? 2 ** 40 : i % 100);
      if (i % 3 === 0) fixture.state.setNumber(1, row, i / 2);
    }
    const outcome = checkExpression('profile.age > 90 && profile.score >= 100.0', { schema, event: null }, ['bool']);
    if ('issues' in outcome) throw new Error('checked');
    const program = { predicate: outcome.program.ir, segments: [] };
    const source = sourceOf(fixture, outcome.program);
    const scan = scanner.scan(program, source, true);
    expect(rowsIn(scan?.matchedRows ?? null)).toEqual(expectedRows(fixture, outcome.program));
    expect(scan?.matched).toBe(expectedRows(fixture, outcome.program).size);
    Atomics.add(new Int32Array(source.layout), 0, 1);
    expect(scanner.scan(program, source, true)).toBeNull();
  });
});
