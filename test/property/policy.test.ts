/**
 * Policy and time: the machine against its dumb twin over random workspaces and histories. Same decisions, same reasons, same counts, the same waiting; whether events
 * go the fast way or the thorough one, and across a snapshot at any place.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Workspace } from '../../src/workspace/workspace.ts';
import { MachineFixture, workspaceOf } from '../support/machine-fixture.ts';
import { TraceBook } from '../support/trace-book.ts';
import { filesOf, patientVersions, versions } from './policy-arbitraries.ts';
import { crowdedHistories, histories, type Step, wireOf } from './policy-histories.ts';
import { Oracle } from './policy-oracle.ts';
import type { OracleEvent, OracleWorkspace } from './policy-oracle-model.ts';

const BATCH = 7;
const soak = process.env['BECKON_SOAK'] === '1' ? 20 : 1;
/** The same histories at every run, so that what is missed shows at a desk and not at random; others for the soak, or by BECKON_SEED. fast-check prints the seed of a failure. */
const given = process.env['BECKON_SEED'];
const seed = given !== undefined ? { seed: Number(given) } : soak > 1 ? {} : { seed: 20_101_201 };

/** Everything of a decision but its message, as the machine says it. */
function decisionsOf(oracle: Oracle, from: number): object[] {
  const time = (ms: number): string => new Date(ms).toISOString();
  return oracle.world.contacts.slice(from).map((contact) => ({
    id: `0-${contact.number}`,
    ts: time(contact.ts),
    customer: contact.customer,
    campaign: contact.campaign,
    variant: contact.variant,
    offer: contact.offer,
    channel: contact.channel,
    message: null,
    value: contact.value,
    expires: contact.expires === null ? null : time(contact.expires),
    event: { id: contact.trigger.id, type: contact.trigger.type },
    slot: contact.slot,
    follows: contact.follows === null ? null : `0-${contact.follows}`,
    workspace: contact.workspace,
  }));
}

/** As the oracle names them; asserts that the books balance. */
function countsOf({ machine }: MachineFixture): Record<string, number> {
  const counts: Record<string, number> = {};
  const add = (name: string, content: unknown): void => {
    if (typeof content === 'number') {
      if (content > 0) counts[name] = content;
    } else if (typeof content === 'object' && content !== null)
      for (const [key, part] of Object.entries(content)) add(`${name} ${key}`, part);
  };
  const total = (parts: Readonly<Record<string, number>>): number => Object.values(parts).reduce((a, b) => a + b, 0);
  for (const { id, status, goal, ...row } of machine.campaigns()) {
    expect(status).not.toBe('');
    expect(row.matched).toBe(total(row.decided) + total(row.suppressed) + row.waiting);
    add(id, { ...row, ...goal });
  }
  return counts;
}

function expectedCounts({ world }: Oracle): Record<string, number> {
  const counts = Object.fromEntries(world.counts);
  for (const { campaign, kind, isOver } of world.entries) {
    if (isOver || (kind !== 'wait' && kind !== 'quiet_hours')) continue;
    counts[`${campaign} waiting`] = (counts[`${campaign} waiting`] ?? 0) + 1;
  }
  return counts;
}

function waitingOf({ world }: Oracle, customer: string): object[] {
  return world
    .entriesOf(customer)
    .filter(({ kind, isShadow }) => kind !== 'goal' && kind !== 'expiry' && !isShadow)
    .map(({ campaign, kind, since, dueMs, trigger }) => ({
      ...{ campaign, for: kind, since: new Date(since).toISOString(), until: new Date(dueMs).toISOString() },
      event: { id: trigger.id, type: trigger.type },
    }));
}

/** Under the event clock records mean nothing. */
function inBatches(steps: readonly (Workspace | OracleEvent)[]): MachineFixture {
  const fixture = new MachineFixture();
  let batch: object[] = [];
  const send = (): void => {
    if (batch.length > 0) fixture.send(batch);
    batch = [];
  };
  for (const step of steps) {
    if ('campaigns' in step) {
      send();
      fixture.publish(step);
    } else if (batch.push(wireOf(step)) === BATCH) send();
  }
  send();
  return fixture;
}

/** Feedback names a decision that was made only on the way. */
function eventOf({ event, answers }: Step, { world }: Oracle): OracleEvent | null {
  if (event === null || answers === null) return event;
  const contact = world.contacts.at(-1 - answers);
  const decision = contact === undefined ? `0-${world.contacts.length + 1000}` : `0-${contact.number}`;
  return {
    ...event,
    customer: answers === 5 ? event.customer : (contact?.customer ?? event.customer),
    data: { ...event.data, decision },
  };
}

/** What occurred over all runs, and how often. */
const seen = new Map<string, number>();

/** Each of these must have occurred: the generator cannot quietly stop producing it. */
const REASONS = [
  ...[
    'late',
    'expired',
    'holdout',
    'limit',
    'budget',
    'offer',
    'cooldown',
    'excluded',
    'consent',
    'quiet_hours',
    'gap',
  ],
  ...['cap', 'outranked', 'cancelled', 'superseded', 'withdrawn', 'lapsed', 'full', 'shadow'],
];
const OCCURRING = [
  ...REASONS.map((reason) => `suppressed ${reason}`),
  ...['receipt', 'view', '$feedback', '$schedule'].map((type) => `decision on ${type}`),
  ...['wait', 'quiet_hours', 'cascade', 'goal', 'expiry'].map((kind) => `entry ${kind}`),
  'still waits wait',
  ...['shadow decided', 'shadow displaced', 'entry in shadow'],
  ...['delivered', 'opened', 'clicked', 'converted', 'failed'].map((outcome) => `feedback ${outcome}`),
  ...['cap', 'consent'].map((reason) => `followUps suppressed ${reason}`),
  ...['treated exposed', 'treated converted', 'held exposed', 'held converted'],
  ...[
    'anonymous decision',
    'slot s1',
    'slot s2',
    'follows',
    'expires',
    'variant',
    'outrankedBy',
    'unit used',
    'unit back',
  ],
  ...['errors', 'valueErrors', 'skippedRuns', 'repeated', 'unmatched', 'rejected field_type', 'rejected future'],
];

function noteFeatures({ world, repeated, rejected, unmatchedFeedback }: Oracle): void {
  const note = (what: string, times = 1): void => {
    if (times > 0) seen.set(what, (seen.get(what) ?? 0) + times);
  };
  for (const [name, times] of world.counts) {
    const [, what = '', which = '', ...more] = name.split(' ');
    note(
      what === 'feedback'
        ? `feedback ${more.at(-1)}`
        : what === 'outrankedBy'
          ? what
          : what === 'shadow'
            ? `${what} ${which}`
            : `${what} ${which} ${more.join(' ')}`.trim(),
      times,
    );
  }
  for (const { kind, isOver, isShadow } of world.entries) {
    note(`entry ${kind}`);
    if (isShadow) note('entry in shadow');
    if (!isOver) note(`still waits ${kind}`);
  }
  for (const { slot, expires, follows, customer, trigger, offer, variant } of world.contacts) {
    if (slot !== null) note(`slot ${slot}`);
    if (follows !== null) note('follows');
    if (expires !== null) note('expires');
    note(customer === null ? 'anonymous decision' : 'decision');
    note(`decision on ${trigger.type}`);
    if (offer !== null) note('offer');
    if (variant !== null) note('variant');
  }
  note('unit used', world.units.length);
  note('unit back', world.units.filter(({ isBack }) => isBack).length);
  note('unit taken over', world.units.filter(({ holder, first }) => holder !== null && holder !== first).length);
  note('repeated', repeated);
  note('unmatched', unmatchedFeedback);
  for (const reason of rejected) note(`rejected ${reason}`);
}

const shownVersions = (pairs: typeof versions): typeof versions =>
  pairs.map((pair) =>
    shownAs(pair, () =>
      pair
        .map(
          (each) =>
            `\n${Object.entries(filesOf(each))
              .map((file) => file.join(': '))
              .join('\n')}\n`,
        )
        .join(''),
    ),
  );
const shownHistories = (all: typeof histories): typeof histories =>
  all.map((steps) =>
    shownAs(steps, () =>
      steps
        .map(
          ({ arrives, event, answers }) =>
            `\n${new Date(arrives).toISOString()} ${answers ?? ''} ${event === null ? 'tick' : JSON.stringify({ ...event, ts: event.ts === null ? null : new Date(event.ts).toISOString() })}`,
        )
        .join(''),
    ),
  );

/** In a report of a failure. */
function shownAs<T extends object>(value: T, text: () => string): T {
  return Object.defineProperty(value, fc.toStringMethod, { value: text });
}

const clocks = fc.constantFrom('event' as const, 'wall' as const);
const places = fc.integer({ min: 0, max: 70 });

type History = readonly Step[];
type Versions = readonly [OracleWorkspace, OracleWorkspace];

/** The second version is published before step `at`; before step `cut` a machine is restored from a snapshot. */
function compare(clock: 'event' | 'wall', [first, second]: Versions, at: number, cut: number, history: History): void {
  const start = (history[0] as Step).arrives;
  const oracle = new Oracle(clock);
  const trace = new TraceBook((customer) => customer !== 'bob');
  const rest = new TraceBook(trace.explains);
  let told: { readonly outcomes: number; readonly moments: number } | null = null;
  let machines = [
    new MachineFixture({ clock }),
    new MachineFixture({ clock, fast: false }),
    new MachineFixture({ clock, trace }),
  ];
  const [one, thorough, traced] = machines as [MachineFixture, MachineFixture, MachineFixture];
  oracle.time(start);
  oracle.publish(first);
  const compiled = [workspaceOf(filesOf(first), 1), workspaceOf(filesOf(second), 2)] as const;
  for (const fixture of machines) fixture.publish(compiled[0], start);
  const rejected: string[] = [];
  let compared = 0;
  /** What was taken, for a machine that gets it in other records. */
  const taken: (Workspace | OracleEvent)[] = [compiled[0]];
  for (const [i, step] of history.entries()) {
    const { arrives } = step;
    if (i === cut) {
      machines = [one, thorough, traced, one.clone(rest)];
      told = { outcomes: trace.outcomes.length, moments: trace.moments.length };
    }
    oracle.time(arrives);
    if (i === at) {
      oracle.publish(second);
      taken.push(compiled[1]);
      for (const fixture of machines) fixture.publish(compiled[1], arrives);
    }
    const event = eventOf(step, oracle);
    if (event === null) for (const fixture of machines) fixture.tick(arrives);
    else {
      oracle.apply(event, arrives);
      for (const fixture of machines) fixture.send(wireOf(event), arrives);
      if (one.effects.rejections.length === 0) taken.push(event);
      rejected.push(...one.effects.rejections.map(({ reason }) => reason));
    }
    const where = `after step ${i}, ${JSON.stringify(event)}`;
    const made = one.decisions.slice(compared).map(({ decision }) => decision);
    expect(made, `decisions ${where}`).toEqual(decisionsOf(oracle, compared));
    compared = one.decisions.length;
    expect(countsOf(one), `counts ${where}`).toEqual(expectedCounts(oracle));
    for (const id of oracle.world.customers)
      expect(one.machine.customer(id)?.waiting, `waiting ${where}`).toEqual(waitingOf(oracle, id));
    expect(one.machine.logTime).toBe(oracle.world.logTime);
  }
  trace.expectBooksOf(traced);
  trace.expectVerdicts();
  // A machine that was restored tells the same from there on.
  if (told !== null) {
    expect(rest.outcomes).toEqual(trace.outcomes.slice(told.outcomes));
    expect(rest.moments).toEqual(trace.moments.slice(told.moments));
  }
  expect(rejected).toEqual(oracle.rejected);
  expect(one.machine.totals.repeated).toBe(oracle.repeated);
  expect(one.machine.totals.unmatchedFeedback).toBe(oracle.unmatchedFeedback);
  for (const other of machines) {
    expect(other.decisions).toEqual(one.decisions);
    expect(other.machine.digest()).toBe(one.machine.digest());
  }
  if (clock === 'event') {
    const batched = inBatches(taken);
    expect(batched.decisions.map(({ decision }) => decision)).toEqual(one.decisions.map(({ decision }) => decision));
    expect(batched.machine.digest()).toBe(one.machine.digest());
  }
  noteFeatures(oracle);
}

test('machine and policy oracle agree', () => {
  fc.assert(fc.property(clocks, shownVersions(versions), places, places, shownHistories(histories), compare), {
    numRuns: 200 * soak,
    ...seed,
  });
}, 6_000_000);

test('machine and policy oracle agree where there is no room for more', () => {
  const crowded = shownHistories(crowdedHistories);
  fc.assert(fc.property(clocks, shownVersions(patientVersions), places, places, crowded, compare), {
    numRuns: 15 * soak,
    ...seed,
  });
}, 6_000_000);

test('everything occurred in them', () => {
  const shown = [...seen].sort().map(([what, times]) => `${what} ${times}`);
  if (process.env['BECKON_SHOW'] === '1') console.log(shown.join('\n'));
  const missing = OCCURRING.filter((what) => !seen.has(what));
  expect(missing, 'what the generator does not produce any more').toEqual([]);
});
