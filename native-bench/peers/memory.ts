/**
 * Suite: resident bytes per customer, at ten million in Beckon, at one million in Redis hashes, with the mix of DESIGN.md's bar (workload/profile-mix.ts).
 * Bytes are counted once: they hardly differ from run to run.
 */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { fmix32, partitionOf } from '../../src/stdx/hash.ts';
import { collectGarbage, spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { customerId } from '../workload/kernel.ts';
import { boolOf, doubleOf, intOf, isActive, profileMixEvents, purchasesOf, wordOf } from '../workload/profile-mix.ts';
import { BeckonMix, MIX_PARTITIONS } from './beckon-mix.ts';
import { findDebianProgram } from './debian-program.ts';
import { Redis } from './redis.ts';

const CUSTOMERS = 10_000_000;
const REDIS_CUSTOMERS = 1_000_000;
/** Bytes hardly depend on how many there are. */
const REDIS_PLAIN_CUSTOMERS = 300_000;
const QUICK_CUSTOMERS = 2_000;
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

/** Reads a few customers back: the bytes are theirs. */
function checkFilled(mix: BeckonMix, customers: number): void {
  assert.equal(mix.customers, customers);
  assert.equal(mix.events, profileMixEvents(customers));
  for (const customer of [0, 3, customers - 1]) {
    const id = customerId(customer);
    const record = mix.customer(partitionOf(id, MIX_PARTITIONS), id);
    assert(record !== null);
    for (const k of KINDS) {
      assert.equal(record.attributes[`d${k}`], doubleOf(customer, k));
      assert.equal(record.attributes[`s${k}`], wordOf(customer, k));
      assert.equal(record.attributes[`n${k}`], intOf(customer, k));
      assert.equal(record.attributes[`b${k}`], boolOf(customer, k));
    }
    const purchases = isActive(customer) ? purchasesOf(customer) : [];
    assert.equal(record.aggregates['purchases'], purchases.length);
    assert.equal(record.aggregates['purchases_7d'], purchases.length);
    assert.equal(
      record.aggregates['lines_30d'],
      purchases.reduce((sum, { lines }) => sum + lines, 0),
    );
  }
}

async function run(bench: Bench): Promise<void> {
  const customers = bench.quick ? QUICK_CUSTOMERS : CUSTOMERS;
  const redis = await measureRedis(bench, bench.quick ? QUICK_CUSTOMERS : REDIS_CUSTOMERS, EXPERT);
  const plainRedis = await measureRedis(bench, bench.quick ? QUICK_CUSTOMERS : REDIS_PLAIN_CUSTOMERS, PLAIN);
  const mix = new BeckonMix();
  collectGarbage();
  const before = process.memoryUsage.rss();
  const begin = performance.now();
  mix.fill(customers, (events) => bench.progress(`Beckon: ${events} of ${profileMixEvents(customers)} events`));
  const seconds = (performance.now() - begin) / 1000;
  collectGarbage();
  const bytes = (process.memoryUsage.rss() - before) / customers;
  checkFilled(mix, customers);
  const touched = mix.touchedBytes / customers;
  if (typeof redis === 'string') bench.skip('bytes_vs_redis', redis);
  else {
    const detail = `Redis ${redis.version}, a hash per customer (${redis.encodings}), ${EXPERT.about}`;
    bench.measurement({ name: 'Redis, used_memory', unit: 'B/customer', ...spreadOf([redis.used]), detail });
    // Below a few thousand customers it may not have grown at all.
    if (redis.resident > 0)
      bench.measurement({ name: 'Redis, resident', unit: 'B/customer', ...spreadOf([redis.resident]), detail });
  }
  if (typeof plainRedis !== 'string')
    bench.measurement({
      name: 'Redis written plainly, used_memory',
      unit: 'B/customer',
      ...spreadOf([plainRedis.used]),
      detail: `the same (${plainRedis.encodings}), ${PLAIN.about}`,
    });
  if (bench.quick) {
    bench.skip('bytes_per_customer', 'a smoke run has too few customers to divide by');
    if (typeof redis !== 'string') bench.skip('bytes_vs_redis', 'a smoke run has too few customers to divide by');
    return;
  }
  bench.measurement({
    name: 'Beckon, filling',
    unit: 'events/s',
    ...spreadOf([profileMixEvents(customers) / seconds]),
    detail: 'making the events included, without a log',
  });
  bench.measurement({
    name: 'Beckon, counted by its partitions',
    unit: 'B/customer',
    ...spreadOf([touched]),
    detail: 'what the columns, tables and blocks touched, remembered event ids included',
  });
  bench.ratio({
    key: 'bytes_per_customer',
    name: 'resident bytes per customer',
    ...spreadOf([bytes]),
    detail: `growth of the process from no customers to ${customers}, in ${MIX_PARTITIONS} partitions`,
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
      'one customer in ten active on 3 days. Beckon also holds the last million event ids of each partition; Redis shares one bucket between both windows.',
  );
}

export const suite: Suite = {
  name: 'peers-memory',
  about: 'resident bytes per customer, against a Redis hash',
  ratios: ['bytes_per_customer', 'bytes_vs_redis'],
  run,
};
