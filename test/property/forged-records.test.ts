/**
 * Records that no publisher and no partition wrote: a real version, beginning of a filling or message with parts deleted, retyped, nested, exchanged or huge. Each is refused, and then nothing has changed,
 * or it counts; whatever comes behind it is applied, and a machine that was restored meanwhile, and one that goes the thorough way, do the same.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeBegin, encodeEnd, type FillBegin } from '../../src/machine/fill/fill-record.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import { compileAggregate, newAggregates } from '../../src/replay/fill/extended-workspace.ts';
import { fnv1a32 } from '../../src/stdx/hash.ts';
import { MachineFixture, workspaceOf } from '../support/machine-fixture.ts';
import { fullWorkspace } from '../support/workspaces/full-workspace.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const NOON = Date.UTC(2026, 2, 2, 12);
const encoder = new TextEncoder();

/** All of it asked. */
const FILES = Object.fromEntries(
  Object.entries(fullWorkspace()).map(([path, text]) => {
    const status = path === 'campaigns/cron.yaml' ? 'shadow' : 'live';
    return [path, text.replace(/status: (paused|draft)/, `status: ${status}`)] as const;
  }),
);
const WORKSPACE = workspaceOf(FILES, 2);

interface Mutation {
  /** Of a program, the one of this number; null: of anything. */
  readonly program: number | null;
  /** How to come to the part: by the share of the keys that are passed over, until there is none left. */
  readonly path: readonly number[];
  readonly change: Change;
}
type Change =
  | { readonly put: Json }
  | { readonly as: 'nothing' | 'list' | 'object' | 'next' }
  | { readonly copyOf: readonly number[] };

const VALUES: readonly Json[] = [
  null,
  true,
  false,
  0,
  1,
  2,
  -1,
  0.5,
  '',
  'x',
  '1',
  [],
  {},
  [0],
  ['x'],
  [null],
  { x: 0 },
];
const HUGE: readonly Json[] = [2 ** 31, 2 ** 53, 1e300, -1e300, 123_456];
const path = fc.array(fc.double({ min: 0, max: 0.999999, noNaN: true }), { minLength: 1, maxLength: 12 });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constantFrom(...VALUES, ...HUGE).map((put) => ({ put })),
  fc.constantFrom('nothing', 'list', 'object', 'next').map((as) => ({ as })),
  path.map((copyOf) => ({ copyOf })),
);
const program = fc.option(fc.nat({ max: 1000 }));
const mutations = fc.array(fc.record({ program, path, change }), { minLength: 1, maxLength: 3 });

function programsOf(part: Json): Json[] {
  if (typeof part !== 'object' || part === null) return [];
  return 'ir' in part ? [part] : Object.values(part).flatMap(programsOf);
}

function partAt(root: Json, shares: readonly number[]): { holder: Record<string, Json>; key: string } {
  let place = { holder: { root } as Record<string, Json>, key: 'root' };
  for (const share of shares) {
    const part = place.holder[place.key] as Json;
    const keys = typeof part === 'object' && part !== null ? Object.keys(part) : [];
    if (keys.length === 0) break;
    place = { holder: part as Record<string, Json>, key: keys[Math.floor(share * keys.length)] as string };
  }
  return place;
}

function forge(real: unknown, made: readonly Mutation[]): Json {
  const forged = structuredClone(real) as Json;
  for (const { program, path, change } of made) {
    const programs = program === null ? [] : programsOf(forged);
    const root = programs[(program ?? 0) % programs.length] ?? forged;
    const { holder, key } = partAt(root, path);
    const old = holder[key] as Json;
    if ('put' in change) holder[key] = structuredClone(change.put);
    else if ('copyOf' in change) {
      const from = partAt(root, change.copyOf);
      holder[key] = structuredClone(from.holder[from.key] as Json);
    } else if (change.as === 'nothing') delete holder[key];
    else if (change.as === 'list') holder[key] = [old];
    else if (change.as === 'object') holder[key] = { x: old };
    else holder[key] = typeof old === 'number' ? old + 1 : old;
  }
  return forged;
}

interface Input {
  readonly kind: RecordKind;
  readonly payload: unknown;
  readonly ts: number;
}

/** Of every type, before and behind what falls due. */
function day(first: number): Input[] {
  const events = (ts: number, payload: unknown): Input => ({ kind: RecordKind.events, payload, ts });
  const customers = ['ann', 'bob', null];
  const receipt = (customer: string | null, ts: number, total: number) => ({
    type: 'receipt',
    ...(customer === null ? {} : { customer }),
    ts,
    data: {
      total,
      store: 'web',
      items: [{ sku: 'a', name: 'HEART', qty: 2, price: 1.5 }, { sku: 'b' }].slice(0, 1 + (total % 2)),
      ...(total % 3 === 0 ? { tags: ['web'] } : {}),
      till: { opened: ts, training: true, place: { city: 'Bath' } },
    },
  });
  return [
    events(first, [
      {
        type: '$profile',
        customer: 'ann',
        data: { country: 'GB', tier: 'gold', timezone: 'Europe/Paris', tags: ['x'] },
      },
      { type: '$consent', customer: 'ann', data: { sms: true, email: true } },
      ...customers.flatMap((customer) => [
        receipt(customer, first, 600),
        { type: 'opened', customer: customer ?? 'cy', ts: first },
      ]),
    ]),
    events(
      first + MINUTE_MS,
      customers.map((customer) => receipt(customer, first + MINUTE_MS, 601)),
    ),
    events(
      first + MINUTE_MS,
      [1, 2, 3, 4].map((n) => ({
        type: '$feedback',
        customer: 'ann',
        data: { decision: `0-${n}`, outcome: 'opened' },
      })),
    ),
    ...[31 * MINUTE_MS, 3 * HOUR_MS, 9 * HOUR_MS, 21 * HOUR_MS, 22.5 * HOUR_MS].map((ms) => ({
      kind: RecordKind.tick,
      payload: null,
      ts: first + ms,
    })),
    events(first + 23 * HOUR_MS, [
      ...customers.map((customer) => receipt(customer, first + 23 * HOUR_MS, 3)),
      { type: 'purchase', customer: 'ann' },
      { type: '$feedback', customer: 'bob', data: { decision: '0-2', outcome: 'converted' } },
    ]),
  ];
}

function append(fixture: MachineFixture, { kind, payload, ts }: Input): string {
  const json = payload === null ? '' : JSON.stringify(payload);
  const bytes = payload instanceof Uint8Array ? payload : encoder.encode(json);
  const { decisions, messages, workspaceError, fillError, rejections } = fixture.append(kind, bytes, ts);
  const made = decisions.map((each) => Buffer.from(each.json).toString());
  return JSON.stringify([workspaceError, fillError, made, messages, rejections, fixture.machine.digest()]);
}

const BEFORE: readonly Input[] = [
  { kind: RecordKind.workspace, payload: { ...WORKSPACE, version: 1 }, ts: NOON },
  ...day(NOON),
  { kind: RecordKind.tick, payload: null, ts: NOON + DAY_MS },
];
const BEHIND: readonly Input[] = [...day(NOON + DAY_MS), ...day(NOON + 2 * DAY_MS)];

/** One goes the fast way, one the thorough. */
class Twins {
  readonly live: MachineFixture;
  readonly #thorough: MachineFixture;

  constructor(partitions: number) {
    this.live = new MachineFixture({ clock: 'wall', partitions });
    this.#thorough = new MachineFixture({ clock: 'wall', partitions, fast: false });
    for (const record of BEFORE) {
      this.append(record);
      expect(this.live.effects.workspaceError).toBe(null);
    }
  }

  append(record: Input): string {
    const told = append(this.live, record);
    expect(append(this.#thorough, record)).toBe(told);
    return told;
  }

  /** And so does one that is restored. */
  goOn(): void {
    const restored = this.live.clone();
    for (const record of BEHIND) expect(append(restored, record)).toBe(this.append(record));
  }
}

/** `run` says whether a record was taken; some are to be, and some not. */
function both(run: (made: readonly Mutation[]) => boolean): void {
  const seen = { taken: 0, refused: 0 };
  const property = fc.property(mutations, (made) => void seen[run(made) ? 'taken' : 'refused']++);
  fc.assert(property, { numRuns: Number(process.env['FORGED_RUNS'] ?? 60) });
  expect(Math.min(seen.taken, seen.refused), JSON.stringify(seen)).toBeGreaterThan(0);
}

test('versions', () => {
  both((made) => {
    const twins = new Twins(1);
    const { machine, effects } = twins.live;
    const before = machine.digest();
    twins.append({ kind: RecordKind.workspace, payload: forge(WORKSPACE, made), ts: NOON + DAY_MS });
    const refused = effects.workspaceError !== null;
    if (refused) expect([machine.workspaceVersion, machine.digest()]).toEqual([1, before]);
    twins.goOn();
    return !refused;
  });
});

test('what fillings begin with', () => {
  const profile = FILES['profile.yaml']?.replace(
    'segments:',
    `  seen: {fn: distinct, event: receipt, value: event.store, window: 7d}
  sum: {fn: sum, event: receipt, value: 'event.total * 2.0', when: 'event.items.exists(i, i.qty > 1)'}
segments:`,
  );
  const next = workspaceOf({ ...FILES, 'profile.yaml': profile as string }, 2);
  const aggregates = newAggregates(WORKSPACE, next).map((each, i) => compileAggregate(WORKSPACE, each, i));
  expect(aggregates).toHaveLength(2);
  both((made) => {
    const twins = new Twins(1);
    const at = NOON + DAY_MS;
    const begin = forge({ version: 1, aggregates }, made) as unknown as FillBegin;
    twins.append({ kind: RecordKind.fill, payload: encodeBegin('f', begin), ts: at });
    const taken = twins.live.machine.filling.busy;
    const [first, ...rest] = BEHIND.map((record) => ({ ...record, ts: at }));
    twins.append(first as Input);
    twins.append({ kind: RecordKind.fill, payload: encodeEnd('f', 0), ts: at });
    for (const record of rest) twins.append(record);
    twins.append({ kind: RecordKind.workspace, payload: next, ts: at });
    expect(twins.live.effects.workspaceError).toBe(null);
    twins.goOn();
    return taken;
  });
});

test('messages of other partitions', () => {
  const keys = [
    'offer/flowers-20',
    'total/hearts-companion',
    'day/hearts-companion/20514',
    'day/hearts-companion/20515',
  ];
  const kept = keys.filter((key) => fnv1a32(key) % 2 === 0);
  const lent = keys.filter((key) => fnv1a32(key) % 2 === 1);
  expect(Math.min(kept.length, lent.length)).toBeGreaterThan(0);
  const messages = [
    ...kept.map((key) => ({ kind: 'ask', key, units: 3, version: 1 })),
    ...kept.map((key) => ({ kind: 'return', key, units: 1, undecided: 0, round: 0 })),
    ...lent.map((key) => ({ kind: 'grant', key, units: 5 })),
    ...lent.map((key) => ({ kind: 'recall', key, round: 1 })),
    ...lent.flatMap((key) => [
      { kind: 'deny', key },
      { kind: 'available', key },
    ]),
  ];
  both((made) => {
    const payload = forge({ from: 1, first: 1, messages }, made);
    const twins = new Twins(2);
    const before = twins.live.machine.digest();
    twins.append({ kind: RecordKind.message, payload, ts: NOON + DAY_MS });
    const taken = twins.live.machine.takenFrom(1) > 0;
    if (!taken) expect(twins.live.machine.digest()).toBe(before);
    twins.goOn();
    return taken;
  });
});
