/**
 * Why, through the doors of real nodes, embedded and on NATS: every event of some of the demo's receipts is asked about over HTTP, and what the answers tell adds up to the campaigns'
 * books. The command tells the same of the folder, beside the running node and after it was stopped.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { CampaignVerdict, Explanation } from '../../src/protocol/explanation.ts';
import { runBeckon } from '../support/beckon-process.ts';
import { expectExhausted, receipts, writeBudgetWorkspace } from '../support/budget-nodes.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { DEMO_WORKSPACE, post, RetailNodes, sampleBatches } from '../support/retail-nodes.ts';

/** A question takes some ten milliseconds, and a multiple of that where the machine is busy: it is asked at the lowest priority. */
const EVENTS = 70;
const nodes = new RetailNodes();
let server: NatsServer | null = null;
afterEach(async () => {
  await nodes.close();
  await server?.stop();
  server = null;
});

interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly customer?: string;
}

interface Books {
  readonly id: string;
  readonly matched: number;
  readonly decided: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly waiting: number;
}

/** Everything of the demo's first days that names a customer. */
function sample(): SentEvent[] {
  const lines = sampleBatches(EVENTS * 2, EVENTS * 2)
    .join('\n')
    .split('\n');
  return lines
    .map((line) => JSON.parse(line) as SentEvent)
    .filter(({ customer }) => customer != null)
    .slice(0, EVENTS);
}

async function ask(url: string, customer: string, query: Readonly<Record<string, string>> = {}): Promise<Explanation> {
  const answer = await fetch(`${url}/v1/customers/${encodeURIComponent(customer)}/why?${new URLSearchParams(query)}`);
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  return JSON.parse(text) as Explanation;
}

async function json(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

/** What became of each match in the end; follow-ups are none. */
function endsOf({ moments }: Explanation): CampaignVerdict[] {
  const ends = new Map<string, CampaignVerdict>();
  for (const verdict of moments.flatMap(({ campaigns }) => campaigns)) {
    if (verdict.result !== 'unmatched' && verdict.steps[0]?.step !== 'follow_up')
      ends.set(`${verdict.campaign} ${verdict.event.type} ${verdict.event.id}`, verdict);
  }
  return [...ends.values()];
}

/** Of campaigns that events set off: no schedule came round. */
async function expectBooks(url: string, events: readonly SentEvent[]): Promise<void> {
  const told = new Map<string, CampaignVerdict>();
  for (const { id, type, customer = '' } of events) {
    if (type.startsWith('$')) continue;
    for (const verdict of endsOf(await ask(url, customer, { event: id }))) {
      const { campaign, event } = verdict;
      told.set(`${customer} ${campaign} ${event.type} ${event.id}`, verdict);
    }
  }
  const books = (await json(`${url}/v1/campaigns`)) as Books[];
  for (const { id, matched, decided, suppressed, waiting } of books) {
    const own = [...told.values()].filter(({ campaign, event }) => campaign === id && event.type !== '$schedule');
    if (matched === 0) continue;
    const count = (is: (verdict: CampaignVerdict) => boolean): number => own.filter(is).length;
    expect(own, id).toHaveLength(matched);
    expect(
      count(({ result }) => result === 'waiting'),
      id,
    ).toBe(waiting);
    expect(
      count(({ result }) => result === 'decided'),
      id,
    ).toBe(Object.values(decided).reduce((a, b) => a + b, 0));
    for (const [reason, expected] of Object.entries(suppressed))
      expect(
        count((verdict) => verdict.reason === reason),
        `${id} ${reason}`,
      ).toBe(expected);
  }
  expect(books.filter(({ matched }) => matched > 0).length).toBeGreaterThan(4);
  // Zeros add up to anything.
  const lost = books.flatMap(({ suppressed }) => Object.values(suppressed)).reduce((a, b) => a + b, 0);
  expect(lost).toBeGreaterThan(0);
}

async function refusal(url: string): Promise<{ readonly status: number; readonly detail: string }> {
  return (await json(url)) as { status: number; detail: string };
}

describe('GET /v1/customers/{id}/why', () => {
  it('adds up to the books of an embedded node, and the command tells the same of its folder', async () => {
    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workspace', DEMO_WORKSPACE, '--snapshot-every', '20000');
    const events = sample();
    await post(node.url, events.map((event) => JSON.stringify(event)).join('\n'));
    await expectBooks(node.url, events);

    const { customer = '', id } = events.find(({ type }) => type === 'receipt') as SentEvent;
    const told = await ask(node.url, customer, { event: id });
    const args = ['why', '--customer', customer, '--event', id];
    const asked = await runBeckon(...args, '--node', node.url, '--json');
    expect(asked.stderr).toBe('');
    expect(JSON.parse(asked.stdout)).toEqual(told);
    const beside = await runBeckon(...args, '--data', data, '--json');
    expect(beside.stderr).toBe('');
    expect(JSON.parse(beside.stdout)).toEqual(told);

    const words = await runBeckon(...args, '--data', data);
    expect(words.code).toBe(0);
    expect(words.stdout).not.toContain('\u001b');
    const text = await fetch(`${node.url}/v1/customers/${customer}/why?event=${id}`, {
      headers: { accept: 'text/plain' },
    });
    expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await text.text()).toBe(words.stdout);
    for (const { campaign } of told.moments.flatMap(({ campaigns }) => campaigns))
      expect(words.stdout).toContain(campaign);

    expect(await node.stop()).toBe(0);
    const after = await runBeckon(...args, '--data', data, '--json');
    expect((JSON.parse(after.stdout) as Explanation).moments).toEqual(told.moments);
    const narrowed = await runBeckon(...args, '--campaign', 'welcome', '--data', data, '--json');
    const verdicts = (JSON.parse(narrowed.stdout) as Explanation).moments.flatMap(({ campaigns }) => campaigns);
    expect(new Set(verdicts.map(({ campaign }) => campaign))).toEqual(new Set(['welcome']));
  });

  it('says what there is not', async () => {
    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workspace', DEMO_WORKSPACE);
    const customers = `${node.url}/v1/customers`;
    expect(await refusal(`${customers}/nobody/why`)).toMatchObject({
      status: 404,
      detail: 'there is no customer "nobody": no accepted event has named it',
    });
    const receipt = { id: 'a/b', type: 'receipt', customer: 'Zoë', ts: '2010-12-01T08:26:00Z' };
    await post(node.url, JSON.stringify({ ...receipt, data: { total: 1, store: 'web', items: [] } }));
    const zoe = `${customers}/${encodeURIComponent('Zoë')}/why`;
    expect((await ask(node.url, 'Zoë')).moments).toMatchObject([
      { cause: { kind: 'event', id: 'a/b', type: 'receipt' } },
    ]);
    expect((await ask(node.url, 'Zoë', { event: 'a/b' })).customer).toBe('Zoë');
    expect(await refusal(`${zoe}?event=c`)).toMatchObject({
      status: 404,
      detail: expect.stringMatching(
        /^customer "Zoë" has no accepted event "c": history is kept from its beginning, 2010-12-01T08:26:00.000Z$/,
      ),
    });
    expect(await refusal(`${zoe}?campaign=garden-robbins`)).toMatchObject({
      status: 404,
      detail: 'there is no campaign "garden-robbins": did you mean "garden-robins"?',
    });
    expect(await refusal(`${zoe}?at=yesterday`)).toMatchObject({
      status: 400,
      detail: expect.stringContaining('"yesterday"'),
    });
    expect(await refusal(`${zoe}?at=99`)).toMatchObject({
      status: 404,
      detail: expect.stringContaining('has no record 99: the last one is '),
    });

    const usage = await runBeckon('why', '--customer', 'Zoë');
    expect([usage.code, usage.stderr]).toEqual([2, expect.stringContaining('--data DIR or --node URL')]);
    const none = await runBeckon('why', '--customer', 'Zoë', '--data', data, '--event', 'c');
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('customer "Zoë" has no accepted event "c"')]);
    const nothing = await runBeckon('why', '--customer', 'Zoë', '--data', `${data}/nowhere`);
    expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining('there is no such folder')]);
  });

  it('adds up to the books of a node on NATS', async () => {
    server = await startNatsServer();
    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workspace', DEMO_WORKSPACE, '--nats', server.url);
    const events = sample();
    await post(node.url, events.map((event) => JSON.stringify(event)).join('\n'));
    await expectBooks(node.url, events);
  });

  it('follows a match that waited for a unit of a budget from another partition', async () => {
    const [customers, budget] = [40, 15];
    const workspace = writeBudgetWorkspace(nodes.newDataFolder(), budget);
    const node = await nodes.start(nodes.newDataFolder(), '--workspace', workspace);
    await post(node.url, receipts(0, customers));
    await expectExhausted(node.url, customers, budget, 'all units are used');
    const results = new Map<string, number>();
    for (let i = 0; i < customers; i++) {
      const { moments } = await ask(node.url, `c${i}`, { event: `r${i}`, campaign: 'coffee' });
      const story = moments
        .map(({ cause, campaigns }) => `${cause.kind} ${campaigns.map(({ reason, result }) => reason ?? result)}`)
        .join(', ');
      results.set(story, (results.get(story) ?? 0) + 1);
    }
    const count = (end: string): number =>
      [...results].reduce((sum, [story, times]) => sum + (story.endsWith(end) ? times : 0), 0);
    expect([count('decided'), count('budget')], JSON.stringify([...results])).toEqual([budget, customers - budget]);
    expect(results.get('event waiting, units decided')).toBeGreaterThan(0);
  });
});
