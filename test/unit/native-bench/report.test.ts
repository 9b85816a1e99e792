import { expect, test } from 'vitest';
import { RATIO_KEYS } from '../../../native-bench/bars.ts';
import { formatNumber } from '../../../native-bench/format-number.ts';
import type { MachineDescription } from '../../../native-bench/machine-description.ts';
import { reportOf } from '../../../native-bench/report.ts';
import { barTable, painter, suiteTable } from '../../../native-bench/report-table.ts';
import type { Ratio, RatioKey } from '../../../native-bench/suite.ts';
import type { SuiteResult } from '../../../native-bench/suite-result.ts';

const machine = {} as MachineDescription;
const plain = painter(false);

function resultOf(name: string, ratios: readonly RatioKey[], rest: Partial<SuiteResult>): SuiteResult {
  const suite = { name, about: `about ${name}`, ratios, run: async () => {} };
  const empty = { measurements: [], ratios: [], series: [], skips: [], notes: [] };
  return { suite, status: 'done', error: null, seconds: 1, ...empty, ...rest };
}

function ratio(key: RatioKey, median: number): Ratio {
  return { key, name: key, detail: 'a by b', median, low: median / 2, high: median * 2, rounds: 3 };
}

function report(results: readonly SuiteResult[], quick = false) {
  return reportOf({ machine, startedAt: '2026-01-01T00:00:00.000Z', seconds: 1, quick, results });
}

test('every bar is told, met from its own side', () => {
  const { ratios } = report([
    resultOf('one', ['kernel_vs_cpp', 'restart_s'], {
      ratios: [ratio('kernel_vs_cpp', 0.6), ratio('restart_s', 15), ratio('bytes_vs_redis', 0.3)],
    }),
  ]);
  expect(Object.keys(ratios)).toEqual(RATIO_KEYS);
  expect(ratios.kernel_vs_cpp).toMatchObject({ median: 0.6, low: 0.3, high: 1.2, bar: 0.8, met: false, suite: 'one' });
  expect(ratios.kernel_vs_cpp.missedBy).toBeCloseTo(0.25);
  expect(ratios.restart_s).toMatchObject({ met: true, missedBy: 0, reason: null });
  expect(ratios.bytes_vs_redis.missedBy).toBeCloseTo(0.2);
});

test('what was not measured is null and says why', () => {
  const { ratios } = report([
    resultOf('skipping', ['vs_tarantool', 'bytes_vs_redis'], {
      status: 'skipped',
      skips: [
        { what: 'vs_tarantool', why: 'no tarantool' },
        { what: 'Redis', why: 'no redis' },
      ],
    }),
    resultOf('failing', ['scan_vs_cpp'], {
      status: 'failed',
      error: 'Error: wrong count\n    at scan',
      ratios: [ratio('scan_vs_cpp', 2)],
    }),
    resultOf('forgetting', ['decide_p99_ms'], {}),
  ]);
  expect(ratios.vs_tarantool).toMatchObject({ median: null, met: null, reason: 'no tarantool' });
  expect(ratios.bytes_vs_redis.reason).toBe('vs_tarantool: no tarantool; Redis: no redis');
  // A suite that failed claims nothing, even if it had a number before.
  expect(ratios.scan_vs_cpp).toMatchObject({ median: null, reason: 'its suite failed: Error: wrong count' });
  expect(ratios.decide_p99_ms.reason).toBe('its suite did not report it');
  expect(ratios.kernel_vs_cpp.reason).toBe('its suite did not run');
});

test('a quick run claims nothing', () => {
  const results = [resultOf('one', ['kernel_vs_cpp'], { ratios: [ratio('kernel_vs_cpp', 0.9)] })];
  expect(report(results, true).ratios.kernel_vs_cpp).toMatchObject({ median: 0.9, met: null, missedBy: null });
  expect(barTable(report(results, true), false, plain)).toContain('no claim');
});

test('bars of suites that did not run are told only where all were to run', () => {
  const results = [resultOf('one', ['kernel_vs_cpp'], { ratios: [ratio('kernel_vs_cpp', 0.9)] })];
  expect(barTable(report(results), false, plain)).toMatch(/kernel_vs_cpp .* ≥ 0.8 × {2,}met/);
  expect(barTable(report(results), false, plain)).not.toContain('restart_s');
  expect(barTable(report(results), true, plain)).toContain('restart_s');
  expect(barTable(report([resultOf('two', [], {})]), false, plain)).toBe('');
});

test('tables are aligned, and plain where nobody sees colours', () => {
  const measurement = { name: 'lookup', unit: 'ns', median: 1234.5, low: 1000, high: 20_000, rounds: 5 };
  const table = suiteTable(resultOf('one', [], { measurements: [measurement, { ...measurement, name: 'x' }] }), plain);
  const [first, second] = table.split('\n').filter((line) => line.includes(' ns '));
  expect(first?.replace('lookup', 'x     ')).toBe(second);
  expect(table).toContain('1,235');
  expect(table.includes('\x1b')).toBe(false);
});

test.each([
  [0, '0'],
  [0.012345, '0.01235'],
  [0.5, '0.5000'],
  [12.345, '12.35'],
  [999.96, '1,000'],
  [1234.5, '1,235'],
  [1_234_567, '1,234,567'],
])('formats %d as %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});
