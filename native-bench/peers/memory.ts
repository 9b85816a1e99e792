/**
 * Suite: resident bytes per customer, at ten million in Beckon, in as many Redis hashes as fill its table alike, with the mix of DESIGN.md's bar
 * (workload/profile-mix.ts). Bytes are counted once: they hardly differ from run to run.
 *
 * Beckon is filled in stages, and the growth of its resident memory is read after each. Redis remembers no event ids, so these events have none; ids, which are
 * a memory of fixed size per partition and not per customer, are measured afterwards on their own.
 */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EVENT_IDS_REMEMBERED } from '../../src/constants.ts';
import { fmix32 } from '../../src/stdx/hash.ts';
import { spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { customerId } from '../workload/kernel.ts';
import {
  boolOf,
  doubleOf,
  intOf,
  isActive,
  type MixStage,
  mixStageEvents,
  purchasesOf,
  wordOf,
} from '../workload/profile-mix.ts';
import { BeckonMix, MIX_PARTITIONS, type Resident, residentNow } from './beckon-mix.ts';
import { findDebianProgram } from './debian-program.ts';
import { Redis } from './redis.ts';

const CUSTOMERS = 10_000_000;
/**
 * What a hash takes does not depend on how many there are, only Redis' table of their names does, which doubles: a 64th of ten million fills it as far
 * (60 %), so that a name's share of it is the same.
 */
const REDIS_CUSTOMERS = CUSTOMERS / 64;
const QUICK_CUSTOMERS = 2_000;
/** Redis moves to a larger table bit by bit, in its idle moments too, and gives up what a connection's buffer grew to after two idle seconds. */
const REDIS_SETTLE_MS = 4000;
/** Events with ids per thread, all into one partition: as many as it remembers. */
const IDS = EVENT_IDS_REMEMBERED;
const QUICK_IDS = 1_000;
const REDIS_IN_FLIGHT = 256;
const KINDS = [0, 1, 2, 3, 4, 5] as const;

interface RedisBytes {
  readonly used: number;
  readonly resident: number;
  readonly encodings: string;
  readonly version: string;
}

/** How the hashes are written: as who knows Redis does, or as one does who does not think of bytes. */
interface RedisForm {
  readonly about: string;
  readonly nameOf: (short: string) => string;
  readonly scoreOf: (customer: number, k: number) => number;
}

const EXPERT: RedisForm = { about: 'names of two bytes, four decimals', nameOf: (short) => short, scoreOf: doubleOf };
const PLAIN: RedisForm = {
  about: 'names of eight bytes, scores with all digits of a double',
  nameOf: (short) => `field_${short}`,
  scoreOf: (customer, k) => (k < 3 ? doubleOf(customer, k) : fmix32(customer * 8 + k) / 2 ** 32),
};

/** Names of two bytes, before the form has its way with them; a field per purchase day and function, which the windows of 7 and of 30 days share, and two for all time. */
function redisFields(customer: number, { nameOf, scoreOf }: RedisForm): string[] {
  const fields: string[] = [];
  for (const k of KINDS) {
    fields.push(nameOf(`d${k}`), String(scoreOf(customer, k)), nameOf(`s${k}`), wordOf(customer, k));
    fields.push(nameOf(`n${k}`), String(intOf(customer, k)), nameOf(`b${k}`), boolOf(customer, k) ? '1' : '0');
  }
  if (!isActive(customer)) return fields;
  const purchases = purchasesOf(customer);
  const spent = purchases.reduce((sum, { total }) => sum + total, 0);
  fields.push(nameOf('pa'), String(purchases.length), nameOf('sa'), String(Number(spent.toFixed(2))));
  for (const { day, total, lines } of purchases)
    for (const [name, value] of [
      ['p', 1],
      ['s', total],
      ['l', lines],
      ['m', total],
    ] as const)
      fields.push(nameOf(`${name}${day}`), String(value));
  return fields;
}

async function memoryOf(redis: Redis): Promise<{ used: number; resident: number }> {
  const info = String(await redis.connection.send('INFO', 'memory'));
  const number = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]);
  return { used: number('used_memory'), resident: number('used_memory_rss') };
}

async function measureRedis(bench: Bench, customers: number, form: RedisForm): Promise<RedisBytes | string> {
  const program = await findDebianProgram('redis-server', !bench.quick, bench.progress);
  if (typeof program === 'string') return program;
  const redis = await Redis.start(program, join(bench.folder, form === EXPERT ? 'redis' : 'redis-plain'), {
    appendOnly: false,
  });
  try {
    const before = await memoryOf(redis);
    for (let first = 0; first < customers; first += REDIS_IN_FLIGHT) {
      const count = Math.min(REDIS_IN_FLIGHT, customers - first);
      await Promise.all(
        Array.from({ length: count }, (_, i) =>
          redis.connection.send('HSET', customerId(first + i), ...redisFields(first + i, form)),
        ),
      );
      if (first % (REDIS_IN_FLIGHT * 200) === 0) bench.progress(`Redis: ${first} customers`);
    }
    if (!bench.quick) await sleep(REDIS_SETTLE_MS);
    const after = await memoryOf(redis);
    const [quiet, active] = await Promise.all(
      [2, 3].map((customer) => redis.connection.send('OBJECT', 'ENCODING', customerId(customer))),
    );
    assert.equal(await redis.connection.send('DBSIZE'), customers);
    return {
      used: (after.used - before.used) / customers,
      resident: (after.resident - before.resident) / customers,
      encodings: quiet === active ? String(quiet) : `${quiet}, ${active} where active`,
      version: redis.version,
    };
  } finally {
    await redis.stop();
  }
}

interface Stage {
  readonly name: string;
  readonly stage: 'keys' | MixStage;
  readonly detail: string;
}

/** The windows are published after the third. */
const STAGES: readonly Stage[] = [
  { name: 'keys', stage: 'keys', detail: 'ids and their table' },
  { name: 'attributes', stage: 'attributes', detail: 'columns of 24 attributes, dictionaries' },
  { name: 'aggregates', stage: 'early purchase', detail: 'columns of the 2 of all time, resident for all customers' },
  {
    name: 'windows',
    stage: 'purchases',
    detail: 'blocks of the 8 over 7 and 30 days, of one customer in ten; references to them',
  },
];

interface StageBytes {
  readonly name: string;
  readonly detail: string;
  /** Grown by, all partitions together. */
  readonly total: number;
  readonly memories: number | null;
}

interface BeckonBytes {
  readonly threads: number;
  readonly stages: readonly StageBytes[];
  /** Of an empty node's threads: the process grew by this before there was a customer. */
  readonly empty: number;
  /** All stages together. */
  readonly total: number;
  readonly memories: number | null;
  /** As the partitions count what they touched. */
  readonly counted: number;
  /** Grown by, for each id. */
  readonly id: number;
}

async function measureBeckon(bench: Bench, customers: number): Promise<BeckonBytes> {
  const atRest = residentNow();
  const mix = BeckonMix.start(customers);
  try {
    const published = await mix.follow({ kind: 'workspace', windows: false });
    const start = residentNow();
    const stages: StageBytes[] = [];
    let before = start;
    let counted = 0;
    let events = 0;
    for (const { name, stage, detail } of STAGES) {
      if (stage === 'purchases') await mix.follow({ kind: 'workspace', windows: true });
      bench.progress(`Beckon: ${name} of ${customers} customers`);
      const report = await mix.follow({ kind: 'fill', stage });
      if (stage === 'early purchase' || stage === 'purchases') events += mixStageEvents(stage, customers);
      assert.equal(report.events, events);
      assert.equal(report.customers, customers);
      const now = residentNow();
      stages.push({ name, detail, ...grown(before, now) });
      before = now;
      counted = report.touchedBytes - published.touchedBytes;
    }
    await checkFilled(mix, customers);
    bench.progress('Beckon: event ids');
    const ids = bench.quick ? QUICK_IDS : IDS;
    const beforeIds = residentNow();
    await mix.follow({ kind: 'ids', events: ids });
    const ofIds = grown(beforeIds, residentNow());
    return {
      threads: mix.threads,
      stages,
      empty: start.total - atRest.total,
      ...grown(start, before),
      counted,
      id: (ofIds.memories ?? ofIds.total) / (ids * mix.threads),
    };
  } finally {
    await mix.stop();
  }
}

function grown(from: Resident, to: Resident): { readonly total: number; readonly memories: number | null } {
  const total = to.total - from.total;
  return { total, memories: from.memories === null || to.memories === null ? null : to.memories - from.memories };
}

/** Reads a few customers back: the bytes are theirs. */
async function checkFilled(mix: BeckonMix, customers: number): Promise<void> {
  for (const customer of [0, 3, customers - 1]) {
    const { customer: record } = await mix.follow({ kind: 'customer', customer });
    assert(record !== null);
    for (const k of KINDS) {
      assert.equal(record.attributes[`d${k}`], doubleOf(customer, k));
      assert.equal(record.attributes[`s${k}`], wordOf(customer, k));
      assert.equal(record.attributes[`n${k}`], intOf(customer, k));
      assert.equal(record.attributes[`b${k}`], boolOf(customer, k));
    }
    const purchases = isActive(customer) ? purchasesOf(customer) : [];
    // And the one before there were windows.
    assert.equal(record.aggregates['purchases'], isActive(customer) ? purchases.length + 1 : 0);
    assert.equal(record.aggregates['purchases_7d'], purchases.length);
    assert.equal(
      record.aggregates['lines_30d'],
      purchases.reduce((sum, { lines }) => sum + lines, 0),
    );
  }
}

function tellRedis(bench: Bench, bytes: RedisBytes, form: RedisForm, name: string): void {
  const detail = `Redis ${bytes.version}, a hash per customer (${bytes.encodings}), ${form.about}; ${REDIS_CUSTOMERS} customers`;
  bench.measurement({ name: `${name}, used_memory`, unit: 'B/customer', ...spreadOf([bytes.used]), detail });
  // Below a few thousand customers it may not have grown at all.
  if (bytes.resident > 0)
    bench.measurement({ name: `${name}, resident`, unit: 'B/customer', ...spreadOf([bytes.resident]), detail });
}

function tellBeckon(bench: Bench, bytes: BeckonBytes): void {
  const megabytes = (value: number): string => `${Math.round(value / 1e6)} MB`;
  for (const { name, detail, total, memories } of bytes.stages)
    bench.measurement({
      name: `Beckon, ${name}`,
      unit: 'B/customer',
      ...spreadOf([(memories ?? total) / CUSTOMERS]),
      detail,
    });
  bench.measurement({
    name: 'Beckon, as its partitions count',
    unit: 'B/customer',
    ...spreadOf([bytes.counted / CUSTOMERS]),
    detail: 'beckon_memory_bytes: what columns, tables and blocks touched, beside the four lines above',
  });
  bench.measurement({
    name: 'Beckon, remembered event ids',
    unit: 'B/id',
    ...spreadOf([bytes.id]),
    detail: `at most ${EVENT_IDS_REMEMBERED} per partition, table included, measured on full ones`,
  });
  const withIds = mixStageEvents('attributes', CUSTOMERS) + mixStageEvents('purchases', CUSTOMERS);
  const remembered = Math.min(withIds, EVENT_IDS_REMEMBERED * MIX_PARTITIONS);
  bench.measurement({
    name: 'Beckon, event ids if all events had one',
    unit: 'B/customer',
    ...spreadOf([(remembered * bytes.id) / CUSTOMERS]),
    detail: `${remembered} of a profile and the purchases of each customer, × the line above; not part of the ratios`,
  });
  bench.measurement({
    name: 'Beckon, an empty node',
    unit: 'MB',
    ...spreadOf([bytes.empty / 1e6]),
    detail: `${bytes.threads} threads with their V8 heaps and code, before the first customer; not part of the ratios`,
  });
  if (bytes.memories !== null)
    bench.note(
      `Of the ${megabytes(bytes.total)} that the process grew by, ${megabytes(bytes.memories)} are in the partitions' memories; the rest is V8's heap and compiled code.`,
    );
}

async function run(bench: Bench): Promise<void> {
  const customers = bench.quick ? QUICK_CUSTOMERS : CUSTOMERS;
  const redisCustomers = bench.quick ? QUICK_CUSTOMERS : REDIS_CUSTOMERS;
  const redis = await measureRedis(bench, redisCustomers, EXPERT);
  const plainRedis = await measureRedis(bench, redisCustomers, PLAIN);
  const beckon = await measureBeckon(bench, customers);
  if (typeof redis === 'string') bench.skip('bytes_vs_redis', redis);
  else tellRedis(bench, redis, EXPERT, 'Redis');
  if (typeof plainRedis !== 'string') tellRedis(bench, plainRedis, PLAIN, 'Redis written plainly');
  if (bench.quick) {
    bench.skip('bytes_per_customer', 'a smoke run has too few customers to divide by');
    if (typeof redis !== 'string') bench.skip('bytes_vs_redis', 'a smoke run has too few customers to divide by');
    return;
  }
  tellBeckon(bench, beckon);
  const bytes = beckon.total / CUSTOMERS;
  bench.ratio({
    key: 'bytes_per_customer',
    name: 'resident bytes per customer',
    ...spreadOf([bytes]),
    detail: `growth of the process from no customers to ${CUSTOMERS}, in ${MIX_PARTITIONS} partitions; events without ids, as Redis keeps none`,
  });
  if (typeof redis !== 'string')
    bench.ratio({
      key: 'bytes_vs_redis',
      name: 'bytes per customer vs Redis',
      ...spreadOf([bytes / redis.used]),
      detail: "Beckon's resident bytes ÷ Redis' used_memory (without its fragmentation), per customer",
    });
  if (typeof plainRedis !== 'string')
    bench.ratio({
      key: null,
      name: 'bytes per customer vs Redis written plainly',
      ...spreadOf([bytes / plainRedis.used]),
      detail: `the same, Redis with ${PLAIN.about}`,
    });
  bench.note(
    '12-byte ids; 6 double (2 to 4 decimals), 6 dictionary (6 bytes, 500 words each), 6 small int, 6 bool, all set; 2 aggregates of all time, 4 over 7 days, 4 over 30; ' +
      'one customer in ten active on 3 days. Redis shares one bucket between both windows.',
  );
}

export const suite: Suite = {
  name: 'peers-memory',
  about: 'resident bytes per customer, against a Redis hash',
  ratios: ['bytes_per_customer', 'bytes_vs_redis'],
  run,
};
