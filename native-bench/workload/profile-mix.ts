/**
 * Customers as DESIGN.md's bar for memory mixes them: 12-byte ids; 6 double, 6 dictionary, 6 small int and 6 bool attributes, all set; 2 aggregates of all time,
 * 4 over 7 days, 4 over 30 days; one customer in ten is active, on 3 days within the shorter window. Values are functions of the customer's number.
 *
 * As events: one `$profile` each, then a `purchase` on each of the three days, in the order of time, in batches for their partition. Payloads are made by
 * patching a template, or making ten million events would take longer than applying them.
 */
import { pack } from 'msgpackr';
import { fmix32, partitionOf } from '../../src/stdx/hash.ts';
import { customerId, EVENTS_PER_BATCH, FIRST_TS } from './kernel.ts';

const PER_KIND = [0, 1, 2, 3, 4, 5] as const;
const DAY_MS = 86_400_000;
/** Days after FIRST_TS on which active customers buy. */
const ACTIVE_DAYS = [10, 12, 14] as const;
const ACTIVE_EVERY = 10;
/** When active customers bought last. */
export const LAST_ACTIVE_TS = FIRST_TS + ACTIVE_DAYS[2] * DAY_MS;
/** Distinct strings of a dictionary attribute. */
const WORDS = 500;
const WORD_TEXTS = PER_KIND.map((k) => Array.from({ length: WORDS }, (_, word) => wordText(k, word)));
const INT_BELOW = 1000;

/** `windows`: whether the aggregates over 7 and over 30 days are among them. */
export function profileMixWorkspace(windows = true): Record<string, string> {
  const attributes = [
    ['d', 'double'],
    ['s', 'string'],
    ['n', 'int'],
    ['b', 'bool'],
  ].flatMap(([prefix, type]) => PER_KIND.map((k) => `  ${prefix}${k}: {type: ${type}}\n`));
  const windowed = (windows ? ['7d', '30d'] : []).map(
    (window) =>
      `  purchases_${window}: {fn: count, event: purchase, window: ${window}, resolution: 1d}\n` +
      `  spent_${window}: {fn: sum, event: purchase, value: event.total, window: ${window}, resolution: 1d}\n` +
      `  lines_${window}: {fn: sum, event: purchase, value: event.lines, window: ${window}, resolution: 1d}\n` +
      `  largest_${window}: {fn: max, event: purchase, value: event.total, window: ${window}, resolution: 1d}\n`,
  );
  return {
    'workspace.yaml': 'name: mix\ntimezone: UTC\nchannels: [push]\n',
    'events.yaml': 'purchase: {total: double, lines: int}\n',
    'profile.yaml':
      `attributes:\n${attributes.join('')}aggregates:\n  purchases: {fn: count, event: purchase}\n` +
      `  spent: {fn: sum, event: purchase, value: event.total}\n${windowed.join('')}`,
  };
}

function draw(customer: number, salt: number): number {
  return fmix32(Math.imul(customer, 64) + salt) >>> 0;
}

/** Amounts with cents, then scores with four decimals. */
export function doubleOf(customer: number, k: number): number {
  const drawn = draw(customer, k);
  return k < 3 ? (drawn % 1_000_000) / 100 : (drawn % 10_000) / 10_000;
}

export function wordOf(customer: number, k: number): string {
  return (WORD_TEXTS[k] as readonly string[])[draw(customer, 8 + k) % WORDS] as string;
}

export function intOf(customer: number, k: number): number {
  return draw(customer, 16 + k) % INT_BELOW;
}

export function boolOf(customer: number, k: number): boolean {
  return (draw(customer, 24 + k) & 1) === 1;
}

export function isActive(customer: number): boolean {
  return customer % ACTIVE_EVERY === 3;
}

/** How many of so many customers are active; and the number of one of them, counted from 0. */
export function activeCustomers(customers: number): number {
  return Math.ceil(Math.max(0, customers - 3) / ACTIVE_EVERY);
}
export function activeCustomer(index: number): number {
  return 3 + index * ACTIVE_EVERY;
}

/** The purchases of an active customer; `day` counts from the epoch. */
export function purchasesOf(
  customer: number,
): { readonly day: number; readonly total: number; readonly lines: number }[] {
  return ACTIVE_DAYS.map((after, i) => ({
    day: Math.floor(FIRST_TS / DAY_MS) + after,
    total: totalOf(customer, i),
    lines: linesOf(customer, i),
  }));
}

/** How many events `profileMixBatches` makes of so many customers. */
export function profileMixEvents(customers: number): number {
  return customers + ACTIVE_DAYS.length * activeCustomers(customers);
}

export interface MixBatch {
  readonly partition: number;
  /** A message of a producer; good until the next one is asked for. */
  readonly payload: Uint8Array;
  readonly events: number;
}

/** Every customer's attributes; then a purchase of the active ones on the first day of all; then those on each of ACTIVE_DAYS. */
export type MixStage = 'attributes' | 'early purchase' | 'purchases';

export interface MixShare {
  readonly customers: number;
  /** Of all. */
  readonly partitions: number;
  /** Whether the messages of a partition are made here, or elsewhere. */
  readonly wanted: (partition: number) => boolean;
  /** Whether events have one; the engine remembers those that do. */
  readonly ids: boolean;
}

/** How many events `mixStageBatches` makes for all partitions together. */
export function mixStageEvents(stage: MixStage, customers: number): number {
  if (stage === 'attributes') return customers;
  return activeCustomers(customers) * (stage === 'purchases' ? ACTIVE_DAYS.length : 1);
}

/** The messages of one stage. Time never goes back in it, nor from one stage to the next. */
export function* mixStageBatches(stage: MixStage, share: MixShare): Generator<MixBatch> {
  const { ids } = share;
  if (stage === 'attributes') yield* batchesOf(new ProfileTemplate(ids), share, 0, 1);
  else if (stage === 'early purchase') yield* batchesOf(new PurchaseTemplate(0, 0, ids), share, 3, ACTIVE_EVERY);
  else
    for (const [i, day] of ACTIVE_DAYS.entries())
      yield* batchesOf(new PurchaseTemplate(i, day, ids), share, 3, ACTIVE_EVERY);
}

/** The mix with event ids: attributes and purchases. */
export function* profileMixBatches(customers: number, partitions: number): Generator<MixBatch> {
  yield* mixStageBatches('attributes', { customers, partitions, wanted: () => true, ids: true });
  yield* purchaseBatches(customers, partitions, () => true);
}

/** Of these, those behind all profiles; only those of some partitions, where others make the rest. */
export function* purchaseBatches(
  customers: number,
  partitions: number,
  wanted: (partition: number) => boolean,
): Generator<MixBatch> {
  yield* mixStageBatches('purchases', { customers, partitions, wanted, ids: true });
}

/** Purchases of a partition's active customers on their last day, each with an id of its own, so many in all. */
export function* idBatches(
  customers: number,
  partitions: number,
  partition: number,
  events: number,
): Generator<MixBatch> {
  const active: number[] = [];
  for (let customer = 3; customer < customers; customer += ACTIVE_EVERY)
    if (partitionOf(customerId(customer), partitions) === partition) active.push(customer);
  if (active.length === 0) return;
  const last = ACTIVE_DAYS.length - 1;
  const template = new PurchaseTemplate(last, ACTIVE_DAYS[last] as number, true);
  const batch = new BatchBuilder(partition, template.length);
  for (let n = 0; n < events; n++) {
    batch.add(template, active[n % active.length] as number, n);
    if (batch.events < EVENTS_PER_BATCH && n < events - 1) continue;
    yield batch.finish();
    batch.clear();
  }
}

function* batchesOf(
  template: Template,
  { customers, partitions, wanted }: MixShare,
  first: number,
  step: number,
): Generator<MixBatch> {
  const batches = Array.from({ length: partitions }, (_, partition) => new BatchBuilder(partition, template.length));
  for (let customer = first; customer < customers; customer += step) {
    const partition = partitionOf(customerId(customer), partitions);
    if (!wanted(partition)) continue;
    const batch = batches[partition] as BatchBuilder;
    batch.add(template, customer);
    if (batch.events === EVENTS_PER_BATCH) {
      yield batch.finish();
      batch.clear();
    }
  }
  for (const batch of batches) if (batch.events > 0) yield batch.finish();
}

/** Array of up to 65,535 elements: 0xdc, length. */
const ARRAY_HEADER_BYTES = 3;

class BatchBuilder {
  events = 0;
  readonly #partition: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(partition: number, eventBytes: number) {
    this.#partition = partition;
    this.#bytes = new Uint8Array(ARRAY_HEADER_BYTES + EVENTS_PER_BATCH * eventBytes);
    this.#view = new DataView(this.#bytes.buffer);
    this.#bytes[0] = 0xdc;
  }

  /** `id`: the event's number among those of its stage, or of its customer's. */
  add(template: Template, customer: number, id = customer): void {
    template.write(this.#bytes, this.#view, ARRAY_HEADER_BYTES + this.events * template.length, customer, id);
    this.events++;
  }

  finish(): MixBatch {
    this.#view.setUint16(1, this.events);
    const eventBytes = (this.#bytes.length - ARRAY_HEADER_BYTES) / EVENTS_PER_BATCH;
    const payload = this.#bytes.subarray(0, ARRAY_HEADER_BYTES + this.events * eventBytes);
    return { partition: this.#partition, payload, events: this.events };
  }

  clear(): void {
    this.events = 0;
  }
}

interface Template {
  readonly length: number;
  write(bytes: Uint8Array, view: DataView, at: number, customer: number, id: number): void;
}

// Values of the widest form that the template is made with, each found again in its bytes.
const WIDE_ID = 'i99999999999';
const WIDE_CUSTOMER = 'c99999999999';
const wideDouble = (k: number): number => 12_345.678 + k;
const wideInt = (k: number): number => INT_BELOW + k;

/** What all events begin with. */
class Head {
  readonly bytes: Uint8Array;
  /** Where their digits begin; 0: no id. */
  readonly #id: number;
  readonly #customer: number;

  /** `prefix`: ids of this stage begin with it. */
  constructor(
    prefix: string,
    ids: boolean,
    event: { readonly type: string; readonly ts: number; readonly data: object },
  ) {
    const id = `${prefix}${WIDE_ID.slice(1)}`;
    const { type, ts, data } = event;
    this.bytes = pack({ ...(ids ? { id } : {}), type, ts, customer: WIDE_CUSTOMER, data });
    this.#id = ids ? placeOf(this.bytes, id) + 1 : 0;
    this.#customer = placeOf(this.bytes, WIDE_CUSTOMER) + 1;
  }

  write(bytes: Uint8Array, at: number, customer: number, id: number): void {
    bytes.set(this.bytes, at);
    if (this.#id > 0) writeDigits(bytes, at + this.#id, 11, id);
    writeDigits(bytes, at + this.#customer, 11, customer);
  }
}

class ProfileTemplate implements Template {
  readonly length: number;
  readonly #head: Head;
  readonly #doubles: readonly number[];
  readonly #words: readonly number[];
  readonly #ints: readonly number[];
  readonly #bools: readonly number[];

  constructor(ids: boolean) {
    const data: Record<string, unknown> = {};
    for (const k of PER_KIND) data[`d${k}`] = wideDouble(k);
    for (const k of PER_KIND) data[`s${k}`] = wordText(k, WORDS);
    for (const k of PER_KIND) data[`n${k}`] = wideInt(k);
    for (const k of PER_KIND) data[`b${k}`] = true;
    this.#head = new Head('i', ids, { type: '$profile', ts: FIRST_TS, data });
    const { bytes } = this.#head;
    this.length = bytes.length;
    this.#doubles = PER_KIND.map((k) => placeOf(bytes, wideDouble(k)));
    this.#words = PER_KIND.map((k) => placeOf(bytes, wordText(k, WORDS)));
    this.#ints = PER_KIND.map((k) => placeOf(bytes, wideInt(k)));
    this.#bools = PER_KIND.map((k) => placeOf(bytes, `b${k}`) + 2);
  }

  write(bytes: Uint8Array, view: DataView, at: number, customer: number, id: number): void {
    this.#head.write(bytes, at, customer, id);
    for (const k of PER_KIND) {
      view.setFloat64(at + (this.#doubles[k] as number), doubleOf(customer, k));
      writeDigits(bytes, at + (this.#words[k] as number) + 3, 3, draw(customer, 8 + k) % WORDS);
      view.setUint16(at + (this.#ints[k] as number), intOf(customer, k));
      bytes[at + (this.#bools[k] as number)] = boolOf(customer, k) ? 0xc3 : 0xc2;
    }
  }
}

class PurchaseTemplate implements Template {
  readonly length: number;
  readonly #index: number;
  readonly #head: Head;
  readonly #total: number;
  readonly #lines: number;

  /** `index`: which of a customer's purchases it is; ids of each begin with another digit. */
  constructor(index: number, day: number, ids: boolean) {
    this.#index = index;
    const data = { total: wideDouble(0), lines: wideInt(0) };
    this.#head = new Head(String(index), ids, { type: 'purchase', ts: FIRST_TS + day * DAY_MS, data });
    const { bytes } = this.#head;
    this.length = bytes.length;
    this.#total = placeOf(bytes, wideDouble(0));
    this.#lines = placeOf(bytes, wideInt(0));
  }

  write(bytes: Uint8Array, view: DataView, at: number, customer: number, id: number): void {
    this.#head.write(bytes, at, customer, id);
    view.setFloat64(at + this.#total, totalOf(customer, this.#index));
    view.setUint16(at + this.#lines, linesOf(customer, this.#index));
  }
}

function totalOf(customer: number, index: number): number {
  return (draw(customer, 32 + index) % 50_000) / 100;
}

function linesOf(customer: number, index: number): number {
  return 1 + (draw(customer, 40 + index) % 20);
}

/** The id of the customer's `$profile` event. */
export function profileEventId(customer: number): string {
  return `i${String(customer).padStart(11, '0')}`;
}

/** Six bytes. */
function wordText(k: number, word: number): string {
  return `w${k}-${String(word).padStart(3, '0')}`;
}

/** Where the value's content begins, behind the byte that says what it is. */
function placeOf(bytes: Uint8Array, value: string | number): number {
  const found = Buffer.from(bytes).indexOf(pack(value));
  if (found < 0) throw new Error(`the template lacks ${value}`);
  return found + 1;
}

function writeDigits(bytes: Uint8Array, at: number, digits: number, value: number): void {
  let left = value;
  for (let i = at + digits - 1; i >= at; i--) {
    bytes[i] = 48 + (left % 10);
    left = Math.floor(left / 10);
  }
}
