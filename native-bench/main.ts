/**
 * `npm run bench [-- name …]`: runs suites one after another, each in a process of its own, and tells what they measured: tables on the terminal or `--json`,
 * and in the folder of `--out` results.json with a chart per suite. Exit code 1 if a suite failed, 2 for bad arguments; what was skipped is no failure.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { STOPPED_BY, stopSignal } from '../src/cli/stop-signal.ts';
import { chartOf } from './chart.ts';
import { watchMachine } from './machine-description.ts';
import { findDebianProgram } from './peers/debian-program.ts';
import { installPeerPackages } from './peers/packages.ts';
import { reportOf } from './report.ts';
import { barTable, machineLines, painter, suiteTable } from './report-table.ts';
import { runSuite } from './run-suite.ts';
import type { SuiteResult } from './suite-result.ts';
import { allSuites, describeSuites, select } from './suites.ts';

interface Options {
  readonly json?: true;
  readonly quick?: true;
  readonly out: string;
  readonly install: boolean;
  readonly prepare?: true;
}

const program = new Command('npm run bench --')
  .description('Measures Beckon beside what it is compared with; every claim is a ratio, both sides in one run.')
  .argument('[name...]', 'suites, or groups of them; all if there are none')
  .option('--json', 'print one line of JSON and nothing else (npm prints two lines of its own unless it is --silent)')
  .option('--quick', 'the smallest sizes, to see that everything works; makes no claims')
  .option('--out <folder>', 'where results.json and the charts go', 'bench-results')
  .option('--no-install', 'do not install the packages that Beckon is compared with')
  .option('--prepare', 'fetch what Beckon is compared with, and end; a full run fetches what it needs itself')
  .addHelpText('after', () => `\nSuites:\n${describeSuites()}`)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
program.parse();
const options = program.opts<Options>();
const { suites, unknown } = select(program.args);
if (unknown.length > 0)
  program.error(
    `error: there is no suite or group ${unknown.map((name) => `"${name}"`).join(', ')}; there are:\n${describeSuites()}`,
  );

const isTerminal = process.stderr.isTTY === true;
const paint = painter(process.stdout.isTTY === true);

/** Where a person looks on: one line, written over and over. */
function progress(text: string): void {
  if (isTerminal) process.stderr.write(`\r\x1b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}

function print(text: string): void {
  if (options.json !== true) process.stdout.write(`${text}\n`);
}

async function runAll(folder: string, signal: AbortSignal): Promise<SuiteResult[]> {
  const results: SuiteResult[] = [];
  for (const [index, suite] of suites.entries()) {
    if (signal.aborted) break;
    const place = `${index + 1}/${suites.length} ${suite.name}`;
    if (isTerminal) progress(place);
    else process.stderr.write(`${place}\n`);
    const result = await runSuite(suite, {
      quick: options.quick === true,
      folder: join(folder, suite.name),
      signal,
      progress: (text) => progress(`${place}: ${text}`),
    });
    progress('');
    results.push(result);
    if (!signal.aborted) print(suiteTable(result, paint));
  }
  return results;
}

/** Returns how many there are. */
async function writeCharts(out: string, results: readonly SuiteResult[]): Promise<number> {
  let charts = 0;
  for (const result of results) {
    const svg = chartOf(result);
    if (svg === null) continue;
    await writeFile(join(out, `${result.suite.name}.svg`), svg);
    charts++;
  }
  return charts;
}

/** What cannot be had is a notice: the suites skip what they lack. */
async function installPackages(): Promise<void> {
  const problem = await installPeerPackages((line) => process.stderr.write(`${line}\n`));
  if (problem !== null) process.stderr.write(`not installed, so some comparisons are skipped: ${problem}\n`);
}

async function prepare(): Promise<number> {
  await installPackages();
  for (const name of ['redis-server', 'tarantool'] as const) {
    const found = await findDebianProgram(name, true, (line) => process.stderr.write(`${line}\n`));
    process.stderr.write(typeof found === 'string' ? `${found}\n` : `${name} is ${found.path}\n`);
  }
  return 0;
}

async function main(): Promise<number> {
  const aborted = new AbortController();
  let exitCode: number | null = null;
  void stopSignal().then((signal) => {
    exitCode = STOPPED_BY[signal];
    aborted.abort();
  });
  const folder = await mkdtemp(join(tmpdir(), 'beckon-bench-'));
  try {
    if (options.install) await installPackages();
    const startedAt = new Date();
    const describe = await watchMachine(options.quick === true ? 0 : undefined);
    const results = await runAll(folder, aborted.signal);
    if (exitCode !== null) return exitCode;
    const report = reportOf({
      machine: await describe(),
      startedAt: startedAt.toISOString(),
      seconds: (Date.now() - startedAt.getTime()) / 1000,
      quick: options.quick === true,
      results,
    });
    const out = resolve(options.out);
    await mkdir(out, { recursive: true });
    await writeFile(join(out, 'results.json'), `${JSON.stringify(report, null, 2)}\n`);
    const charts = await writeCharts(out, results);
    print(
      `${barTable(report, suites.length === allSuites().length, paint)}\n\n${machineLines(report, paint)}\nresults.json and ${charts === 0 ? 'no charts' : charts === 1 ? 'a chart' : `${charts} charts`} in ${out}`,
    );
    if (options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
    return results.some(({ status }) => status === 'failed') ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

process.exitCode = await (options.prepare === true ? prepare() : main());
