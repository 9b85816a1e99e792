/**
 * The work that Beckon's machine, the C++ program and Tarantool all do: an event of 200 bytes finds its customer's row among a million, is counted in two
 * windowed aggregates, and is tried against N rules of five shapes; the best match within the cap is decided. About one event in a hundred decides, whatever N.
 *
 * Everything is drawn from a seed. What a rule says is here once, as numbers (`rules`), from which the CEL text and the peers' own forms are made.
 */
import { Packr, pack } from 'msgpackr';
import { Prng } from '../../src/stdx/prng.ts';

export const STORES = 200;
export const TIERS = ['basic', 'bronze', 'silver', 'gold', 'platinum', 'vip', 'staff', 'press'] as const;
export const CHANNELS = ['pos', 'web', 'app', 'phone'] as const;
const COUNTRIES = 40;
/** The first event's time, 2026-01-01T00:00:00Z, and the time between two events, ms. */
export const FIRST_TS = 1_767_225_600_000;
export const EVENT_EVERY_MS = 20;
export const EVENTS_PER_BATCH = 50;
/** Of all events, the share that some rule matches. */
const MATCHING = 0.01;

/**
 * Shapes, by number; `total` is uniform over [0, 500), `discount` over [0, 0.5), `lines` over 1 … 20, half of the events are members'.
 * 0: event.total > limit && profile.receipts_30d >= 1
 * 1: event.total > limit && profile.tier in [tier, "vip"]
 * 2: event.store == store && event.total > limit
 * 3: event.discount > limit && event.lines >= 11
 * 4: event.member && profile.spend_30d > 100 + n / 8 && event.total > limit
 */
export interface KernelRule {
  readonly id: string;
  readonly shape: 0 | 1 | 2 | 3 | 4;
  readonly limit: number;
  /** Shape 1: index into TIERS; shape 2: index of the store; shape 4: n. */
  readonly other: number;
  readonly priority: number;
}

export interface KernelEvent {
  readonly id: string;
  readonly type: 'receipt';
  readonly ts: number;
  readonly customer: string;
  readonly data: {
    readonly total: number;
    readonly store: string;
    readonly channel: string;
    readonly lines: number;
    readonly discount: number;
    readonly member: boolean;
  };
}

export type PayloadForm = 'json' | 'messagepack' | 'records';

/** Twelve characters. */
export function customerId(customer: number): string {
  return `c${String(customer).padStart(11, '0')}`;
}

/** Of a shape's matches, the share that its other conditions let pass: tiers, stores, lines, members. */
const PASSING = [1, 1 / 4, 1 / STORES, 1 / 2, 1 / 2] as const;
const SHAPES = PASSING.length;

/**
 * Every shape matches one in five of the matching events, however many rules there are: limits rise from rule to rule, so that the events of a higher limit are
 * among those of a lower one; only the rules of shape 2, each of another store, share the events out among themselves.
 */
export function kernelRules(count: number): KernelRule[] {
  const perShape = Math.ceil(count / SHAPES);
  return Array.from({ length: count }, (_, n) => {
    const shape = (n % SHAPES) as KernelRule['shape'];
    const place = Math.floor(n / SHAPES);
    const share = (MATCHING / SHAPES) * (shape === 2 ? 1 / Math.min(perShape, STORES) : (place + 1) / perShape);
    const limit = Number(((shape === 3 ? 0.5 : 500) * (1 - Math.min(0.9, share / PASSING[shape]))).toFixed(6));
    const other = shape === 1 ? n % (TIERS.length - 1) : shape === 2 ? place % STORES : shape === 4 ? n : 0;
    return { id: `rule-${n}`, shape, limit, other, priority: n % 10 };
  });
}

export function kernelPredicate({ shape, limit, other }: KernelRule): string {
  // A double's literal in CEL has a point.
  const bound = Number.isInteger(limit) ? `${limit}.0` : String(limit);
  switch (shape) {
    case 0:
      return `event.total > ${bound} && profile.receipts_30d >= 1`;
    case 1:
      return `event.total > ${bound} && profile.tier in ["${TIERS[other]}", "vip"]`;
    case 2:
      return `event.store == "store-${other}" && event.total > ${bound}`;
    case 3:
      return `event.discount > ${bound} && event.lines >= 11`;
    case 4:
      return `event.member && profile.spend_30d > ${(100 + other / 8).toFixed(3)} && event.total > ${bound}`;
  }
}

/** The workspace's files, for `compileWorkspace` or to be written to a folder. */
export function kernelWorkspace(rules: readonly KernelRule[]): Record<string, string> {
  const files: Record<string, string> = {
    'workspace.yaml': 'name: kernel\ntimezone: UTC\nchannels: [push]\n',
    'events.yaml':
      'receipt: {total: double, store: string, channel: string, lines: int, discount: double, member: bool}\n',
    'profile.yaml':
      'attributes:\n  tier: {type: string}\n  country: {type: string}\n  score: {type: double}\n' +
      'aggregates:\n  receipts_30d: {fn: count, event: receipt, window: 30d}\n' +
      '  spend_30d: {fn: sum, event: receipt, value: event.total, window: 30d}\n',
    'policy.yaml': 'consent: {push: none-needed}\ncaps: [{name: any-day, max: 1, per: 1d}]\n',
  };
  for (const rule of rules) {
    files[`campaigns/${rule.id}.yaml`] =
      `id: ${rule.id}\non: receipt\nchannels: [push]\npriority: ${rule.priority}\nwhen: '${kernelPredicate(rule)}'\n`;
  }
  return files;
}

/** Index into TIERS of a customer, and the rest of the profile. */
export function tierOf(customer: number): number {
  return customer % TIERS.length;
}

export function profileEvent(customer: number): object {
  return {
    id: `profile-${customer}`,
    type: '$profile',
    ts: FIRST_TS,
    customer: customerId(customer),
    data: {
      tier: TIERS[tierOf(customer)],
      country: `country-${customer % COUNTRIES}`,
      score: (customer % 1000) / 1000,
    },
  };
}

/** Batches that make all customers known, one `$profile` event each. */
export function* profilePayloads(customers: number, form: PayloadForm): Generator<Uint8Array> {
  for (let first = 0; first < customers; first += EVENTS_PER_BATCH) {
    const count = Math.min(EVENTS_PER_BATCH, customers - first);
    yield encodeEvents(
      Array.from({ length: count }, (_, i) => profileEvent(first + i)),
      form,
    );
  }
}

/** An endless source of receipts over `customers`, each with an id of its own. */
export class KernelEvents {
  readonly #random: Prng;
  readonly #customers: number;
  #next = 0;

  constructor(customers: number, seed: number) {
    this.#random = new Prng(seed);
    this.#customers = customers;
  }

  next(): KernelEvent {
    const n = this.#next++;
    const random = this.#random;
    return {
      id: `receipt-${String(n).padStart(9, '0')}`,
      type: 'receipt',
      ts: FIRST_TS + n * EVENT_EVERY_MS,
      customer: customerId(random.below(this.#customers)),
      data: {
        total: Math.round(random.float() * 500e6) / 1e6,
        store: `store-${random.below(STORES)}`,
        channel: random.pick(CHANNELS),
        lines: 1 + random.below(20),
        discount: Math.round(random.float() * 0.5e9) / 1e9,
        member: random.below(2) === 1,
      },
    };
  }

  batch(form: PayloadForm, count = EVENTS_PER_BATCH): Uint8Array {
    return encodeEvents(
      Array.from({ length: count }, () => this.next()),
      form,
    );
  }
}

const encoder = new TextEncoder();

/** `records`: msgpackr's, each message with the structures that it uses. */
export function encodeEvents(events: readonly object[], form: PayloadForm): Uint8Array {
  if (form === 'json') return encoder.encode(JSON.stringify(events));
  if (form === 'messagepack') return new Uint8Array(pack(events));
  return new Uint8Array(new Packr({ useRecords: true }).pack(events));
}
