/**
 * Suite: the machine's kernel (workload/kernel.ts) in databases that run procedures: a million customers, two windowed aggregates, 100 rules, a cap. Every side
 * takes the same events in the same order and must decide the same.
 */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { cpuSeconds } from '../load/node-process.ts';
import { measureValues, type Rounds, ratioSpread, type Side, spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { EVENTS_PER_BATCH, encodeEvents, type KernelEvent, KernelEvents, kernelRules } from '../workload/kernel.ts';
import { type DecidedTotals, encodeEventArrays, type RankedRule, rankRules } from '../workload/kernel-peers.ts';
import { BeckonShard } from './beckon-shard.ts';
import { findDebianProgram } from './debian-program.ts';
import { Redis } from './redis.ts';
import { Tarantool, type WalMode } from './tarantool.ts';

const RULES = 100;
/** Batches that share a commit, or are on their way: as many as one run of a shard takes when it has to catch up (SHARD_BATCH_BYTES_MAX of 10 KB batches is 100). */
const IN_FLIGHT = 64;
const SEED = 4;

/** One side, loaded. `decided` is asked after each turn. */
interface Contender {
  readonly side: Side;
  readonly detail: string;
  /** Of all its threads, since it began. */
  cpuSeconds(): number;
  decided(): DecidedTotals;
  stop(): void | Promise<void>;
}

/** The events of a round, in the forms of the sides. */
class Round {
  /** MessagePack maps, as a producer sends them. */
  maps: readonly Uint8Array[] = [];
  /** MessagePack arrays. */
  arrays: readonly Uint8Array[] = [];
  readonly events: number;
  readonly #source: KernelEvents;

  constructor(customers: number, events: number) {
    this.events = events;
    this.#source = new KernelEvents(customers, SEED);
  }

  next(): void {
    const batches = Array.from({ length: this.events / EVENTS_PER_BATCH }, () =>
      Array.from({ length: EVENTS_PER_BATCH }, (): KernelEvent => this.#source.next()),
    );
    this.maps = batches.map((batch) => encodeEvents(batch, 'messagepack'));
    this.arrays = batches.map(encodeEventArrays);
  }
}

/** The workload that contenders load, and what they are handed. */
interface Work {
  readonly bench: Bench;
  readonly rules: readonly RankedRule[];
  readonly customers: number;
  readonly round: Round;
}

async function openBeckon({ bench, rules, customers, round }: Work): Promise<Contender> {
  bench.progress('loading customers into Beckon');
  const beckon = await BeckonShard.open(join(bench.folder, 'beckon'), rules, customers);
  beckon.load(customers);
  return {
    side: {
      name: 'Beckon',
      prepare: () => round.next(),
      run: () => {
        const before = beckon.accepted;
        const begin = performance.now();
        for (let at = 0; at < round.maps.length; at += IN_FLIGHT) beckon.run(round.maps.slice(at, at + IN_FLIGHT));
        return ((beckon.accepted - before) * 1000) / (performance.now() - begin);
      },
    },
    detail: `a shard: WAL and fdatasync per ${IN_FLIGHT} batches, apply, decision log; events as MessagePack maps`,
    cpuSeconds: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    decided: () => beckon.totals,
    stop: () => beckon.close(),
  };
}

interface TarantoolKind {
  readonly name: string;
  readonly walMode: WalMode;
  readonly detail: string;
}

const TARANTOOLS = {
  writing: {
    name: 'Tarantool, wal_mode=write',
    walMode: 'write',
    detail: 'Lua procedure driven from inside, never synced; events as MessagePack arrays',
  },
  syncing: {
    name: 'Tarantool, wal_mode=fsync',
    walMode: 'fsync',
    detail: `the same, ${IN_FLIGHT} fibers sharing syncs`,
  },
} as const satisfies Readonly<Record<string, TarantoolKind>>;

async function openTarantool(work: Work, kind: TarantoolKind): Promise<Contender | null> {
  const { bench, rules, customers, round } = work;
  const { name, walMode, detail } = kind;
  const program = await findDebianProgram('tarantool', !bench.quick, bench.progress);
  if (typeof program === 'string') {
    bench.skip(walMode === 'write' ? 'vs_tarantool' : name, program);
    return null;
  }
  bench.progress(`loading customers into ${name}`);
  const tarantool = await Tarantool.start(program, join(bench.folder, `tarantool-${walMode}`), walMode);
  await tarantool.setRules(rules);
  await tarantool.load(customers);
  let totals: DecidedTotals = { decided: 0, checksum: 0 };
  return {
    side: {
      name,
      run: async () => {
        // Without a sync to share, one fiber after another is the fastest.
        const { events, seconds, decided, checksum } = await tarantool.run(
          round.arrays,
          walMode === 'fsync' ? IN_FLIGHT : 1,
        );
        totals = { decided, checksum };
        return events / seconds;
      },
    },
    detail,
    cpuSeconds: () => cpuSeconds(tarantool.pid),
    decided: () => totals,
    stop: () => tarantool.stop(),
  };
}

async function openRedis({ bench, rules, customers, round }: Work): Promise<Contender | null> {
  const name = 'Redis, AOF everysec';
  const program = await findDebianProgram('redis-server', !bench.quick, bench.progress);
  if (typeof program === 'string') {
    bench.skip(name, program);
    return null;
  }
  bench.progress(`loading customers into ${name}`);
  const redis = await Redis.start(program, join(bench.folder, 'redis'));
  await redis.loadKernel(rules, customers);
  return {
    side: {
      name,
      run: async () => {
        const begin = performance.now();
        await redis.run(round.arrays, IN_FLIGHT);
        return (round.events * 1000) / (performance.now() - begin);
      },
    },
    detail: 'Lua function, a hash per customer, pipelined over a Unix socket; events as MessagePack arrays',
    cpuSeconds: () => cpuSeconds(redis.pid),
    decided: () => redis.totals,
    stop: () => redis.stop(),
  };
}

/** Nanoseconds of CPU per event, turn by turn, the first left out as in the rates. */
type CpuTurns = ReadonlyMap<string, readonly number[]>;

function report(bench: Bench, contenders: readonly Contender[], rounds: Rounds, cpu: CpuTurns): void {
  const cpuOf = (name: string): readonly number[] => (cpu.get(name) ?? []).slice(1);
  for (const { side, detail } of contenders)
    bench.measurement({ name: side.name, unit: 'events/s', ...rounds.spread(side.name), detail });
  for (const { side } of contenders) {
    const turns = cpuOf(side.name);
    if (turns.every((value) => value > 0))
      bench.measurement({
        name: `${side.name}: CPU`,
        unit: 'ns/event',
        ...spreadOf(turns),
        detail: 'of all its threads',
      });
  }
  const [beckon, ...peers] = contenders.map(({ side }) => side.name);
  for (const peer of peers) {
    bench.ratio({
      key: peer === TARANTOOLS.writing.name ? 'vs_tarantool' : null,
      name: peer.startsWith('Redis') ? 'vs_redis' : `vs ${peer}`,
      ...rounds.ratio(beckon as string, peer),
      detail: `events/s of Beckon ÷ events/s of ${peer}`,
    });
  }
  for (const peer of peers) {
    const turns = cpuOf(peer);
    if (turns.some((value) => !(value > 0))) continue;
    const spread = ratioSpread(turns, cpuOf(beckon as string));
    bench.ratio({ key: null, name: `CPU vs ${peer}`, ...spread, detail: `CPU per event of ${peer} ÷ of Beckon` });
  }
}

async function run(bench: Bench): Promise<void> {
  const customers = bench.quick ? 2_000 : 1_000_000;
  const round = new Round(customers, bench.quick ? 2_000 : 200_000);
  const work: Work = { bench, rules: rankRules(kernelRules(RULES)), customers, round };
  const contenders: Contender[] = [];
  try {
    for (const open of OPENERS) {
      const contender = await open(work);
      if (contender !== null) contenders.push(contender);
    }
    const expected = contenders[0] as Contender;
    const cpu = new Map(contenders.map(({ side }) => [side.name, [] as number[]]));
    const sides = contenders.map(
      ({ side, decided, cpuSeconds: cpuNow }): Side => ({
        ...side,
        run: async () => {
          const before = cpuNow();
          const rate = await side.run();
          cpu.get(side.name)?.push(((cpuNow() - before) * 1e9) / round.events);
          assert.deepEqual({ ...decided() }, { ...expected.decided() }, `${side.name} decides what Beckon decides`);
          return rate;
        },
      }),
    );
    const rounds = await measureValues(sides, {
      rounds: bench.quick ? 1 : 5,
      onRound: (number) => bench.progress(`round ${number}`),
    });
    report(bench, contenders, rounds, cpu);
    bench.note(
      `${customers} customers, ${RULES} rules, batches of ${EVENTS_PER_BATCH}; all sides made the same ${expected.decided().decided} decisions. ` +
        'Beckon checks, de-duplicates by event id and keeps explainable decisions; the databases do none of it, and get events without names and ids. ' +
        'Tarantool is driven from inside, without a network; Redis gets its batches over a Unix socket from a client on the other core.',
    );
  } finally {
    for (const contender of contenders) await contender.stop();
  }
}

const OPENERS: readonly ((work: Work) => Promise<Contender | null>)[] = [
  openBeckon,
  (work) => openTarantool(work, TARANTOOLS.writing),
  (work) => openTarantool(work, TARANTOOLS.syncing),
  openRedis,
];

export const suite: Suite = {
  name: 'peers-kernel',
  about: 'events/s of a shard against Tarantool and Redis doing the same work',
  ratios: ['vs_tarantool'],
  run,
};
