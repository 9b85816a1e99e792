/** The pieces of the suite `timers`: machines with messages for them, each turn's made before it is timed. */
import { assert } from '../../src/stdx/assert.ts';
import { customerId, EVENTS_PER_BATCH, encodeEvents, FIRST_TS, profilePayloads } from '../workload/kernel.ts';
import { type BenchMachine, machineUnder, workspaceOf } from './compiled-workspace.ts';

export interface TimerCase {
  readonly name: string;
  readonly detail: string;
  readonly machine: BenchMachine;
  /** Of what is measured, in the messages that `prepare` gives. */
  readonly operations: number;
  prepare(): Uint8Array[];
}

const CUSTOMERS = 10_000;
const CUSTOMERS_WAITING = 100;
const PENDING = [0, 1, 8, 64];
const MESSAGES = 200;
const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;

export function timerCases(quick: boolean): TimerCase[] {
  const messages = quick ? 2 : MESSAGES;
  return [
    cancelled('a basket and a receipt, without a wait', 'when: event.total < 0.0\n', messages),
    cancelled(
      'a basket and a receipt: a wait begins and is cancelled',
      'wait: {for: 30m, unless: [receipt]}\n',
      messages,
    ),
    fired('a basket, decided at once', '', messages),
    fired('a basket: a wait begins, falls due and is decided', 'wait: {for: 1s}\n', messages),
    ...PENDING.map((pending) => asked(pending, 'receipt', messages)),
    asked(PENDING.at(-1) as number, 'payment', messages),
    scheduled(quick ? 1000 : CUSTOMERS),
  ];
}

function machineOf(campaign: string, customers: number): BenchMachine {
  const files = {
    'workspace.yaml': 'name: timers\ntimezone: UTC\nchannels: [mail]\n',
    'events.yaml': 'basket: {total: double}\nreceipt: {total: double}\npayment: {total: double}\n',
    'profile.yaml': 'attributes: {tier: {type: string}, country: {type: string}, score: {type: double}}\n',
    'policy.yaml': 'consent: {mail: none-needed}\n',
    'campaigns/one.yaml': `id: one\nchannels: [mail]\n${campaign}`,
  };
  return machineUnder(workspaceOf(files), customers);
}

/** Dates are left out where no time is to pass. */
function event(type: string, customer: number, ts?: number): object {
  return { type, customer: customerId(customer), data: { total: 250.5 }, ...(ts === undefined ? {} : { ts }) };
}

function messagesOf(count: number, eventsOf: (message: number) => object[]): Uint8Array[] {
  return Array.from({ length: count }, (_, message) => encodeEvents(eventsOf(message), 'messagepack'));
}

function batch(eventOf: (place: number) => object): object[] {
  return Array.from({ length: EVENTS_PER_BATCH }, (_, place) => eventOf(place));
}

function cancelled(name: string, campaign: string, count: number): TimerCase {
  const machine = machineOf(`on: basket\n${campaign}`, CUSTOMERS);
  const pairs = EVENTS_PER_BATCH / 2;
  const messages = messagesOf(count, (message) =>
    batch((place) => event(place % 2 === 0 ? 'basket' : 'receipt', (message * pairs + (place >> 1)) % CUSTOMERS)),
  );
  return {
    name,
    detail: 'per pair of events of one customer',
    machine,
    operations: count * pairs,
    prepare: () => messages,
  };
}

function fired(name: string, campaign: string, count: number): TimerCase {
  const machine = machineOf(`on: basket\n${campaign}`, CUSTOMERS);
  let ts = FIRST_TS;
  const prepare = (): Uint8Array[] =>
    messagesOf(count, (message) => {
      // By the time of the next message everything of this one is due.
      ts += 2 * SECOND_MS;
      return batch((place) => event('basket', (message * EVENTS_PER_BATCH + place) % CUSTOMERS, ts));
    });
  return { name, detail: 'per event', machine, operations: count * EVENTS_PER_BATCH, prepare };
}

/** Waits that an event of type `cancels` might cancel, were its total larger; what comes are receipts. */
function asked(pending: number, cancels: string, count: number): TimerCase {
  const wait = `wait: {for: 30d, unless: [{event: ${cancels}, when: event.total > 1000.0}]}\n`;
  const machine = machineOf(`on: basket\n${wait}`, CUSTOMERS);
  const customerOf = (message: number, place: number): number =>
    (message * EVENTS_PER_BATCH + place) % CUSTOMERS_WAITING;
  const rounds = (pending * CUSTOMERS_WAITING) / EVENTS_PER_BATCH;
  for (const message of messagesOf(rounds, (n) => batch((place) => event('basket', customerOf(n, place)))))
    machine.send(message);
  const { waiting } = machine.campaign('one');
  assert(waiting === pending * CUSTOMERS_WAITING, `${waiting} are waiting`);
  const messages = messagesOf(count, (n) => batch((place) => event('receipt', customerOf(n, place))));
  const may = cancels === 'receipt' ? 'and each is asked whether it is cancelled' : 'and none is about its type';
  return {
    name: `a receipt of a customer with ${pending} wait${pending === 1 ? '' : 's'}${cancels === 'receipt' ? '' : ' for another type'}`,
    detail: `per event; the customer has ${pending} pending entries, ${may}`,
    machine,
    operations: count * EVENTS_PER_BATCH,
    prepare: () => messages,
  };
}

/** An hourly schedule that looks at everybody and finds nobody. */
function scheduled(customers: number): TimerCase {
  const machine = machineOf('on: {schedule: "0 * * * *"}\nwhen: profile.score > 2.0\n', customers);
  for (const profiles of profilePayloads(customers, 'messagepack')) machine.send(profiles);
  machine.send(encodeEvents([event('receipt', 0, FIRST_TS)], 'messagepack'));
  let ts = FIRST_TS;
  const prepare = (): Uint8Array[] => {
    ts += HOUR_MS;
    // Behind the last chunk, and before the next hour.
    return [encodeEvents([event('receipt', 0, ts + HOUR_MS / 2)], 'messagepack')];
  };
  return {
    name: 'a schedule, per customer',
    detail: `${customers} customers in chunks, each asked one predicate about one attribute, which does not hold`,
    machine,
    operations: customers,
    prepare,
  };
}
