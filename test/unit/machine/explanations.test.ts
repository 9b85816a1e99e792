/** What is told of a moment, step by step and number by number; by what each reason is lost is in the golden files (`explains`). */
import { expect, test } from 'vitest';
import type { CampaignVerdict, ExplainedMoment } from '../../../src/protocol/explanation.ts';
import { MachineFixture, type WorkspaceFiles, workspaceOf } from '../../support/machine-fixture.ts';
import { TraceBook } from '../../support/trace-book.ts';

const at = (time: string): string => `2010-12-01T${time}Z`;
const campaign = (id: string, more: string): WorkspaceFiles => ({
  [`campaigns/${id}.yaml`]: `id: ${id}\non: receipt\nchannels: [push]\n${more}\n`,
});
const NO_CONSENT = 'consent: {pos: none-needed, push: none-needed, sms: none-needed, email: none-needed}\n';

function traced(files: WorkspaceFiles): { fixture: MachineFixture; trace: TraceBook } {
  const trace = new TraceBook((customer) => customer !== 'bob');
  const fixture = MachineFixture.with({ 'policy.yaml': NO_CONSENT, ...files }, { trace });
  return { fixture, trace };
}

function verdict({ campaigns }: ExplainedMoment | undefined = NOTHING, id: string): CampaignVerdict {
  const found = campaigns.find((each) => each.campaign === id);
  if (found === undefined) throw new Error(`${id} is not told`);
  return found;
}
const NOTHING: ExplainedMoment = { at: '', record: 0, workspace: 0, cause: { kind: 'due' }, campaigns: [] };

const stepsOf = ({ steps }: CampaignVerdict): string[] => steps.map(({ step }) => step);

test('all that is asked of who is decided, in its order', () => {
  const { fixture, trace } = traced({
    'offers.yaml': 'tea: {title: Tea, budget: 9, perCustomer: {max: 2}, valid: {from: 2010-12-01}}\n',
    'policy.yaml': `${NO_CONSENT}holdout: {share: 0.1%}
caps: [{name: day, max: 2, per: 1d}]
gap: {min: 1h, channels: [push]}
exclusions: [{name: drinks, campaigns: [tea, coffee], per: 2d}]
quietHours: {from: "22:00", to: "08:00", channels: [push], then: drop}
arbitration: {slots: {push: [top, bottom]}}
`,
    ...campaign('coffee', 'when: event.total > 100.0'),
    ...campaign(
      'tea',
      'when: event.total > 1.0\noffer: tea\nholdout: 0.1%\ncooldown: 1h\nvalid: {to: 2011-01-01}\nvalue: event.total',
    ),
  });
  fixture.send({ type: 'receipt', customer: 'ann', id: 'r1', ts: at('10:00:00'), data: { total: 5 } });
  fixture.send({ type: 'receipt', customer: 'ann', id: 'r2', ts: at('12:00:00'), data: { total: 6 } });
  const [, second] = trace.moments;
  expect(second).toMatchObject({
    at: at('12:00:00.000'),
    record: 3,
    workspace: 1,
    cause: { kind: 'event', id: 'r2', type: 'receipt', ts: at('12:00:00.000') },
  });
  const tea = verdict(second, 'tea');
  const first = { at: at('10:00:00.000'), campaign: 'tea', channel: 'push', decision: '0-1' };
  expect(tea.steps).toEqual([
    { step: 'late', passed: true, ts: at('12:00:00.000'), latenessMs: 3_600_000, lateMs: 0 },
    { step: 'validity', passed: true, of: 'campaign', from: null, to: '2011-01-02T00:00:00.000Z' },
    { step: 'validity', passed: true, of: 'offer', from: at('00:00:00.000'), to: null },
    { step: 'holdout', passed: true, of: 'policy', share: 0.001, u: expect.closeTo(0.47, 2) },
    { step: 'holdout', passed: true, of: 'campaign', share: 0.001, u: expect.any(Number) },
    { step: 'units', passed: true, key: 'offer/tea', reason: 'budget', limit: 9, inHand: 8 },
    { step: 'offer', passed: true, offer: 'tea', max: 2, perMs: null, contacts: [first] },
    { step: 'cooldown', passed: true, cooldownMs: 3_600_000, last: first, until: null },
    { step: 'excluded', passed: true, exclusion: 'drinks', perMs: 172_800_000, last: null, until: null },
    { step: 'consent', passed: true, channel: 'push', rule: 'none-needed', said: null },
    {
      ...{ step: 'quiet_hours', passed: true, channel: 'push', from: '22:00', to: '08:00', timezone: 'UTC' },
      ...{ localTime: '12:00', until: null },
    },
    {
      ...{ step: 'cap', passed: true, channel: 'push', name: 'day', max: 2, room: 2, perMs: 86_400_000 },
      ...{ contacts: [first], until: null },
    },
    {
      ...{ step: 'gap', passed: true, channel: 'push', name: 'gap', max: 1, room: 1, perMs: 3_600_000 },
      ...{ contacts: [], until: null },
    },
    { step: 'rank', passed: true, rank: 1, of: 1, score: 0, priority: 0, value: 6, winner: null },
    { step: 'slot', passed: true, channel: 'push', slot: 'top', taker: null },
  ]);
  expect(tea).toMatchObject({ result: 'decided', reason: null, decision: { id: '0-2', event: { id: 'r2' } } });
  const coffee = verdict(second, 'coffee');
  expect(coffee).toMatchObject({
    ...{ status: 'live', result: 'unmatched', reason: null, steps: [], decision: null },
    event: { id: 'r2', type: 'receipt', ts: at('12:00:00.000') },
    predicate: { text: 'event.total > 100.0', value: false, parts: [{ text: 'event.total', value: 6 }] },
  });
});

test('who comes behind a winner is told by the second answers', () => {
  const { fixture, trace } = traced({
    'policy.yaml': `${NO_CONSENT}caps: [{name: day, max: 1, per: 1d}]\narbitration: {pick: 2}\n`,
    ...campaign('best', 'priority: 2'),
    ...campaign('next', 'priority: 1'),
  });
  fixture.send({ type: 'receipt', customer: 'ann', ts: at('10:00:00') });
  const [moment] = trace.moments;
  expect(stepsOf(verdict(moment, 'best'))).toEqual(['late', 'consent', 'cap', 'rank']);
  expect(stepsOf(verdict(moment, 'next'))).toEqual(['late', 'rank', 'consent', 'cap']);
  expect(verdict(moment, 'next').steps.at(-1)).toMatchObject({ passed: false, contacts: [{ campaign: 'best' }] });
});

test('a wait from its beginning to what ends it', () => {
  const { fixture, trace } = traced({
    'events.yaml': 'receipt: {total: double, sku: string}\nview: {sku: string}\n',
    ...campaign(
      'patient',
      'wait: {for: 1h, unless: [{event: view, when: event.sku == trigger.sku}], when: event.total > 2.0}',
    ),
  });
  fixture.send({ type: 'receipt', customer: 'ann', id: 'r1', ts: at('10:00:00'), data: { total: 1, sku: 'tea' } });
  fixture.send({ type: 'receipt', customer: 'ann', id: 'r2', ts: at('10:10:00'), data: { total: 5, sku: 'cup' } });
  fixture.send({ type: 'receipt', customer: 'ann', id: 'r3', ts: at('10:20:00'), data: { total: 1, sku: 'hat' } });
  fixture.send({ type: 'view', customer: 'ann', id: 'v1', ts: at('10:30:00'), data: { sku: 'tea' } });
  fixture.send({ type: 'view', customer: 'bob', id: 'v2', ts: at('12:00:00'), data: { sku: 'tea' } });
  const [began, , , cancelled, decided, lapsed] = trace.moments;
  const wait = { step: 'wait', for: 'wait', since: at('10:00:00.000'), until: at('11:00:00.000') };
  expect(verdict(began, 'patient')).toMatchObject({
    result: 'waiting',
    steps: [{ step: 'late' }, { ...wait, passed: false }],
  });
  expect(verdict(cancelled, 'patient')).toMatchObject({
    ...{ result: 'suppressed', reason: 'cancelled', event: { id: 'r1', type: 'receipt' } },
    predicate: {
      text: 'event.sku == trigger.sku',
      value: true,
      parts: [
        { text: 'event.sku', value: 'tea' },
        { text: 'trigger.sku', value: 'tea' },
      ],
    },
    steps: [
      { ...wait, passed: true },
      { step: 'ended', passed: false, reason: 'cancelled', by: { id: 'v1', type: 'view', ts: at('10:30:00.000') } },
    ],
  });
  expect(decided).toMatchObject({ cause: { kind: 'due' }, at: at('11:10:00.000'), record: 6 });
  expect(verdict(decided, 'patient')).toMatchObject({
    ...{ result: 'decided', event: { id: 'r2' }, predicate: { text: 'event.total > 2.0', value: true } },
    steps: [{ step: 'wait', passed: true }, { step: 'consent' }, { step: 'rank' }],
  });
  expect(verdict(lapsed, 'patient')).toMatchObject({
    ...{ result: 'suppressed', reason: 'lapsed', predicate: { value: false } },
    steps: [
      { step: 'wait', passed: true },
      { step: 'ended', reason: 'lapsed', by: null },
    ],
  });
  expect(trace.moments).toHaveLength(6);
});

test('which events of a sequence came, and when, which did not, and who is unknown', () => {
  const { fixture, trace } = traced({
    'events.yaml': 'receipt: {total: double}\nview: {sku: string}\n',
    ...campaign(
      'looked',
      'after:\n  within: 1h\n  events:\n    - view\n    - event: view\n      when: |\n        event.sku ==\n          "tea"',
    ),
  });
  fixture.send({ type: 'view', customer: 'ann', ts: at('10:00:00'), data: { sku: 'tea' } });
  fixture.send({ type: 'receipt', customer: 'ann', ts: at('10:01:00') });
  fixture.send({ type: 'view', customer: 'ann', ts: at('10:02:00'), data: { sku: 'tea' } });
  fixture.send({ type: 'receipt', customer: 'ann', ts: at('10:03:00') });
  fixture.send({ type: 'receipt', ts: at('10:04:00') });
  const [, short, , whole, anonymous] = trace.moments;
  const sequence = { step: 'sequence', withinMs: 3_600_000 };
  const first = { type: 'view', when: null, at: '2010-12-01T10:00:00.000Z' };
  const second = { type: 'view', when: 'event.sku == "tea"' };
  expect(verdict(short, 'looked')).toMatchObject({ result: 'unmatched', predicate: { value: true } });
  expect(verdict(short, 'looked').steps).toEqual([
    { ...sequence, passed: false, events: [first, { ...second, at: null }] },
  ]);
  expect(verdict(whole, 'looked').result).toBe('decided');
  expect(verdict(whole, 'looked').steps[0]).toEqual({
    ...sequence,
    passed: true,
    events: [first, { ...second, at: '2010-12-01T10:02:00.000Z' }],
  });
  expect(verdict(anonymous, 'looked')).toMatchObject({
    result: 'unmatched',
    steps: [{ step: 'customer', passed: false }],
  });
});

test('what follows a decision: its next channel, once quiet hours are over', () => {
  const { fixture, trace } = traced({
    'policy.yaml': `${NO_CONSENT}quietHours: {from: "22:00", to: "08:00", channels: [sms], then: defer}\n`,
    'campaigns/note.yaml': 'id: note\non: receipt\nchannels: [push, sms]\ncascade: {after: 2h}\n',
  });
  fixture.send({ type: 'receipt', customer: 'ann', id: 'r1', ts: at('21:00:00') });
  fixture.send({ type: 'receipt', customer: 'bob', ts: '2010-12-02T09:00:00Z' });
  const [first, deferred, followed] = trace.moments;
  expect(verdict(first, 'note')).toMatchObject({ result: 'decided', decision: { id: '0-1', channel: 'push' } });
  const next = { step: 'wait', passed: false, for: 'cascade', since: at('21:00:00.000'), until: at('23:00:00.000') };
  expect(verdict(first, 'note').steps.at(-1)).toEqual(next);
  const due = { step: 'follow_up', passed: true, decision: '0-1' };
  const quiet = { step: 'quiet_hours', passed: false, localTime: '23:00', until: '2010-12-02T08:00:00.000Z' };
  expect(deferred?.cause).toEqual({ kind: 'due' });
  expect(verdict(deferred, 'note')).toMatchObject({
    ...{ result: 'waiting', predicate: null, event: { id: 'r1' } },
    steps: [due, { step: 'consent' }, quiet, { step: 'wait', for: 'quiet_hours', until: '2010-12-02T08:00:00.000Z' }],
  });
  expect(verdict(followed, 'note')).toMatchObject({
    ...{ result: 'decided', decision: { channel: 'sms', follows: '0-1' } },
    steps: [due, { step: 'consent' }, { step: 'quiet_hours', passed: true }],
  });
  expect(trace.outcomes.filter(({ customer }) => customer === 'ann')).toHaveLength(1);
});

test('the next channel that feedback ends, or a version: at the end of its time there is nothing to tell', () => {
  const note = (more: string): WorkspaceFiles => ({
    'campaigns/note.yaml': `id: note\non: receipt\nchannels: [push, sms]\ncascade: {after: 2h, unless: opened}\n${more}`,
  });
  const { fixture, trace } = traced(note(''));
  fixture.send({ type: 'receipt', customer: 'ann', id: 'r1', ts: at('09:00:00') });
  fixture.send({ type: 'receipt', customer: 'bob', ts: at('09:00:00') });
  fixture.send({ type: 'receipt', customer: 'cid', id: 'r2', ts: at('09:00:00') });
  for (const outcome of ['delivered', 'opened']) {
    const data = { decision: '0-1', outcome };
    fixture.send({ type: '$feedback', customer: 'ann', id: `f-${outcome}`, ts: at('10:00:00'), data });
  }
  fixture.publish(workspaceOf({ 'policy.yaml': NO_CONSENT, ...note('status: shadow\n') }, 2));
  fixture.send({ type: 'receipt', customer: 'bob', ts: at('12:00:00') });
  const [, , delivered, opened, published, ...more] = trace.moments;
  expect(more).toEqual([]);
  expect(delivered?.campaigns).toEqual([]);
  const wait = { step: 'wait', passed: true, for: 'cascade', since: at('09:00:00.000'), until: at('11:00:00.000') };
  const by = { id: 'f-opened', type: '$feedback', ts: at('10:00:00.000') };
  expect(verdict(opened, 'note')).toEqual({
    ...{ campaign: 'note', status: 'live', result: 'suppressed', reason: 'cancelled', predicate: null, decision: null },
    event: { id: 'r1', type: 'receipt', ts: at('09:00:00.000') },
    steps: [
      { step: 'follow_up', passed: true, decision: '0-1' },
      wait,
      { step: 'ended', passed: false, reason: 'cancelled', by },
    ],
  });
  expect(published).toMatchObject({ cause: { kind: 'published' }, workspace: 2 });
  expect(verdict(published, 'note')).toMatchObject({
    ...{ status: 'shadow', result: 'suppressed', reason: 'withdrawn', event: { id: 'r2' } },
    steps: [{ step: 'follow_up', decision: '0-3' }, wait, { step: 'ended', reason: 'withdrawn', by: null }],
  });
  // None of it is a match.
  expect(trace.outcomes.map(({ customer, result }) => `${customer} ${result}`)).toEqual([
    ...['ann decided', 'bob decided', 'cid decided', 'bob shadow'],
  ]);
});

test('a schedule, and a version that takes a campaign away', () => {
  const files: WorkspaceFiles = {
    'policy.yaml': `${NO_CONSENT}quietHours: {from: "06:00", to: "12:00", channels: [sms], then: defer}\n`,
    'profile.yaml': 'aggregates: {visits: {fn: count, event: receipt}}\n',
    'campaigns/morning.yaml': 'id: morning\non: {schedule: "0 9 * * *"}\nwhen: profile.visits > 1\nchannels: [sms]\n',
  };
  const { fixture, trace } = traced(files);
  for (const customer of ['ann', 'ann', 'bob', 'bob', 'cid'])
    fixture.send({ type: 'receipt', customer, ts: at('08:00:00') });
  fixture.send({ type: 'receipt', customer: 'bob', ts: at('09:30:00') });
  const { 'campaigns/morning.yaml': _, ...rest } = files;
  fixture.publish(workspaceOf({ ...rest, ...campaign('other', '') }, 2));
  const [ann, cid, published] = trace.moments.filter(({ cause }) => cause.kind !== 'event');
  const event = { id: at('09:00:00.000'), type: '$schedule', ts: at('09:00:00.000') };
  expect(ann?.cause).toEqual({ kind: 'schedule', due: at('09:00:00.000') });
  expect(verdict(ann, 'morning')).toMatchObject({ result: 'waiting', event, predicate: { value: true } });
  expect(verdict(cid, 'morning')).toMatchObject({ result: 'unmatched', event, predicate: { value: false } });
  expect(published).toMatchObject({ cause: { kind: 'published' }, at: at('09:30:00.000'), workspace: 2 });
  expect(verdict(published, 'morning')).toMatchObject({
    ...{ status: 'removed', result: 'suppressed', reason: 'withdrawn', event },
    steps: [
      { step: 'wait', for: 'quiet_hours' },
      { step: 'ended', reason: 'withdrawn', by: null },
    ],
  });
});

test('nobody else is told of, and an event that no campaign listens for is told all the same', () => {
  const { fixture, trace } = traced({
    'events.yaml': 'receipt: {total: double}\nview: {sku: string}\n',
    ...campaign('a', ''),
  });
  fixture.send([
    { type: 'receipt', customer: 'bob', id: 'b1', ts: at('10:00:00') },
    { type: 'view', customer: 'ann', id: 'a1', ts: at('10:00:01') },
    { type: 'receipt', customer: 'bob', id: 'b2', ts: at('10:00:02') },
  ]);
  expect(trace.moments).toMatchObject([{ cause: { kind: 'event', id: 'a1', type: 'view' }, campaigns: [] }]);
  expect(trace.outcomes.map(({ eventId, result }) => [eventId, result])).toEqual([
    ['b1', 'decided'],
    ['b2', 'decided'],
  ]);
});
