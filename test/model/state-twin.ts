/**
 * What PartitionState promises, kept the dumbest way: Maps, arrays, and every observation ever made, from which each
 * read recomputes everything.
 */
import type { AggregateLayout, AttributeLayout, ProfileLayout } from '../../src/state/layout.ts';

export type Value = number | string | readonly string[] | null;

interface Observation {
  readonly time: number;
  readonly number: number;
  readonly text: string;
}

export interface Contact {
  readonly ts: number;
  readonly campaign: string;
  readonly channel: string;
  readonly offer: string | null;
  readonly decision: number;
  readonly group: string | null;
  readonly category: string | null;
  readonly variant: string | null;
  readonly flags: number;
}

export interface Pending {
  readonly number: number;
  readonly dueMs: number;
  readonly kind: number;
  readonly campaign: string;
  readonly payload: readonly number[];
}

export interface Recent {
  readonly ts: number;
  readonly type: string;
  readonly payload: readonly number[];
}

interface Customer {
  readonly attributes: Map<string, Value>;
  /** By name and signature, in order of arrival. */
  readonly observations: Map<string, Observation[]>;
  readonly consents: Map<string, number>;
  contacts: Contact[];
  pending: Pending[];
  recent: Recent[];
}

export class Twin {
  layout: ProfileLayout = { attributes: [], aggregates: [] };
  readonly customers = new Map<string, Customer>();
  /** Of anonymous events. */
  pending: Pending[] = [];
  /** Remembered ids, oldest first. */
  readonly ids = new Map<string, { first: number; count: number }>();
  readonly #idsMax: number;

  constructor(idsMax: number) {
    this.#idsMax = idsMax;
  }

  copy(): Twin {
    const twin = new Twin(this.#idsMax);
    twin.layout = this.layout;
    twin.pending = [...this.pending];
    for (const [id, { attributes, observations, consents, contacts, pending, recent }] of this.customers) {
      twin.customers.set(id, {
        attributes: new Map(attributes),
        observations: new Map([...observations].map(([key, list]) => [key, [...list]])),
        consents: new Map(consents),
        contacts: [...contacts],
        pending: [...pending],
        recent: [...recent],
      });
    }
    for (const [key, value] of this.ids) twin.ids.set(key, value);
    return twin;
  }

  ensure(id: string): Customer {
    let customer = this.customers.get(id);
    if (customer === undefined) {
      const maps = { attributes: new Map(), observations: new Map(), consents: new Map() };
      customer = { ...maps, contacts: [], pending: [], recent: [] };
      this.customers.set(id, customer);
    }
    return customer;
  }

  configure(layout: ProfileLayout): void {
    const attributes = new Set(layout.attributes.map(({ name }) => name));
    const aggregates = new Set(layout.aggregates.map(keyOf));
    for (const customer of this.customers.values()) {
      for (const name of [...customer.attributes.keys()]) if (!attributes.has(name)) customer.attributes.delete(name);
      for (const key of [...customer.observations.keys()]) if (!aggregates.has(key)) customer.observations.delete(key);
    }
    this.layout = layout;
  }

  observe(
    id: string,
    aggregate: AggregateLayout,
    eventTs: number,
    logTime: number,
    number: number,
    text: string,
  ): void {
    const { observations } = this.ensure(id);
    const key = keyOf(aggregate);
    const list = observations.get(key) ?? [];
    list.push({ time: Math.min(eventTs, logTime), number, text });
    observations.set(key, list);
  }

  remember(key: string, first: number, count: number): void {
    if (this.ids.size === this.#idsMax) this.ids.delete(this.ids.keys().next().value as string);
    this.ids.set(key, { first, count });
  }

  /** Earliest by due time, then number; null if none has a due time. */
  first(): { customer: string | null; number: number; dueMs: number } | null {
    const all = [...this.customers].flatMap(([customer, { pending }]) =>
      pending.map((held) => ({ customer, ...held })),
    );
    const timed = [...all, ...this.pending.map((held) => ({ customer: null, ...held }))]
      .filter(({ dueMs }) => dueMs < Number.POSITIVE_INFINITY)
      .sort((a, b) => a.dueMs - b.dueMs || a.number - b.number);
    return timed[0] ?? null;
  }

  attribute(id: string, layout: AttributeLayout): Value {
    const value = this.ensure(id).attributes.get(layout.name) ?? layout.default;
    if (typeof value === 'boolean') return Number(value);
    return value;
  }

  aggregate(id: string, layout: AggregateLayout, logTime: number): Value {
    const all = this.ensure(id).observations.get(keyOf(layout)) ?? [];
    const bucketOf = (time: number): number => (layout.windowMs === null ? 0 : Math.floor(time / layout.resolutionMs));
    const newest = bucketOf(logTime);
    const width = layout.windowMs === null ? 1 : layout.windowMs / layout.resolutionMs;
    const live = all.filter(({ time }) => {
      const bucket = bucketOf(time);
      return layout.windowMs === null || (bucket > newest - width && bucket <= newest);
    });
    const numbers = live.map(({ number }) => number);
    switch (layout.fn) {
      case 'count':
        return live.length;
      case 'sum':
        return sumByBucket(live, bucketOf);
      case 'avg':
        return live.length === 0 ? null : sumByBucket(live, bucketOf) / live.length;
      case 'min':
        return live.length === 0 ? null : Math.min(...numbers) + 0;
      case 'max':
        return live.length === 0 ? null : Math.max(...numbers) + 0;
      case 'distinct':
        return new Set(live.map(({ number, text }) => (layout.valueType === 'string' ? text : number + 0))).size;
      case 'first':
      case 'last':
        return edge(live, layout);
    }
  }
}

export function keyOf({ name, signature }: AggregateLayout): string {
  return `${name} ${signature}`;
}

/** In each bucket in order of arrival, then over the buckets in ascending order: the order is part of the promise. */
function sumByBucket(live: readonly Observation[], bucketOf: (time: number) => number): number {
  const sums = new Map<number, number>();
  for (const { time, number } of live) {
    const bucket = bucketOf(time);
    const held = sums.get(bucket);
    sums.set(bucket, held === undefined ? number : held + number);
  }
  const ascending = [...sums].sort(([a], [b]) => a - b).map(([, sum]) => sum);
  return ascending.length === 0 ? 0 : ascending.reduce((total, sum) => total + sum) + 0;
}

function edge(live: readonly Observation[], { fn, valueType }: AggregateLayout): Value {
  const best = live.reduce<Observation | null>((held, next) => {
    if (held === null) return next;
    if (fn === 'first') return next.time < held.time ? next : held;
    return next.time >= held.time ? next : held;
  }, null);
  if (best === null) return null;
  return valueType === 'string' ? best.text : best.number + 0;
}
