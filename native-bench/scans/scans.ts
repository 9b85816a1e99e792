/**
 * Audience counts over ten million customers: Beckon's kernels over its partitions' columns, beside C++ and DuckDB over the same rows, and a loop in JavaScript. A
 * round asks every side every predicate, one side after the other; answers that differ are a failure of the suite.
 */
import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { COMPILED_WITH, CppProgram, NoCompilerError } from '../ceiling/cpp-program.ts';
import { collectGarbage, ratioSpread, spreadOf } from '../measure.ts';
import { DuckDb, type DuckDbCount } from '../peers/duckdb.ts';
import type { Bench, RatioKey, Suite } from '../suite.ts';
import { TIERS } from '../workload/kernel.ts';
import {
  SCAN_COLUMNS,
  SCAN_PREDICATES,
  type ScanColumn,
  type ScanPredicate,
  scanHolds,
  scanNumber,
} from '../workload/scan-rows.ts';
import { BeckonColumns, scan } from './beckon-columns.ts';
import { countAllByLoop } from './javascript-loop.ts';

const PREDICATES = Object.keys(SCAN_PREDICATES) as ScanPredicate[];
/** The same as SCAN_PREDICATES, over the numbers of strings. */
const SQL: Readonly<Record<ScanPredicate, string>> = {
  all: `score > 0.9 AND tier = ${TIERS.indexOf('gold')} AND country IN (1, 5, 7, 20, 33)`,
  double: 'score > 0.5',
  code: `tier = ${TIERS.indexOf('gold')}`,
  int: 'visits >= 50 AND member',
  either: `score > 0.99 OR tier = ${TIERS.indexOf('vip')}`,
};
const SQL_TYPES = { double: 'DOUBLE', string: 'INTEGER', int: 'INTEGER', bool: 'BOOLEAN' } as const;

/** Before each turn. */
const PAUSE_MS = 10;

interface Sizes {
  readonly rows: number;
  readonly rounds: number;
  readonly warmUps: number;
}
const FULL: Sizes = { rows: 10_000_000, rounds: 15, warmUps: 3 };
const QUICK: Sizes = { rows: 10_000, rounds: 1, warmUps: 1 };

interface Counted {
  readonly count: number;
  readonly ms: number;
  /** CPU time; NaN where the side does not tell. */
  readonly cpuMs: number;
}

/** Counts the rows of a predicate; in ms, as the side itself took them where asking it costs something. null: not this one. */
interface Side {
  readonly name: string;
  readonly detail: string;
  readonly key: RatioKey | null;
  count(predicate: ScanPredicate): Promise<Counted> | null;
  close(): void | Promise<void>;
}

export const suite: Suite = {
  name: 'scans-columns',
  about: 'audience counts over ten million customers, beside C++, DuckDB and a loop in JavaScript',
  ratios: ['scan_vs_duckdb', 'scan_vs_cpp'],
  async run(bench) {
    const sizes = bench.quick ? QUICK : FULL;
    bench.progress(`${sizes.rows.toLocaleString('en')} customers`);
    const columns = new BeckonColumns(sizes.rows);
    const sides: Side[] = [beckonSide(columns)];
    try {
      for (const open of [() => cppSides(bench, sizes.rows), () => duckSides(bench, sizes.rows)])
        sides.push(...(await open()));
      sides.push(loopSide(columns));
      report(bench, sizes, sides, await rounds(bench, sizes, sides));
    } finally {
      for (const side of sides) await side.close();
    }
  },
};

function beckonSide(columns: BeckonColumns): Side {
  const tasks = new Map(PREDICATES.map((predicate) => [predicate, columns.task(predicate)]));
  return {
    name: 'Beckon',
    detail:
      'one thread; compiling the kernel (kept from one task to the next), binding it to four partitions, counting',
    key: null,
    // A copy, as posting makes one: what is known of the task before does not count.
    count: (predicate) => {
      const task = { ...(tasks.get(predicate) as NonNullable<ReturnType<typeof tasks.get>>) };
      return timed(() => scan({ ...task, program: { ...task.program } }));
    },
    close: () => {},
  };
}

/** On pages of the size that JavaScript's memory has; and on large ones, which it cannot ask for. */
async function cppSides(bench: Bench, rows: number): Promise<Side[]> {
  const sides: Side[] = [];
  try {
    for (const pages of ['small', 'large'] as const) {
      const program = await CppProgram.start('scan', bench.folder);
      await program.command('fill', rows, pages);
      const count = async (predicate: ScanPredicate) => {
        const [counted, ns, cpuNs] = await program.command('count', predicate);
        return { count: Number(counted), ms: Number(ns) / 1e6, cpuMs: Number(cpuNs) / 1e6 };
      };
      const [name, key] =
        pages === 'small' ? (['C++', 'scan_vs_cpp'] as const) : (['C++ on pages of 2 MiB', null] as const);
      sides.push({ name, detail: COMPILED_WITH, key, count, close: () => program.close() });
    }
  } catch (error) {
    if (!(error instanceof NoCompilerError)) throw error;
    bench.skip('scan_vs_cpp', error.message);
  }
  return sides;
}

/** One thread as Beckon has; and two, on the same table. */
async function duckSides(bench: Bench, rows: number): Promise<Side[]> {
  const db = await DuckDb.open(1);
  if (db === null) {
    bench.skip('scan_vs_duckdb', 'DuckDB is not installed: npm run bench installs it');
    return [];
  }
  bench.progress('filling DuckDB');
  const names = Object.keys(SCAN_COLUMNS) as ScanColumn[];
  const table = names.map((name) => ({
    name,
    type: SQL_TYPES[SCAN_COLUMNS[name].type],
    valueOf: (row: number) => scanNumber(name, row),
  }));
  await db.createTable('customers', table, rows);
  const queries = new Map<ScanPredicate, DuckDbCount>();
  for (const predicate of PREDICATES) queries.set(predicate, await db.prepareCount('customers', SQL[predicate]));
  const side = (threads: number): Side => ({
    name: threads === 1 ? 'DuckDB' : `DuckDB, ${threads} threads`,
    detail: `${db.version}, ${threads === 1 ? 'one thread' : `${threads} threads`}, prepared query; strings as INTEGER`,
    key: threads === 1 ? 'scan_vs_duckdb' : null,
    count: async (predicate) => {
      await db.setThreads(threads);
      const begin = performance.now();
      const count = await (queries.get(predicate) as DuckDbCount).run();
      return { count, ms: performance.now() - begin, cpuMs: Number.NaN };
    },
    close: () => {
      if (threads === 1) db.close();
    },
  });
  return [side(1), side(2)];
}

function loopSide(columns: BeckonColumns): Side {
  return {
    name: 'JavaScript loop',
    detail: 'over the same columns, as one would write it',
    key: null,
    count: (predicate) => (predicate === 'all' ? timed(() => countAllByLoop(columns)) : null),
    close: () => {},
  };
}

/** CPU time is the whole process's: nothing else runs in it meanwhile, and if it does it counts against Beckon. */
function timed(run: () => number): Promise<Counted> {
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const count = run();
  const ms = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  return Promise.resolve({ count, ms, cpuMs: Math.max(1, user + system) / 1e3 });
}

/** By side and predicate, round by round. */
type Times = ReadonlyMap<Side, ReadonlyMap<ScanPredicate, Counted[]>>;

async function rounds(bench: Bench, { rows, rounds, warmUps }: Sizes, sides: readonly Side[]): Promise<Times> {
  const times = new Map(
    sides.map((side) => [side, new Map(PREDICATES.map((predicate) => [predicate, [] as Counted[]]))]),
  );
  const expected = new Map<ScanPredicate, number>();
  if (bench.quick) for (const predicate of PREDICATES) expected.set(predicate, countSlowly(predicate, rows));
  for (let round = -warmUps; round < rounds; round++) {
    bench.progress(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`);
    collectGarbage();
    for (const predicate of PREDICATES) {
      for (const side of sides) {
        // Collecting garbage and DuckDB's threads go on a little after they have answered.
        await sleep(PAUSE_MS);
        const answer = await side.count(predicate);
        if (answer === null) continue;
        const first = expected.get(predicate) ?? answer.count;
        expected.set(predicate, first);
        assert.equal(answer.count, first, `${side.name} counts ${predicate}`);
        if (round >= 0) times.get(side)?.get(predicate)?.push(answer);
      }
    }
  }
  return times;
}

function countSlowly(predicate: ScanPredicate, rows: number): number {
  let count = 0;
  for (let row = 0; row < rows; row++) if (scanHolds(predicate, row)) count++;
  return count;
}

function report(bench: Bench, { rows }: Sizes, sides: readonly Side[], times: Times): void {
  const [beckon] = sides as [Side];
  const of = (side: Side, predicate: ScanPredicate, clock: 'ms' | 'cpuMs' = 'ms'): number[] =>
    (times.get(side)?.get(predicate) ?? []).map((counted) => counted[clock]);
  /** All predicates, one after another. */
  const sums = (side: Side, clock: 'ms' | 'cpuMs'): number[] =>
    of(beckon, 'all').map((_, round) =>
      PREDICATES.reduce((sum, predicate) => sum + (of(side, predicate, clock)[round] as number), 0),
    );
  for (const side of sides) {
    for (const predicate of PREDICATES) {
      const ms = of(side, predicate);
      if (ms.length === 0) continue;
      bench.measurement({
        name: `${side.name}, ${predicate}`,
        unit: 'ms',
        ...spreadOf(ms),
        detail: `${rows.toLocaleString('en')} rows; ${side.detail}`,
      });
      if (side === beckon) continue;
      bench.ratio({
        key: null,
        name: `scan against ${side.name}, ${predicate}`,
        ...ratioSpread(ms, of(beckon, predicate)),
        detail: SCAN_PREDICATES[predicate],
      });
    }
    if (side === beckon || of(side, 'double').length === 0) continue;
    bench.ratio({
      key: side.key,
      name: `scan against ${side.name}`,
      ...ratioSpread(sums(side, 'ms'), sums(beckon, 'ms')),
      detail: `ms of ${side.name} ÷ ms of Beckon for all ${PREDICATES.length} predicates together, ${rows.toLocaleString('en')} rows`,
    });
    if (of(side, 'double', 'cpuMs').some(Number.isNaN)) continue;
    bench.ratio({
      key: null,
      name: `the same by CPU time, ${side.name}`,
      ...ratioSpread(sums(side, 'cpuMs'), sums(beckon, 'cpuMs')),
      detail: 'what a busy machine disturbs less',
    });
  }
  for (const note of NOTES) bench.note(note);
}

const NOTES = [
  'The same rows on all sides (workload/scan-rows.ts; one in sixteen cells is absent), and the same counts, compared in every round. One thread unless it says otherwise. C++ takes its own times; the other sides are timed from within this process.',
  'What differs: DuckDB answers any SQL and pays some tenths of a millisecond per query for it; C++ knows its predicates when it is compiled and uses the widest vectors of this machine, WebAssembly has 128 bits. V8 gives WebAssembly ordinary pages, as C++ has without asking; it takes pages of 2 MiB where it asks for them, and is faster on them: told beside it. What a request costs beside the scan (HTTP, the shards’ part) is in the suite scans-node.',
] as const;
