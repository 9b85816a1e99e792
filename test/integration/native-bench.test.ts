/**
 * Every benchmark still runs: each suite as a process of its own, with the smallest sizes. What it measured is a number with a unit, what it skipped
 * has a reason, and every key of the bar table is printed. Needs `npm run build:bench`, which `npm test` does. No times are asserted.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RATIO_KEYS } from '../../native-bench/bars.ts';
import type { Report } from '../../native-bench/report.ts';
import { allSuites } from '../../native-bench/suites.ts';

const MAIN = resolve(import.meta.dirname, '../../dist/bench/native-bench/main.js');
const SUITE_MS_MAX = 200_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'beckon-test-bench-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  /** As a shell reports it: 128 and the signal's number where a signal ended the process. */
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** `meanwhile` is handed the process id, and waited for. */
async function bench(args: readonly string[], meanwhile?: (pid: number) => Promise<void>): Promise<Ended> {
  const environment = { ...process.env, TMPDIR: folder };
  const child = spawn(process.execPath, [MAIN, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = new Promise<Ended>((done, failed) => {
    child.on('error', failed);
    child.on('close', (code, signal) => {
      done({ code: signal === null ? code : 128 + constants.signals[signal], output, errors });
    });
  });
  await meanwhile?.(child.pid as number);
  return ended;
}

/** Processes that a process has started, on Linux. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .map(Number)
    .filter((child) => child > 0);
}

describe.sequential('npm run bench -- --quick --json', () => {
  it.each(allSuites().map(({ name }) => [name]))(
    '%s',
    async (name) => {
      const out = join(folder, 'out', name);
      const { code, output, errors } = await bench([name, '--quick', '--json', '--no-install', '--out', out]);
      expect(output.trimEnd().split('\n').length, `one line on stdout, ${errors}`).toBe(1);
      const report = JSON.parse(output) as Report;
      const suite = report.suites[name];
      expect(suite?.error ?? null).toBeNull();
      expect(code).toBe(0);
      expect(report.quick).toBe(true);
      expect(Object.keys(report.suites)).toEqual([name]);
      expect(Object.keys(report.ratios)).toEqual(RATIO_KEYS);
      for (const ratio of Object.values(report.ratios)) {
        expect(ratio.met).toBeNull();
        if (ratio.median === null) expect(ratio.reason).toMatch(/./);
        else expect(ratio.median).toBeGreaterThan(0);
      }
      for (const measurement of [...(suite?.measurements ?? []), ...(suite?.ratios ?? [])]) {
        const { low, median, high, rounds } = measurement;
        expect(measurement.name).toMatch(/./);
        expect(low).toBeGreaterThan(0);
        expect(median).toBeGreaterThanOrEqual(low);
        expect(high).toBeGreaterThanOrEqual(median);
        expect(Number.isFinite(high)).toBe(true);
        expect(rounds).toBeGreaterThanOrEqual(1);
      }
      for (const { unit } of suite?.measurements ?? []) expect(unit).toMatch(/./);
      for (const { what, why } of suite?.skips ?? []) expect(`${what}: ${why}`).toMatch(/.+: .+/);
      if (suite?.status === 'skipped') expect(suite.skips.length).toBeGreaterThan(0);
      else expect((suite?.measurements.length ?? 0) + (suite?.ratios.length ?? 0)).toBeGreaterThan(0);
      expect(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8'))).toEqual(report);
      for (const chart of readdirSync(out).filter((file) => file.endsWith('.svg')))
        expect(readFileSync(join(out, chart), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
    },
    SUITE_MS_MAX,
  );

  it('refuses a name that no suite has, and lists those there are', async () => {
    const { code, output, errors } = await bench(['nothing', '--quick', '--json']);
    expect(code).toBe(2);
    expect(output).toBe('');
    expect(errors).toContain('"nothing"');
    for (const { name } of allSuites()) expect(errors).toContain(name);
  });

  it.runIf(process.platform === 'linux')(
    'leaves neither processes nor folders behind when it is interrupted',
    async () => {
      let children: number[] = [];
      const { code } = await bench(['keys', '--json', '--no-install', '--out', join(folder, 'out')], async (pid) => {
        while (children.length === 0) {
          await sleep(20);
          children = childrenOf(pid);
        }
        process.kill(pid, 'SIGINT');
        // Under npm one Ctrl-C arrives twice. A second one that meets a process in its last moments, whose listeners are gone, ends it with the same status.
        await sleep(5);
        process.kill(pid, 'SIGINT');
      });
      expect(code).toBe(130);
      for (const child of children) expect(() => process.kill(child, 0)).toThrow(/ESRCH/);
      expect(readdirSync(folder).filter((name) => name.startsWith('beckon-bench-'))).toEqual([]);
    },
  );
});
