/** What a shard's partitions count, as a person finds it: summed over partitions, in the campaigns' counts and in the metrics. */
import { expect, test } from 'vitest';
import { MetricsExposition } from '../../../src/telemetry/metrics-exposition.ts';
import { createSharedSeries } from '../../../src/telemetry/shared-series.ts';
import { ShardMetrics } from '../../../src/worker/shard-metrics.ts';
import { sumTallies } from '../../../src/worker/tallies.ts';
import { MachineFixture } from '../../support/machine-fixture.ts';

const FILES = {
  'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [push]\n',
  'events.yaml': 'receipt: {total: double, parts: int, text: string}\n',
  'profile.yaml':
    'attributes: {timezone: {type: string}}\naggregates: {share: {fn: sum, event: receipt, value: event.total / double(event.parts)}}\n',
  'policy.yaml': 'consent: {push: none-needed}\nquietHours: {from: "03:00", to: "03:01", then: drop}\n',
  'campaigns/a.yaml': 'id: a\non: receipt\nchannels: [push]\ntemplate: t\nvalue: 100 / event.parts\n',
  'templates/t.yaml': 'push: {body: "{{ event.text }}{{ event.text }}{{ event.text }}"}\n',
};

/** Rendered three times over, more than a message may hold. */
const LONG = 'x'.repeat(40_000);

function event(customer: string, data: object, type = 'receipt'): object {
  return { type, customer, ts: '2010-12-01T10:00:00Z', data };
}

/** One of each kind of trouble. */
const TROUBLE = [
  event('ann', { timezone: 'Mars/Olympus' }, '$profile'),
  event('ann', { total: 5, parts: 0, text: 'short' }),
  event('ben', { total: 5, parts: 1, text: LONG }),
];

test('what went wrong without stopping anything is summed, and exposed by campaign, as it grows', async () => {
  const fixtures = [0, 1].map(() => MachineFixture.with(FILES));
  const shared = createSharedSeries();
  const exposition = new MetricsExposition({ processMetrics: false });
  exposition.attachWorker(0, shared);
  const metrics = new ShardMetrics(shared, (registration) => exposition.register(0, registration));
  const tallies = () => sumTallies(fixtures.flatMap(({ machine }) => machine.campaigns()));
  const scrape = async (): Promise<string[]> => {
    metrics.exposeCampaigns(tallies());
    metrics.exposeTotals(fixtures.map(({ machine }) => machine.totals));
    const { body } = await exposition.scrape();
    return body.split('\n').filter((line) => /^beckon_(message_|value|observation|invalid)/.test(line));
  };
  const once = {
    beckon_message_errors_total: 2,
    beckon_value_errors_total: 2,
    beckon_observation_errors_total: 2,
    beckon_invalid_timezones_total: 2,
  };
  const lines = (times: number): string[] =>
    Object.entries(once).map(
      ([name, count]) => `${name}${/message|value/.test(name) ? '{campaign="a"}' : ''} ${count * times}`,
    );
  for (const times of [1, 2]) {
    for (const fixture of fixtures) fixture.send(TROUBLE);
    const errors = { errors: 0, valueErrors: 2 * times, messageErrors: 2 * times };
    expect(tallies()).toMatchObject([{ id: 'a', matched: 4 * times, ...errors }]);
    expect((await scrape()).sort()).toEqual(lines(times).sort());
    expect((await scrape()).sort()).toEqual(lines(times).sort());
  }
});

test('feedback is exposed by campaign, channel and outcome, whatever the variant, and follow-ups beside decisions', async () => {
  const fixture = MachineFixture.with({
    'policy.yaml': 'consent: {push: none-needed, sms: none-needed}\n',
    'campaigns/a.yaml':
      'id: a\non: receipt\nchannels: [push, sms]\ncascade: {after: 1h}\nvariants: {x: {weight: 1, template: t}, y: {weight: 1, template: t}}\n',
    'templates/t.yaml': 'push: {body: hello}\nsms: {body: hello}\n',
  });
  const shared = createSharedSeries();
  const exposition = new MetricsExposition({ processMetrics: false });
  exposition.attachWorker(0, shared);
  const metrics = new ShardMetrics(shared, (registration) => exposition.register(0, registration));
  const customers = Array.from({ length: 20 }, (_, i) => `c${i}`);
  fixture.send(customers.map((customer) => event(customer, { total: 1 })));
  const { decisions } = fixture;
  expect(new Set(decisions.map(({ decision }) => decision.variant))).toEqual(new Set(['x', 'y']));
  fixture.send(
    [...decisions].map(({ decision }) => ({
      type: '$feedback',
      customer: decision.customer,
      data: { decision: decision.id, outcome: 'failed' },
    })),
  );
  fixture.send([{ type: '$feedback', customer: 'c0', data: { decision: '0-99', outcome: 'opened' } }]);
  metrics.exposeCampaigns(sumTallies(fixture.machine.campaigns()));
  metrics.exposeTotals([fixture.machine.totals]);
  const { body } = await exposition.scrape();
  expect(body.split('\n').filter((line) => /^beckon_(unmatched|feedback|follow|decisions)/.test(line))).toEqual([
    'beckon_decisions_total{campaign="a",channel="push"} 20',
    'beckon_follow_ups_total{campaign="a",channel="sms"} 20',
    'beckon_feedback_total{campaign="a",channel="push",outcome="failed"} 20',
    'beckon_unmatched_feedback_total 1',
  ]);
});

test('what another clock calls due early was not late', async () => {
  const shared = createSharedSeries();
  const exposition = new MetricsExposition({ processMetrics: false });
  exposition.attachWorker(0, shared);
  const metrics = new ShardMetrics(shared, (registration) => exposition.register(0, registration));
  metrics.countFired([900, 1500], 1000);
  const { body } = await exposition.scrape();
  expect(body).toMatch(/^beckon_timer_lag_seconds_sum 0\.1$/m);
  expect(body).toMatch(/^beckon_timer_lag_seconds_count 2$/m);
});
