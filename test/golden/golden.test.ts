/**
 * Golden scenarios: each YAML file beside this one is a workspace, a timeline of what happens to it, and what must follow. They are meant to be read by someone
 * who runs campaigns and never saw the code.
 *
 *   about:      what it shows, in a sentence
 *   clock:      event (default) or wall
 *   workspace:  the files, as YAML (what is left out: channels pos, push, sms, email; zone UTC; one event type, receipt, with a total)
 *   timeline:   one step per message, in order
 *     {at, customer, type, id, data}      an event; type is receipt where it is left out; without a customer it is anonymous
 *     {message: [event, …]}               several in one message
 *     {publish: {file: …}}                a new version: the files named replace those of the one before; null removes one
 *     {tick: time}                        time passes without an event (wall clock)
 *     arrives: time                       the message's own timestamp; left out: under the wall clock the event's own, under the event clock long after all events
 *   and for each step
 *     decides:    the decisions that follow, in order, each with at least these properties; none where it is left out
 *     suppresses: {campaign: reason}, a list of reasons if several; none where it is left out
 *     rejects:    texts found in the rejections, in order; none where it is left out
 *     waits:      {campaign: how many of its matches wait afterwards}; not looked at where it is left out
 *     explains:   {campaign: what its last suppression in the step was lost by: all that it did not pass, each with at least these properties}
 *     repeats:    how many events were recognised as repeats; 0 where it is left out
 *   counts:     {campaign: {matched, decided, suppressed, …}} at the end, only what is named
 *   unmatchedFeedback: how much feedback found no decision; not looked at where it is left out
 *   observationErrors: how many observations were left out of an aggregate in all; not looked at where it is left out
 *   customers:  {id: …} golden records at the end, only what is named
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { explanationText } from '../../src/explain/explanation-text.ts';
import type { Trace } from '../../src/machine/trace/trace.ts';
import type { ExplainedMoment } from '../../src/protocol/explanation.ts';
import { SuppressReason } from '../../src/protocol/rejection.ts';
import { MachineFixture, type WorkspaceFiles, workspaceOf } from '../support/machine-fixture.ts';
import { TraceBook } from '../support/trace-book.ts';

interface GoldenEvent {
  readonly at?: string;
  readonly customer?: string;
  readonly type?: string;
  readonly id?: string;
  readonly data?: unknown;
}

interface Step extends GoldenEvent {
  readonly message?: readonly GoldenEvent[];
  readonly publish?: Readonly<Record<string, unknown>>;
  readonly tick?: string;
  readonly arrives?: string;
  readonly decides?: readonly object[];
  readonly suppresses?: Readonly<Record<string, string | readonly string[]>>;
  readonly rejects?: readonly string[];
  readonly repeats?: number;
  readonly waits?: Readonly<Record<string, number>>;
  readonly explains?: Readonly<Record<string, readonly object[]>>;
}

interface Scenario {
  readonly about: string;
  readonly clock?: 'event' | 'wall';
  readonly workspace: Readonly<Record<string, unknown>>;
  readonly timeline: readonly Step[];
  readonly counts?: Readonly<Record<string, object>>;
  readonly observationErrors?: number;
  readonly unmatchedFeedback?: number;
  readonly customers?: Readonly<Record<string, object>>;
}

/** Every step and every part of a predicate. */
const WORDS = { width: 80, colour: false, detail: true };
const NOBODY = {
  customer: null,
  campaign: null,
  partition: 0,
  historyFrom: null,
  historyIsWhole: false,
  until: null,
  timezone: 'UTC',
};

const folder = new URL('.', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

function filesOf(files: Readonly<Record<string, unknown>>): WorkspaceFiles {
  const texts = Object.entries(files).flatMap(([name, content]) =>
    content === null ? [] : [[name, stringify(content)]],
  );
  return Object.fromEntries(texts) as WorkspaceFiles;
}

function eventOf({ at, customer, type = 'receipt', id, data = {} }: GoldenEvent): object {
  return {
    type,
    data,
    ...(at === undefined ? {} : { ts: at }),
    ...(customer === undefined ? {} : { customer }),
    ...(id === undefined ? {} : { id }),
  };
}

const eventsOf = (step: Step): object[] => (step.message ?? [step]).map(eventOf);

/** Calls `publish` and `send` for the steps in turn, with the files merged and the version counted. */
class Player {
  readonly fixture: MachineFixture;
  #files: Readonly<Record<string, unknown>>;
  #version = 1;

  constructor(scenario: Scenario, trace?: Trace) {
    this.#files = scenario.workspace;
    this.fixture = new MachineFixture({ clock: scenario.clock ?? 'event', ...(trace && { trace }) });
    this.fixture.publish(workspaceOf(filesOf(this.#files)));
  }

  publish(changes: Readonly<Record<string, unknown>>): void {
    this.#files = { ...this.#files, ...changes };
    this.fixture.publish(workspaceOf(filesOf(this.#files), ++this.#version));
  }
}

/** Every suppression so far, as campaign/reason → count. */
function suppressions(fixture: MachineFixture): Map<string, number> {
  const rows = fixture.machine
    .campaigns()
    .flatMap(({ id, suppressed }) =>
      Object.entries(suppressed).map(([reason, count]) => [`${id}/${reason}`, count] as const),
    );
  return new Map(rows);
}

/** Epoch ms; undefined: long after all events. */
function arrival({ arrives, at }: Step, clock: 'event' | 'wall' | undefined): number | undefined {
  const time = arrives ?? (clock === 'wall' ? at : undefined);
  return time === undefined ? undefined : Date.parse(time);
}

function check(player: Player, step: Step, index: number): void {
  const { fixture } = player;
  const before = suppressions(fixture);
  if (step.publish !== undefined) player.publish(step.publish);
  else if (step.tick !== undefined) fixture.tick(Date.parse(step.tick));
  else fixture.send(eventsOf(step), arrival(step, fixture.options.clock));
  const { effects } = fixture;
  const place = `step ${index + 1} (${step.at ?? step.tick ?? Object.keys(step)[0]})`;
  const decisions = effects.decisions.map(({ decision }) => decision);
  expect(decisions, `${place}: decisions`).toMatchObject(step.decides ?? []);
  expect(decisions, `${place}: number of decisions`).toHaveLength(step.decides?.length ?? 0);
  for (const { decision, json } of effects.decisions)
    expect(JSON.parse(new TextDecoder().decode(json))).toEqual(decision);
  const suppressed = [...suppressions(fixture)].flatMap(([key, count]) =>
    new Array<string>(count - (before.get(key) ?? 0)).fill(key),
  );
  const expected = Object.entries(step.suppresses ?? {}).flatMap(([id, reasons]) =>
    [reasons].flat().map((reason) => `${id}/${reason}`),
  );
  expect(suppressed.sort(), `${place}: suppressed`).toEqual(expected.sort());
  expect(effects.rejections, `${place}: rejections`).toHaveLength(step.rejects?.length ?? 0);
  (step.rejects ?? []).forEach((text, i) => {
    expect(`${effects.rejections[i]?.reason}: ${effects.rejections[i]?.error}`, place).toContain(text);
  });
  for (const [id, waiting] of Object.entries(step.waits ?? {}))
    expect(fixture.machine.campaigns().find((row) => row.id === id)?.waiting, `${place}: ${id} waits`).toBe(waiting);
  expect(effects.repeated, `${place}: repeats`).toBe(step.repeats ?? 0);
}

function checkReasons({ explains = {} }: Step, moments: readonly ExplainedMoment[], index: number): void {
  for (const [id, steps] of Object.entries(explains)) {
    const lost = moments
      .flatMap(({ campaigns }) =>
        campaigns.filter(({ campaign, result }) => campaign === id && result === 'suppressed'),
      )
      .at(-1)
      ?.steps.filter(({ passed }) => !passed);
    expect(lost, `step ${index + 1}: ${id} lost by`).toMatchObject(steps);
    expect(lost, `step ${index + 1}: ${id}, number of steps`).toHaveLength(steps.length);
  }
}

describe.each(names)('%s', (name) => {
  const scenario = parse(readFileSync(new URL(name, folder), 'utf8')) as Scenario;

  test(scenario.about, () => {
    const player = new Player(scenario);
    for (const [index, step] of scenario.timeline.entries()) check(player, step, index);
    const rows = new Map(player.fixture.machine.campaigns().map((row) => [row.id, row]));
    for (const [id, counts] of Object.entries(scenario.counts ?? {})) expect(rows.get(id), id).toMatchObject(counts);
    const { observationErrors, unmatchedFeedback } = player.fixture.machine.totals;
    expect(unmatchedFeedback, 'unmatched feedback').toBe(scenario.unmatchedFeedback ?? unmatchedFeedback);
    expect(observationErrors, 'observation errors').toBe(scenario.observationErrors ?? observationErrors);
    for (const [id, record] of Object.entries(scenario.customers ?? {}))
      expect(player.fixture.machine.customer(id), id).toMatchObject(record);
  });

  test('and the same with a trace, which hears of all that is counted', () => {
    const trace = new TraceBook(() => true);
    const traced = new Player(scenario, trace);
    const plain = new Player(scenario);
    for (const [index, step] of scenario.timeline.entries()) {
      const before = trace.moments.length;
      check(traced, step, index);
      check(plain, step, index);
      checkReasons(step, trace.moments.slice(before), index);
    }
    trace.expectBooksOf(traced.fixture);
    trace.expectVerdicts();
    const words = explanationText({ ...NOBODY, moments: trace.moments }, WORDS);
    expect(words).not.toMatch(/undefined|null|NaN|object Object/);
    expect(traced.fixture.decisions).toEqual(plain.fixture.decisions);
    expect(traced.fixture.machine.digest()).toBe(plain.fixture.machine.digest());
  });

  test.runIf((scenario.clock ?? 'event') === 'event')('and the same however it is batched, repeated and ticked', () => {
    const once = new Player(scenario);
    const again = new Player(scenario);
    let gathered: object[] = [];
    const flush = (): void => {
      if (gathered.length > 0) again.fixture.send(gathered);
      gathered = [];
    };
    for (const step of scenario.timeline) {
      if (step.publish !== undefined) {
        flush();
        again.publish(step.publish);
        once.publish(step.publish);
      } else if (step.arrives !== undefined) {
        flush();
        again.fixture.send(eventsOf(step), Date.parse(step.arrives));
        once.fixture.send(eventsOf(step), Date.parse(step.arrives));
      } else {
        const events = eventsOf(step);
        // Repeats are recognised by their id.
        gathered.push(...events, ...events.filter((event) => 'id' in event));
        again.fixture.tick(4_102_444_800_000);
        for (const event of events) once.fixture.send(event);
      }
    }
    flush();
    expect(again.fixture.decisions.map(({ decision }) => decision)).toEqual(
      once.fixture.decisions.map(({ decision }) => decision),
    );
    expect(again.fixture.machine.digest()).toBe(once.fixture.machine.digest());
    expect(once.fixture.clone().machine.digest()).toBe(once.fixture.machine.digest());
  });
});

const reasonsOf = ({ suppresses = {} }: Step, ids = Object.keys(suppresses)): string[] =>
  ids.flatMap((id) => suppresses[id] ?? []);

test('every reason of suppression has a scenario that says by what it was lost', () => {
  const explained = names.flatMap((name) =>
    (parse(readFileSync(new URL(name, folder), 'utf8')) as Scenario).timeline.flatMap((step) =>
      reasonsOf(step, Object.keys(step.explains ?? {})),
    ),
  );
  expect(Object.values(SuppressReason).filter((reason) => !explained.includes(reason))).toEqual([]);
});

test('every reason of suppression has a scenario', () => {
  const shown = names.flatMap((name) =>
    (parse(readFileSync(new URL(name, folder), 'utf8')) as Scenario).timeline.flatMap(({ suppresses = {} }) =>
      Object.values(suppresses).flat(),
    ),
  );
  expect(Object.values(SuppressReason).filter((reason) => !shown.includes(reason))).toEqual([]);
});
