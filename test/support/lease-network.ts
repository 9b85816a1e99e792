/**
 * Partitions that lend each other units, without machines around them: each has a log of what came to it, messages between two of them arrive in their order but any
 * time later, some of them twice, and any partition may be thrown away and made again from an exported state and the rest of its log.
 *
 * It keeps the books that the code under test cannot see: what was used of each key, and where every unit is.
 */
import { expect } from 'vitest';
import {
  baseOf,
  dayBase,
  dayKey,
  dayOf,
  type LeaseTerms,
  NO_TERMS,
  offerKey,
  totalKey,
} from '../../src/machine/leases/lease-key.ts';
import { Leases, type LeasesImage } from '../../src/machine/leases/leases.ts';
import type { LeaseMessage } from '../../src/protocol/partition-message.ts';
import { fnv1a32 } from '../../src/stdx/hash.ts';
import type { Prng } from '../../src/stdx/prng.ts';

/** Kinds of keys that decisions of a campaign need. */
export interface LeaseCampaign {
  readonly id: string;
  readonly offer: string | null;
}

type Input =
  | { readonly kind: 'terms'; readonly terms: LeaseTerms }
  | { readonly kind: 'demand'; readonly campaign: LeaseCampaign; readonly id: number; readonly refuses: boolean }
  | { readonly kind: 'giveBack'; readonly id: number; readonly keys: readonly string[] }
  | { readonly kind: 'withdraw'; readonly id: number }
  | { readonly kind: 'day' }
  | { readonly kind: 'message'; readonly from: number; readonly number: number; readonly message: LeaseMessage };

type End = 'decided' | 'denied' | 'refused';

interface Wait {
  readonly campaign: LeaseCampaign;
  /** It will not want its units when it has them: policy says no by then. */
  readonly refuses: boolean;
}

interface NodeImage {
  readonly leases: LeasesImage;
  readonly terms: LeaseTerms | null;
  readonly received: number[];
  readonly sent: number[];
  readonly waits: [number, Wait][];
  readonly day: number;
}

/** What one partition decided, denied, or still waits for. */
export class LeaseNode {
  readonly partition: number;
  readonly partitions: number;
  leases: Leases;
  terms: LeaseTerms | null = null;
  day = 100;
  received: number[];
  sent: number[];
  waits = new Map<number, Wait>();
  readonly #emit: (to: number, number: number, message: LeaseMessage) => void;
  readonly #end: (id: number, end: End, keys: readonly string[], denied: string | null) => void;

  constructor(
    partition: number,
    partitions: number,
    emit: (to: number, number: number, message: LeaseMessage) => void,
    end: (id: number, end: End, keys: readonly string[], denied: string | null) => void,
  ) {
    this.partition = partition;
    this.partitions = partitions;
    this.#emit = emit;
    this.#end = end;
    this.received = new Array<number>(partitions).fill(0);
    this.sent = new Array<number>(partitions).fill(0);
    this.leases = this.#newLeases();
  }

  apply(input: Input): void {
    switch (input.kind) {
      case 'terms':
        this.terms = input.terms;
        this.leases.adopt(input.terms);
        for (const [id, { campaign }] of [...this.waits]) {
          const keys = this.#keys(campaign);
          const before = this.leases.keysOf(id);
          if (before === null || JSON.stringify(keys) === JSON.stringify(before)) continue;
          this.leases.release(id);
          this.leases.wait(keys, id, 0);
        }
        break;
      case 'demand':
        this.#demand(input.campaign, input.id, input.refuses);
        break;
      case 'giveBack':
        this.leases.giveBack(input.keys);
        break;
      case 'withdraw':
        if (this.waits.delete(input.id)) {
          this.leases.release(input.id);
          this.#end(input.id, 'refused', [], null);
        }
        break;
      case 'day':
        this.day++;
        break;
      case 'message':
        if (input.number <= (this.received[input.from] as number)) return;
        expect(input.number).toBe((this.received[input.from] as number) + 1);
        this.received[input.from] = input.number;
        this.leases.handle(input.from, input.message);
    }
    this.#settle();
  }

  image(): string {
    const { terms, received, sent, day } = this;
    const plainTerms = terms === null ? null : { ...terms, limits: [...terms.limits] };
    return JSON.stringify({
      leases: this.leases.export(),
      terms: plainTerms,
      received,
      sent,
      waits: [...this.waits],
      day,
    });
  }

  restore(text: string): void {
    const image = JSON.parse(text) as Omit<NodeImage, 'terms'> & { terms: { limits: [string, number][] } | null };
    this.received = image.received;
    this.sent = image.sent;
    this.waits = new Map(image.waits);
    this.day = image.day;
    this.terms =
      image.terms === null ? null : ({ ...image.terms, limits: new Map(image.terms.limits) } as unknown as LeaseTerms);
    this.leases = this.#newLeases();
    this.leases.import(image.leases, this.terms ?? NO_TERMS);
  }

  #newLeases(): Leases {
    return new Leases(this.partition, this.partitions, (to, message) => {
      expect(to).not.toBe(this.partition);
      const number = (this.sent[to] as number) + 1;
      this.sent[to] = number;
      this.#emit(to, number, structuredClone(message));
    });
  }

  #keys(campaign: LeaseCampaign): string[] {
    const limited = (base: string): boolean => this.terms?.limits.has(base) === true;
    const keys: string[] = [];
    if (limited(totalKey(campaign.id))) keys.push(totalKey(campaign.id));
    if (limited(dayBase(campaign.id))) keys.push(dayKey(campaign.id, this.day));
    if (campaign.offer !== null && limited(offerKey(campaign.offer))) keys.push(offerKey(campaign.offer));
    return keys;
  }

  #demand(campaign: LeaseCampaign, id: number, refuses: boolean): void {
    const keys = this.#keys(campaign);
    const denied = this.leases.usedUp(keys);
    if (denied !== null) this.#end(id, 'denied', keys, denied);
    else if (this.leases.take(keys)) this.#end(id, 'decided', keys, null);
    else {
      this.waits.set(id, { campaign, refuses });
      this.leases.wait(keys, id, 0);
    }
  }

  #settle(): void {
    for (let outcome = this.leases.next(); outcome !== null; outcome = this.leases.next()) {
      const id = outcome.waiter;
      const wait = this.waits.get(id) as Wait;
      const held = this.leases.keysOf(id);
      const keys = this.#keys(wait.campaign);
      const oldDay = outcome.denied !== null && dayOf(outcome.denied) !== null && dayOf(outcome.denied) !== this.day;
      if (held !== null ? JSON.stringify(held) !== JSON.stringify(keys) : oldDay) {
        this.leases.release(id);
        this.leases.wait(keys, id, 0);
        continue;
      }
      this.waits.delete(id);
      if (outcome.denied !== null) this.#end(id, 'denied', keys, outcome.denied);
      else if (wait.refuses) {
        this.leases.release(id);
        this.#end(id, 'refused', keys, null);
      } else {
        this.leases.decided(id);
        this.#end(id, 'decided', keys, null);
      }
    }
  }
}

interface Logged {
  readonly log: Input[];
  snapshot: { readonly at: number; readonly image: string };
}

export class LeaseNetwork {
  readonly partitions: number;
  readonly #random: Prng;
  readonly #nodes: LeaseNode[];
  readonly #logs: Logged[];
  /** [from][to]: all ever sent; the first `delivered` of them have arrived at least once. */
  readonly #sent: LeaseMessage[][][];
  readonly #delivered: number[][];
  /** By partition: its version, as yet unseen ones behind. */
  readonly #versions: LeaseTerms[] = [];
  readonly #seen: number[];
  readonly #ends = new Map<string, { end: string; keys: readonly string[] }>();
  readonly used = new Map<string, number>();
  /** The highest limit that any version had. */
  readonly #limitMax = new Map<string, number>();
  #nextId = 1;
  demands = 0;
  /** No unit comes back and no limit is lowered: whenever somebody is denied, all units are used. */
  denialsAreFinal = false;
  messages = 0;

  constructor(partitions: number, random: Prng) {
    this.partitions = partitions;
    this.#random = random;
    const each = <T>(make: (partition: number) => T): T[] => Array.from({ length: partitions }, (_, p) => make(p));
    this.#sent = each(() => each(() => []));
    this.#delivered = each(() => each(() => 0));
    this.#seen = each(() => 0);
    this.#nodes = each(
      (p) =>
        new LeaseNode(
          p,
          partitions,
          (to, number, message) => this.#send(p, to, number, message),
          (id, end, keys, denied) => this.#ended(p, id, end, keys, denied),
        ),
    );
    this.#logs = each((p) => ({ log: [], snapshot: { at: 0, image: (this.#nodes[p] as LeaseNode).image() } }));
  }

  publish(limits: ReadonlyMap<string, number>): void {
    const before = this.#versions.at(-1)?.shares ?? {};
    const shares: Record<string, number> = { ...before };
    for (const [base, limit] of limits) {
      shares[base] ??= Math.floor(limit / (2 * this.partitions));
      this.#limitMax.set(base, Math.max(limit, this.#limitMax.get(base) ?? 0));
    }
    this.#versions.push({ version: this.#versions.length + 1, limits, shares });
  }

  /** The partition reads the next version that it has not seen. */
  activate(partition: number): boolean {
    const terms = this.#versions[this.#seen[partition] as number];
    if (terms === undefined) return false;
    this.#seen[partition] = (this.#seen[partition] as number) + 1;
    this.#input(partition, { kind: 'terms', terms });
    return true;
  }

  demand(partition: number, campaign: LeaseCampaign, refuses = false): void {
    this.demands++;
    this.#input(partition, { kind: 'demand', campaign, id: this.#nextId++, refuses });
  }

  /** Some decision of the partition gives its units back. */
  giveBack(partition: number): void {
    const decided = [...this.#ends].filter(([name, { end }]) => end === 'decided' && name.startsWith(partition + ':'));
    if (decided.length === 0) return;
    const [name, ended] = this.#random.pick(decided);
    const day = this.node(partition).day;
    const keys = ended.keys.filter((key) => dayOf(key) === null || dayOf(key) === day);
    this.#ends.set(name, { ...ended, end: 'given back' });
    for (const key of keys) this.used.set(key, (this.used.get(key) as number) - 1);
    this.#input(partition, { kind: 'giveBack', id: Number(name.split(':')[1]), keys });
  }

  withdraw(partition: number): void {
    const waits = [...this.node(partition).waits.keys()];
    if (waits.length > 0) this.#input(partition, { kind: 'withdraw', id: this.#random.pick(waits) });
  }

  nextDay(partition: number): void {
    this.#input(partition, { kind: 'day' });
  }

  /** One message arrives, or one that has arrived before comes again; false: none is on its way. */
  deliver(): boolean {
    const pairs: [number, number][] = [];
    for (let from = 0; from < this.partitions; from++)
      for (let to = 0; to < this.partitions; to++) if (this.#undelivered(from, to) > 0) pairs.push([from, to]);
    if (pairs.length === 0) return false;
    const [from, to] = this.#random.pick(pairs);
    const number = (this.#delivered[from]?.[to] as number) + 1;
    (this.#delivered[from] as number[])[to] = number;
    this.#arrive(from, to, number);
    if (number > 1 && this.#random.below(8) === 0) this.#arrive(from, to, 1 + this.#random.below(number));
    return true;
  }

  deliverAll(): void {
    while (this.deliver());
  }

  snapshot(partition: number): void {
    const logged = this.#logs[partition] as Logged;
    logged.snapshot = { at: logged.log.length, image: this.node(partition).image() };
  }

  /** Restored from the last snapshot; what it says on its way back is what it said before. */
  crash(partition: number): void {
    const { log, snapshot } = this.#logs[partition] as Logged;
    const node = this.node(partition);
    const before = node.image();
    node.restore(snapshot.image);
    for (const input of log.slice(snapshot.at)) node.apply(structuredClone(input));
    expect(node.image()).toBe(before);
  }

  node(partition: number): LeaseNode {
    return this.#nodes[partition] as LeaseNode;
  }

  get waiting(): number {
    return this.#nodes.reduce((sum, node) => sum + node.waits.size, 0);
  }

  count(end: string): number {
    return [...this.#ends.values()].filter((ended) => ended.end === end).length;
  }

  /** All of which anything is in hand anywhere. */
  keys(): string[] {
    return [...new Set(this.#nodes.flatMap((node) => node.leases.export().holder.keys.map(([key]) => key)))];
  }

  usedOrAside(key: string): number {
    const aside = this.#nodes.map((node) => new Map(node.leases.export().holder.keys).get(key)?.aside ?? 0);
    return aside.reduce((sum, units) => sum + units, this.used.get(key) ?? 0);
  }

  limitMax(key: string): number {
    return this.#limitMax.get(baseOf(key)) as number;
  }

  /** No more used than any version allowed, and every unit is somewhere. */
  check(): void {
    for (const [key, used] of this.used) {
      expect(used).toBeGreaterThanOrEqual(0);
      expect(used, key).toBeLessThanOrEqual(this.limitMax(key));
      this.#checkConservation(key, used);
    }
  }

  #checkConservation(key: string, used: number): void {
    const share = this.#versions.at(-1)?.shares[baseOf(key)] ?? 0;
    const keeper = fnv1a32(key) % this.partitions;
    let there = used;
    for (let p = 0; p < this.partitions; p++) {
      const { holder } = this.node(p).leases.export();
      const held = new Map(holder.keys).get(key);
      there += held?.opened === true ? held.free + held.aside : share;
      for (const message of this.#onTheWay(keeper, p))
        if (message.kind === 'grant' && message.key === key) there += message.units;
      for (const message of this.#onTheWay(p, keeper))
        if (message.kind === 'return' && message.key === key) there += message.units;
    }
    const kept = new Map(this.node(keeper).leases.export().keeper.keys).get(key);
    expect(there, `${key}: ${JSON.stringify(kept)}`).toBe(share * this.partitions + (kept?.lent ?? 0));
  }

  /** Used up as this partition's version has it, or one that it has not seen and the keeper has. */
  #checkDenial(partition: number, key: string): void {
    const from = this.#seen[partition] as number;
    const limits = this.#versions.slice(from - 1).map((terms) => terms.limits.get(baseOf(key)) ?? 0);
    expect(this.used.get(key) ?? 0, `${key} was denied`).toBeGreaterThanOrEqual(Math.min(...limits));
  }

  #onTheWay(from: number, to: number): LeaseMessage[] {
    return this.#channel(from, to).slice(this.#delivered[from]?.[to] as number);
  }

  #channel(from: number, to: number): LeaseMessage[] {
    return (this.#sent[from] as LeaseMessage[][])[to] as LeaseMessage[];
  }

  #undelivered(from: number, to: number): number {
    return this.#channel(from, to).length - (this.#delivered[from]?.[to] as number);
  }

  #arrive(from: number, to: number, number: number): void {
    const message = this.#channel(from, to)[number - 1] as LeaseMessage;
    this.#input(to, { kind: 'message', from, number, message });
  }

  #input(partition: number, input: Input): void {
    this.#logs[partition]?.log.push(structuredClone(input));
    this.node(partition).apply(input);
  }

  #send(from: number, to: number, number: number, message: LeaseMessage): void {
    const sent = this.#channel(from, to);
    if (number <= sent.length) {
      expect(message).toEqual(sent[number - 1]);
      return;
    }
    expect(number).toBe(sent.length + 1);
    sent.push(message);
    this.messages++;
  }

  #ended(partition: number, id: number, end: End, keys: readonly string[], denied: string | null): void {
    const name = partition + ':' + id;
    const before = this.#ends.get(name);
    if (before !== undefined) {
      // Said again after a crash.
      expect(before.end === 'given back' ? 'decided' : before.end).toBe(end);
      return;
    }
    this.#ends.set(name, { end, keys });
    if (denied !== null && this.denialsAreFinal) this.#checkDenial(partition, denied);
    if (end === 'decided') for (const key of keys) this.used.set(key, (this.used.get(key) ?? 0) + 1);
  }
}
