/** Which texts of an event the fast decoder keeps for campaigns that meet it as their trigger, or as another event of their waits, sequence or goal. */
import { expect, test } from 'vitest';
import { campaignReads, readersByType } from '../../../src/machine/campaign-reads.ts';
import { columnKey } from '../../../src/rules/event-reads.ts';
import type { Workspace } from '../../../src/workspace/workspace.ts';
import { compiled } from '../../support/workspaces/small-workspace.ts';

const TYPES = { view: 0, basket: 1, purchase: 2, feedback: 3 } as const;

function workspaceOf(campaign: string): Workspace {
  return compiled({
    'workspace.yaml': 'name: a\ntimezone: UTC\nchannels: [push, sms]\n',
    'policy.yaml': 'arbitration: {score: value * weight}\n',
    'events.yaml': `view: {sku: string, shop: string, price: double, note: string}
basket: {sku: string, code: string, tags: [string], items: [{sku: string, name: string}]}
purchase: {sku: string, till: string}
`,
    'campaigns/c.yaml': `id: c\nchannels: [push, sms]\n${campaign}\n`,
  });
}

/** `type: id? slots columns` of every type that the campaign may read. */
function readsOf(campaign: string): Record<string, string> {
  const { campaigns, schema } = workspaceOf(campaign);
  const readers = readersByType(campaigns, schema);
  const entries = Object.entries(TYPES).flatMap(([name, index]): [string, string][] => {
    const event = schema.events[index];
    const [reader] = readers[index] ?? [];
    if (event === undefined || reader === undefined) return [];
    const { id, fields, columns } = campaignReads(reader, event, schema);
    return [[name, [...(id ? ['id'] : []), ...[...fields].sort(), ...[...columns].sort()].join(' ')]];
  });
  return Object.fromEntries(entries);
}

test('of its trigger: `when`, `value` with the score, and what it asks at the end', () => {
  expect(
    readsOf(`on: view
when: event.sku == "a" && event.price > 1.0
value: size(trigger.shop)
wait: {for: 1h, when: trigger.note == "x"}`),
  ).toEqual({ view: '0 1 3' });
});

test('of what cancels, and of the trigger that it is held against', () => {
  expect(
    readsOf(`on: view
wait:
  for: 1h
  unless:
    - purchase
    - {event: basket, when: 'event.items.exists(i, i.sku == trigger.sku) && event.code == trigger.id'}
    - {event: $feedback, when: event.outcome == "opened"}`),
  ).toEqual({ view: 'id 0', basket: `1 ${columnKey(1, 0)}`, purchase: '', feedback: '1' });
});

test('of a new trigger and of a waiting one, which are of one type', () => {
  expect(readsOf('on: view\nwait: {for: 1h, restart: event.sku == trigger.shop}')).toEqual({ view: '0 1' });
});

test('of a sequence and of a goal', () => {
  expect(
    readsOf(`on: purchase
after: {events: [{event: basket, when: trigger.sku in event.tags}, {event: view, when: event.note != ""}], within: 1h}
goal: {event: purchase, when: event.till == trigger.sku, within: 7d}`),
  ).toEqual({ basket: columnKey(0, 0), view: '3', purchase: '0 1' });
});

test('of a goal alone, where there is no trigger', () => {
  expect(readsOf('on: {schedule: "0 10 * * *"}\ngoal: {event: purchase, when: event.till == "1", within: 7d}')).toEqual(
    { purchase: '1' },
  );
});
