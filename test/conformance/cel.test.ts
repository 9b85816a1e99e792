/** The core of CEL's conformance suite against the compiler: each test passes, or is refused for a reason that refused.ts gives. Never a wrong answer. */
import { describe, expect, test } from 'vitest';
import { compileValue } from '../../src/rules/compile-value.ts';
import { CORE_FILES, coreTests, identical, type SpecTest } from './cel-suite.ts';
import { REFUSED } from './refused.ts';

const tests = coreTests();
const refusals = new Map(REFUSED.flatMap((group) => group.tests.map((id) => [id, group] as const)));

/** null: as expected. */
function mismatch(spec: SpecTest): string | null {
  const outcome = compileValue(spec.expr, spec.scope);
  if ('issues' in outcome) return `refused: ${outcome.issues.map((issue) => issue.message).join('; ')}`;
  const value = outcome.compiled.evaluate(spec.bindings);
  const right = spec.expected === 'error' ? value === undefined : identical(value, spec.expected.value);
  return right ? null : `evaluates to ${value === undefined ? 'an error' : String(value)}`;
}

describe('the core conformance files', () => {
  test.each(CORE_FILES)('%s', (file) => {
    const own = tests.filter((spec) => spec.id.startsWith(`${file}/`) && !refusals.has(spec.id));
    expect(own.length).toBeGreaterThan(0);
    const wrong = own
      .map((spec) => [spec.id, spec.expr, mismatch(spec)] as const)
      .filter(([, , problem]) => problem !== null);
    expect(wrong).toEqual([]);
  });
});

describe('what is refused', () => {
  test.each(REFUSED)('$reason', ({ message, tests: ids }) => {
    for (const id of ids) {
      const spec = tests.find((candidate) => candidate.id === id);
      expect(spec, `${id} is a test of the suite`).toBeDefined();
      const outcome = compileValue((spec as SpecTest).expr, (spec as SpecTest).scope);
      expect('issues' in outcome, `${id} must be refused, or be taken off the list`).toBe(true);
      if ('issues' in outcome) expect(outcome.issues.map((issue) => issue.message).join('\n')).toMatch(message);
    }
  });

  test('is little, and what needs protobuf messages aside, next to nothing', () => {
    const messages = REFUSED[0]?.tests.length ?? 0;
    const passing = tests.length - refusals.size;
    console.log(
      `conformance: ${tests.length} tests in ${CORE_FILES.length} core files; ${passing} pass, ${refusals.size} are refused ` +
        `(${messages} of them need protobuf messages); of the ${tests.length - messages} others ${passing} pass`,
    );
    expect(passing / (tests.length - messages)).toBeGreaterThanOrEqual(0.9);
    expect(passing / tests.length).toBeGreaterThanOrEqual(0.9);
  });
});
