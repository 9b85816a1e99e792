/**
 * Suite: the machine's kernel (workload/kernel.ts) in databases that run procedures: a million customers, two windowed aggregates, 100 rules, a cap. Every side
 * takes the same events in the same order and must decide the same.
 */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { measureValues, type Rounds, type Side } from '../measure.ts';
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
    decided: () => beckon.totals,
    stop: () => beckon.close(),
  };
}

async function openTarantool(work: Work, walMode: WalMode): Promise<Contender | null> {
  const { bench, rules, customers, round } = work;
  const name = `Tarantool, wal_mode=${walMode}`;
  const program = await findDebianProgram('tarantool', !bench.quick, bench.progress);
  if (typeof program === 'string') {
    bench.skip(name, program);
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
    decided: () => redis.totals,
    stop: () => redis.stop(),
  };
}

function report(bench: Bench, rounds: Rounds, sides: readonly Side[]): void {
  const details: Readonly<Record<string, string>> = {
    Beckon: `a shard: WAL and fdatasync per ${IN_FLIGHT} batches, apply, decision log; events as MessagePack maps`,
    'Tarantool, wal_mode=write': 'Lua procedure driven from inside, no sync; events as MessagePack arrays',
    'Tarantool, wal_mode=fsync': `the same, ${IN_FLIGHT} fibers sharing syncs`,
    'Redis, AOF everysec':
      'Lua function, a hash per customer, pipelined over a Unix socket; events as MessagePack arrays',
  };
  for (const { name } of sides)
    bench.measurement({ name, unit: 'events/s', ...rounds.spread(name), detail: details[name] as string });
  const peers = [
    ['vs_tarantool', 'Tarantool, wal_mode=write', 'Beckon ÷ Tarantool'],
    [null, 'Tarantool, wal_mode=fsync', 'Beckon ÷ Tarantool with fsync'],
    [null, 'Redis, AOF everysec', 'vs_redis'],
  ] as const;
  for (const [key, peer, name] of peers) {
    if (!sides.some((side) => side.name === peer)) continue;
    bench.ratio({ key, name, ...rounds.ratio('Beckon', peer), detail: `events/s of Beckon ÷ events/s of ${peer}` });
  }
}

async function run(bench: Bench): Promise<void> {
  const customers = bench.quick ? 2_000 : 1_000_000;
  const round = new Round(customers, bench.quick ? 2_000 : 200_000);
  const work: Work = { bench, rules: rankRules(kernelRules(RULES)), customers, round };
  const contenders: Contender[] = [];
  try {
    for (const open of [openBeckon, openTarantoolWriting, openTarantoolSyncing, openRedis]) {
      const contender = await open(work);
      if (contender !== null) contenders.push(contender);
    }
    const expected = contenders[0] as Contender;
    const sides = contenders.map(
      ({ side, decided }): Side => ({
        ...side,
        run: async () => {
          const rate = await side.run();
          assert.deepEqual({ ...decided() }, { ...expected.decided() }, `${side.name} decides what Beckon decides`);
          return rate;
        },
      }),
    );
    const rounds = await measureValues(sides, {
      rounds: bench.quick ? 1 : 5,
      onRound: (number) => bench.progress(`round ${number}`),
    });
    report(bench, rounds, sides);
    bench.note(
      `${customers} customers, ${RULES} rules, batches of ${EVENTS_PER_BATCH}; all sides made the same ${expected.decided().decided} decisions. ` +
        'Beckon checks, de-duplicates by event id and keeps explainable decisions; the databases do none of it, and get events without names and ids. ' +
        'Tarantool is spared the network; Redis is not (its share of a batch of 50 is small).',
    );
  } finally {
    for (const contender of contenders) await contender.stop();
  }
}

const openTarantoolWriting = (work: Work): Promise<Contender | null> => openTarantool(work, 'write');
const openTarantoolSyncing = (work: Work): Promise<Contender | null> => openTarantool(work, 'fsync');

export const suite: Suite = {
  name: 'peers-kernel',
  about: 'events/s of a shard against Tarantool and Redis doing the same work',
  ratios: ['vs_tarantool'],
  run,
};
