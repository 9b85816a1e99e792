/**
 * PartitionState against a dumb twin (state-twin.ts) under random operations: late and future events, jumps of log
 * time, layouts that come and go, snapshots taken while changes go on. Every read is compared at random moments and
 * at the end; every snapshot is restored and compared too, and the restored partition then goes on beside the
 * original and must stay equal to it, down to the calls that find no room.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEQUENCE_RETENTION_MS } from '../../src/constants.ts';
import type { ProfileFrame } from '../../src/protocol/frame.ts';
import { reserveMemory, type StateLimits } from '../../src/state/arena.ts';
import { createIdSeed } from '../../src/state/id-hash.ts';
import type { AggregateLayout, AttributeLayout, ProfileLayout } from '../../src/state/layout.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import type { StateSnapshot } from '../../src/state/snapshot.ts';
import { layoutChoice, layoutOf, type Operation, operation } from './state-operations.ts';
import { type Contact, type Pending, Twin, type Value } from './state-twin.ts';

const START = Date.UTC(2026, 0, 15, 7, 30);

const RECEIPT = createIdSeed('receipt');

const AMPLE: StateLimits = {
  customersMax: 100,
  dictionaryEntriesMax: 500,
  dictionaryBytesMax: 20_000,
  blockBytesMax: 1 << 20,
  eventIdsMax: 7,
};
/** Tables of a few slots, and hardly any room: collisions and refusals everywhere. */
const TINY: StateLimits = {
  customersMax: 5,
  dictionaryEntriesMax: 12,
  dictionaryBytesMax: 90,
  blockBytesMax: 900,
  eventIdsMax: 3,
};

function frame(slots: number): ProfileFrame {
  return {
    number: new Float64Array(slots),
    text: new Array<string>(slots).fill(''),
    code: new Int32Array(slots).fill(-1),
    present: new Uint8Array(slots),
    list: new Array<readonly string[]>(slots).fill([]),
  };
}

/**
 * A partition and the layout and log time that it lives under. Each operation returns what the call answered, or
 * nothing.
 */
class Subject {
  readonly state: PartitionState;
  layout: ProfileLayout = { attributes: [], aggregates: [] };

  constructor(limits: StateLimits) {
    this.state = new PartitionState(reserveMemory(limits), limits);
  }

  run(operation: Operation, logTime: number, decision: number): unknown {
    const { state } = this;
    switch (operation.op) {
      case 'attribute': {
        const row = this.#row(operation.customer);
        const attribute = this.attributeOf(operation.pick);
        if (row < 0 || attribute === undefined) return row;
        const { slot, type } = attribute;
        if (operation.unset) state.unset(slot, row);
        else if (type === 'string') return state.setText(slot, row, operation.text);
        else if (type === 'list<string>') return state.setList(slot, row, operation.list);
        else state.setNumber(slot, row, numberFor(type, operation.value));
        return true;
      }
      case 'observe': {
        const row = this.#row(operation.customer);
        const aggregate = this.aggregateOf(operation.pick);
        if (row < 0 || aggregate === undefined) return row;
        return this.#observe(row, aggregate, logTime - operation.lag, logTime, operation.number, operation.text);
      }
      case 'anonymous': {
        const aggregate = this.aggregateOf(operation.pick);
        if (aggregate === undefined) return -1;
        state.clearAnonymous();
        return this.#observe(0, aggregate, logTime, logTime, operation.number, operation.text);
      }
      case 'consent': {
        const row = this.#row(operation.customer);
        const channel = state.intern(operation.channel);
        if (row < 0 || channel < 0) return -1;
        return state.setConsent(row, channel, operation.state);
      }
      case 'contact': {
        const row = this.#row(operation.customer);
        const { campaign, offer: offerName, group: groupName } = operation;
        const names = [campaign, 'sms', offerName ?? 'sms', groupName ?? 'sms'].map((name) => state.intern(name));
        if (row < 0 || names.some((code) => code < 0)) return -1;
        const room = state.contactRoom(row);
        const [code, channel] = names as [number, number];
        const offer = offerName === null ? -1 : (names[2] as number);
        const group = groupName === null ? -1 : (names[3] as number);
        const added = state.addContact(row, logTime, code, channel, offer, decision, group, channel, code);
        expect(added).toBe(room);
        return added;
      }
      case 'flags': {
        const row = this.#row(operation.customer);
        if (row < 0) return row;
        const decisions = contactsOf(state, row).map((contact) => contact.decision);
        const number = decisions[operation.pick % Math.max(1, decisions.length)] ?? decision;
        expect(state.setContactFlags(row, number, operation.flags)).toBe(decisions.includes(number));
        return number;
      }
      case 'pend': {
        const row = operation.customer === '' ? 0 : this.#row(operation.customer);
        const campaign = state.intern(operation.campaign);
        if (row < 0 || campaign < 0) return -1;
        state.beginChange(row);
        const { delay, kind } = operation;
        return state.pending.add(row, decision, logTime + delay, kind, campaign, Uint8Array.from(operation.payload));
      }
      case 'drop': {
        const row = this.#row(operation.customer);
        if (row < 0) return row;
        const numbers = state.pending.list(row).map(({ number }) => number);
        const number = numbers[operation.pick % Math.max(1, numbers.length)];
        if (number === undefined) return null;
        state.pending.remove(row, number);
        return number;
      }
      case 'fire': {
        const first = state.pending.first();
        if (first === null) return null;
        state.beginChange(first.row);
        const numbers = state.pending.dueOf(first.row, first.dueMs).map(({ number }) => number);
        expect(numbers[0]).toBe(first.number);
        for (const number of numbers) state.pending.remove(first.row, number);
        return { customer: first.row === 0 ? null : state.customerOf(first.row), dueMs: first.dueMs, numbers };
      }
      case 'recall': {
        const row = this.#row(operation.customer);
        const type = state.intern(operation.type);
        if (row < 0 || type < 0) return -1;
        const { lag, max, keepMs } = operation;
        const ts = logTime - Math.max(0, lag);
        state.passTime(logTime);
        return state.recent.add(row, ts, type, Uint8Array.from(operation.payload), max, logTime - keepMs);
      }
      case 'forget': {
        const row = this.#row(operation.customer);
        if (row >= 0) state.forgetContacts(row, logTime - operation.ageMs);
        return row;
      }
      case 'remember': {
        const row = this.#row(operation.customer);
        if (row < 0) return row;
        const entry = state.recall(row, RECEIPT, `${operation.id}`);
        if (entry >= 0) return { ...state.recalledDecision(entry) };
        state.remember(row, RECEIPT, `${operation.id}`, decision, operation.id);
        return 'remembered';
      }
      default:
        return undefined;
    }
  }

  attributeOf(pick: number): AttributeLayout | undefined {
    return this.layout.attributes[pick % Math.max(1, this.layout.attributes.length)];
  }
  aggregateOf(pick: number): AggregateLayout | undefined {
    return this.layout.aggregates[pick % Math.max(1, this.layout.aggregates.length)];
  }

  configure(layout: ProfileLayout): string | null {
    const error = this.state.configure(layout);
    if (error === null) this.layout = layout;
    return error;
  }

  #row(customer: string): number {
    const row = this.state.ensure(customer);
    if (row >= 0) this.state.beginChange(row);
    return row;
  }

  /** Where the state promises room, the store must find it. */
  #observe(
    row: number,
    { slot, fn, valueType }: AggregateLayout,
    ts: number,
    logTime: number,
    value: number,
    text: string,
  ) {
    const keeps = valueType === 'string' && (fn === 'first' || fn === 'last');
    const promised = (!keeps || this.state.intern(text) >= 0) && this.state.hasRoom(1);
    const stored = this.state.observe(slot, row, ts, logTime, valueType === 'bool' ? Number(value > 0) : value, text);
    if (promised) expect(stored).toBe(true);
    return stored;
  }
}

function numberFor(type: string, value: number): number {
  if (type === 'bool') return Number(value > 0);
  return type === 'double' ? value : Math.trunc(Math.max(-(2 ** 53) + 1, Math.min(2 ** 53 - 1, value)));
}

/** Applies an operation that the state accepted. */
function follow(
  twin: Twin,
  subject: Subject,
  operation: Operation,
  answer: unknown,
  logTime: number,
  decision: number,
): void {
  if (operation.op === 'remember') {
    const key = `${operation.customer} ${operation.id}`;
    const held = twin.ids.get(key);
    if (answer === -1) return;
    twin.ensure(operation.customer);
    expect(answer).toEqual(held ?? 'remembered');
    if (held === undefined) twin.remember(key, decision, operation.id);
    return;
  }
  if (operation.op === 'fire') {
    const next = twin.first();
    if (next === null) {
      expect(answer).toBeNull();
      return;
    }
    const { customer: id, dueMs, number } = next;
    const pending = id === null ? twin.pending : twin.ensure(id).pending;
    const due = pending.filter((held) => held.dueMs === dueMs);
    expect(answer).toEqual({ customer: id, dueMs, numbers: due.map((held) => held.number) });
    expect(due[0]?.number).toBe(number);
    const left = pending.filter((held) => held.dueMs !== dueMs);
    if (id === null) twin.pending = left;
    else twin.ensure(id).pending = left;
    return;
  }
  if (!('customer' in operation)) return;
  if (subject.state.find(operation.customer) >= 0) twin.ensure(operation.customer);
  if (operation.op === 'pend') {
    if (answer !== true) return;
    const { campaign, delay, kind } = operation;
    const entry = { number: decision, dueMs: logTime + delay, kind, campaign, payload: operation.payload };
    if (operation.customer === '') twin.pending.push(entry);
    else twin.ensure(operation.customer).pending.push(entry);
    return;
  }
  if (operation.op === 'forget' && answer !== -1) {
    const held = twin.ensure(operation.customer);
    held.contacts = held.contacts.filter(({ ts }) => ts >= logTime - operation.ageMs);
  }
  if (operation.op === 'flags' && answer !== -1) {
    const held = twin.ensure(operation.customer);
    const { flags } = operation;
    held.contacts = held.contacts.map((contact) => (contact.decision === answer ? { ...contact, flags } : contact));
  }
  if (operation.op === 'drop' && answer !== -1) {
    const held = twin.ensure(operation.customer);
    expect(answer === null).toBe(held.pending.length === 0);
    held.pending = held.pending.filter(({ number }) => number !== answer);
  }
  if (answer !== true) return;
  const held = twin.ensure(operation.customer);
  if (operation.op === 'recall') {
    const { type, max, keepMs } = operation;
    const kept = held.recent.filter(({ ts }) => ts >= logTime - keepMs);
    const ts = logTime - Math.max(0, operation.lag);
    held.recent = [...kept.slice(Math.max(0, kept.length - max + 1)), { ts, type, payload: operation.payload }];
  } else if (operation.op === 'attribute') {
    const { name, type } = subject.attributeOf(operation.pick) as AttributeLayout;
    if (operation.unset) held.attributes.delete(name);
    else if (type === 'string') held.attributes.set(name, operation.text);
    else if (type === 'list<string>') held.attributes.set(name, operation.list);
    else held.attributes.set(name, numberFor(type, operation.value) + 0);
  } else if (operation.op === 'observe') {
    const aggregate = subject.aggregateOf(operation.pick) as AggregateLayout;
    const value = aggregate.valueType === 'bool' ? Number(operation.number > 0) : operation.number;
    twin.observe(operation.customer, aggregate, logTime - operation.lag, logTime, value, operation.text);
  } else if (operation.op === 'consent') held.consents.set(operation.channel, operation.state);
  else if (operation.op === 'contact') {
    const { campaign, offer, group } = operation;
    const codes = { group, category: 'sms', variant: campaign, flags: 0 };
    held.contacts.push({ ts: logTime, campaign, channel: 'sms', offer, decision, ...codes });
  }
}

/** Every read of every customer. */
function compare(twin: Twin, state: PartitionState, logTime: number): void {
  const { attributes, aggregates } = twin.layout;
  const into = frame(attributes.length + aggregates.length);
  const slots = [...attributes, ...aggregates].map(({ slot }) => slot);
  expect(state.customers).toBe(twin.customers.size);
  const first = twin.first();
  expect(state.pending.nextDue).toBe(first === null ? Number.POSITIVE_INFINITY : first.dueMs);
  expect(state.pending.first()?.number).toBe(first?.number);
  const numbers = [twin.pending, ...[...twin.customers.values()].map(({ pending }) => pending)].flat();
  expect([...state.pending.entries()].map(({ number }) => number)).toEqual(
    numbers.map(({ number }) => number).sort((a, b) => a - b),
  );
  expect(state.pending.count).toBe(numbers.length);
  expect(pendingOf(state, 0)).toEqual(twin.pending);
  for (const [id, { consents, contacts, pending, recent }] of twin.customers) {
    const row = state.find(id);
    expect(row).toBeGreaterThan(0);
    expect(state.customerOf(row)).toBe(id);
    state.gather(row, slots, logTime, into);
    for (const layout of attributes) {
      expect(read(state, into, layout.slot, layout.type), layout.name).toEqual(twin.attribute(id, layout));
    }
    for (const layout of aggregates) {
      const type = layout.fn === 'first' || layout.fn === 'last' ? (layout.valueType ?? '') : '';
      expect(read(state, into, layout.slot, type), layout.name).toEqual(twin.aggregate(id, layout, logTime));
    }
    const held = state.consentsOf(row).map(({ channelCode, state: value }) => [state.textOf(channelCode), value]);
    expect(new Map(held as [string, number][])).toEqual(new Map([...consents].filter(([, value]) => value !== 0)));
    expect(contactsOf(state, row)).toEqual([...contacts].reverse());
    expect(state.pending.has(row)).toBe(pending.length > 0);
    expect(pendingOf(state, row)).toEqual(pending);
    const reached = recent.filter(({ ts }) => logTime - ts <= SEQUENCE_RETENTION_MS);
    expect(
      state.recent
        .list(row, logTime)
        .map((held) => ({ ...held, type: state.textOf(held.type), payload: [...held.payload] })),
    ).toEqual(reached);
  }
  for (const [key, { first, count }] of twin.ids) {
    const [customer, id] = key.split(' ') as [string, string];
    const entry = state.recall(state.find(customer), RECEIPT, id);
    expect(entry, key).toBeGreaterThanOrEqual(0);
    expect({ ...state.recalledDecision(entry) }).toEqual({ first, count });
  }
}

function read(state: PartitionState, into: ProfileFrame, slot: number, type: string): Value {
  if (into.present[slot] === 0) return null;
  if (type === 'list<string>') return [...(into.list[slot] as readonly string[])];
  if (type !== 'string') return into.number[slot] as number;
  expect(state.textOf(into.code[slot] as number)).toBe(into.text[slot]);
  return into.text[slot] as string;
}

function pendingOf(state: PartitionState, row: number): Pending[] {
  return state.pending.list(row).map(({ number, row: of, dueMs, kind, campaign, payload }) => {
    expect(of).toBe(row);
    return { number, dueMs, kind, campaign: state.textOf(campaign), payload: [...payload] };
  });
}

function contactsOf(state: PartitionState, row: number): Contact[] {
  const list = [];
  const cursor = state.contacts;
  for (let more = cursor.open(row); more; more = cursor.older()) {
    const { ts, decision, flags } = cursor;
    const [offer, group, category, variant] = [cursor.offer, cursor.group, cursor.category, cursor.variant].map(
      (code) => (code < 0 ? null : state.textOf(code)),
    ) as [string | null, string | null, string | null, string | null];
    const [campaign, channel] = [state.textOf(cursor.campaign), state.textOf(cursor.channel)];
    list.push({ ts, campaign, channel, offer, decision, group, category, variant, flags });
  }
  return list;
}

interface Running {
  readonly snapshot: StateSnapshot;
  readonly sections: Uint8Array[];
  /** As of the beginning. */
  readonly twin: Twin;
  readonly logTime: number;
  readonly digest: string;
}

/** Runs the operations on a partition and, once a snapshot is whole, also on the partition restored from it. */
function play(
  limits: StateLimits,
  first: { attributes: number[]; aggregates: number[] },
  operations: Operation[],
): void {
  const subject = new Subject(limits);
  const twin = new Twin(limits.eventIdsMax);
  let logTime = START;
  let decision = 0;
  let running: Running | null = null;
  /** Restored from the last snapshot, with the operations since its beginning still to be run. */
  let restored: Subject | null = null;
  let since: (() => void)[] = [];

  /** Does the same to the original and to the restored one, which must answer the same. */
  const both = (action: (target: Subject) => unknown): unknown => {
    const answer = action(subject);
    const check = (target: Subject): void => expect(action(target)).toEqual(answer);
    if (running !== null) since.push(() => check(restored as Subject));
    else if (restored !== null) check(restored);
    return answer;
  };
  const configure = (layout: ProfileLayout): void => {
    if (both((target) => target.configure(layout)) === null) twin.configure(layout);
  };
  const step = (): void => {
    if (running === null) return;
    const sections = running.snapshot.step();
    if (sections !== null) {
      running.sections.push(...sections.map((section) => section.slice()));
      return;
    }
    expect(running.snapshot.digest).toBe(running.digest);
    restored = new Subject(limits);
    for (const section of running.sections) restored.state.restore(section);
    restored.state.finishRestore();
    restored.layout = running.twin.layout;
    expect(restored.state.digest(running.logTime)).toBe(running.digest);
    compare(running.twin, restored.state, running.logTime);
    running = null;
    for (const action of since) action();
    since = [];
    expect(restored.state.digest(logTime)).toBe(subject.state.digest(logTime));
  };

  configure(layoutOf(first));
  for (const operation of operations) {
    if (operation.op === 'time') logTime += operation.ms;
    else if (operation.op === 'layout') configure(layoutOf(operation.layout));
    else if (operation.op === 'read') compare(twin, subject.state, logTime);
    else if (operation.op === 'step') step();
    else if (operation.op === 'snapshot') {
      if (running !== null) continue;
      restored = null;
      const snapshot = subject.state.beginSnapshot(logTime);
      running = { snapshot, sections: [], twin: twin.copy(), logTime, digest: subject.state.digest(logTime) };
    } else {
      for (let i = operation.op === 'observe' ? operation.times : 1; i > 0; i--) {
        decision++;
        const [now, number] = [logTime, decision];
        const answer = both((target) => target.run(operation, now, number));
        follow(twin, subject, operation, answer, logTime, decision);
      }
    }
  }
  while (running !== null) step();
  compare(twin, subject.state, logTime);
  if (restored !== null) {
    compare(twin, (restored as Subject).state, logTime);
    expect((restored as Subject).state.digest(logTime)).toBe(subject.state.digest(logTime));
  }
}

describe('PartitionState against its twin', () => {
  it('reads what the twin reads, before and after a snapshot', () => {
    fc.assert(
      fc.property(layoutChoice, fc.array(operation, { minLength: 10, maxLength: 120 }), (first, operations) =>
        play(AMPLE, first, operations),
      ),
      { numRuns: 300 },
    );
  });

  it('refuses without a trace where there is no room', () => {
    fc.assert(
      fc.property(layoutChoice, fc.array(operation, { minLength: 20, maxLength: 160 }), (first, operations) =>
        play(TINY, first, operations),
      ),
      { numRuns: 300 },
    );
  });
});
