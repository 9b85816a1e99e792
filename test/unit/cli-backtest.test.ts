/** `beckon replay --workspace`: what somebody sees of a report, on a terminal and elsewhere. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';
import { backtest } from '../../src/cli/backtest.ts';
import type { BacktestReport, CampaignComparison, UnitsCourse } from '../../src/protocol/backtest.ts';
import { answerJson, type FakeNode, fakeNode } from '../support/fake-node.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { smallWorkspace } from '../support/workspaces/small-workspace.ts';

let node: FakeNode | null = null;
afterEach(async () => {
  vi.unstubAllEnvs();
  await node?.close();
  node = null;
});

function comparison(campaign: string, lost: number, changed = 0): CampaignComparison {
  return {
    campaign,
    status: { before: 'live', after: 'live' },
    matched: { before: 1400, after: 1400 },
    decisions: { before: 1200, after: 1200 - lost },
    channels: {},
    suppressed: { before: {}, after: {} },
    waiting: { before: 0, after: 0 },
    changes: {},
    lostBy: lost === 0 ? {} : { cap: lost },
    displacedBy: {},
    kept: 1200 - lost - changed,
    changed,
    gained: 0,
    lost,
  };
}

const NONE = { before: 0, after: 0 };
const CANDLES: UnitsCourse = {
  of: 'campaign',
  id: 'hearts-need-candles',
  total: { before: 100_000, after: 100_000 },
  perDay: { before: null, after: null },
  used: { before: 70, after: 66 },
  returned: NONE,
  refused: NONE,
  firstRefused: { before: null, after: null },
  days: [],
};

function report(campaigns: readonly CampaignComparison[], units: readonly UnitsCourse[]): BacktestReport {
  const sum = (pick: (campaign: CampaignComparison) => number): number =>
    campaigns.reduce((total, campaign) => total + pick(campaign), 0);
  return {
    from: '2010-12-01T08:26:00.000Z',
    to: '2010-12-23T17:41:00.000Z',
    historyFrom: null,
    timezone: 'Europe/London',
    records: 63,
    events: 4172,
    accepted: { before: 4172, after: 4172 },
    seconds: 4.9,
    eventsPerSecond: 857,
    decisions: {
      before: sum(({ decisions }) => decisions.before),
      after: sum(({ decisions }) => decisions.after),
      kept: sum(({ kept }) => kept),
      changed: sum(({ changed }) => changed),
      gained: sum(({ gained }) => gained),
      lost: sum(({ lost }) => lost),
    },
    channels: { push: { before: 100, after: 90 } },
    campaigns,
    units,
    notes: ['Nobody answered decisions that were not sent: gained ones have no feedback, clicks or goals of theirs.'],
  };
}

const SAME = ['garden-robins', 'join-the-club', 'last-posting-day', 'ribbon-on-it', 'sorry-credit', 'sorry-credit-vip'];
const LOST = report(
  [comparison('hearts-need-candles', 9), ...SAME.map((campaign) => comparison(campaign, 0))],
  [CANDLES],
);

/** What is printed of this report. */
async function shown(
  answer: BacktestReport,
  terminal: { readonly isTTY?: boolean; readonly columns?: number } = {},
): Promise<string> {
  node = await fakeNode(({ method }, response) =>
    method === 'POST'
      ? answerJson(response, 202, { id: '1' })
      : answerJson(response, 200, { status: 'done', report: answer }),
  );
  const workspace = scratchFolder();
  for (const [path, file] of Object.entries(smallWorkspace())) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), file);
  }
  const [stdout, stderr] = [Object.assign(new PassThrough(), terminal), new PassThrough()];
  const flags = { data: '', workspace, fromMs: null, toMs: null, live: [], node: node.url };
  expect(await backtest(flags, stdout, stderr)).toBe(0);
  stdout.end();
  return (await text(stdout)).replace(workspace, 'one-a-day');
}

test('colours its headings on a terminal, and not where it is piped or NO_COLOR is set', async () => {
  vi.stubEnv('NO_COLOR', '');
  const coloured = await shown(LOST, { isTTY: true, columns: 200 });
  const plain = await shown(LOST);
  expect(coloured).not.toBe(plain);
  expect(stripVTControlCharacters(coloured)).toBe(plain);
  vi.stubEnv('NO_COLOR', '1');
  expect(await shown(LOST, { isTTY: true, columns: 200 })).toBe(plain);
});

test('fits on a terminal of 80 columns', async () => {
  for (const line of stripVTControlCharacters(await shown(LOST, { isTTY: true, columns: 80 })).split('\n'))
    expect(line.length, line).toBeLessThanOrEqual(80);
});

test('counts the decisions that are the same in words', async () => {
  const same = (before: number): BacktestReport => ({
    ...report([{ ...comparison('tea', 0), matched: NONE }], []),
    decisions: { before, after: before, kept: before, changed: 0, gained: 0, lost: 0 },
  });
  expect(await shown(same(1))).toContain('Nothing differs: the one decision is made again as it was.');
  await node?.close();
  expect(await shown(same(2))).toContain('Nothing differs: each of the 2 decisions is made again as it was.');
});

test('has no column of what never happened', async () => {
  const idle = await shown(LOST);
  expect(idle).toMatch(/^campaign +matched +decisions +kept +gained +lost$/m);
  expect(idle).toMatch(/^budgets and limits +limit +used +refused$/m);
  const moved = await shown(
    report(
      [comparison('tea', 9, 3)],
      [
        {
          ...CANDLES,
          returned: { before: 0, after: 1 },
          firstRefused: { before: null, after: '2010-12-23T17:41:00.000Z' },
        },
      ],
    ),
  );
  expect(moved).toMatch(/^campaign +matched +decisions +kept +changed +gained +lost$/m);
  expect(moved).toMatch(/^budgets and limits +limit +used +returned +refused +first refused$/m);
});

test('says of a campaign that is not live why its decisions were lost', async () => {
  const lost = (campaign: string, after: string | null, lostBy: CampaignComparison['lostBy']): CampaignComparison => ({
    ...comparison(campaign, 9),
    ...{ status: { before: 'live', after }, lostBy },
  });
  const told = await shown(
    report(
      [
        lost('basket', 'live', { unmatched: 9 }),
        lost('candles', null, { unmatched: 8, follow_up: 1 }),
        lost('garden', 'draft', { unmatched: 9 }),
        lost('ribbon', 'paused', { unmatched: 9 }),
        lost('scones', 'shadow', { shadow: 7, unmatched: 2 }),
      ],
      [],
    ),
  );
  const lines = told.split('\n');
  expect(lines.slice(lines.indexOf('why decisions were lost') + 1).slice(0, 5)).toEqual([
    'basket         9  no longer matched 9',
    'candles        9  the campaign is gone 8, follow-up not sent 1',
    'garden         9  the campaign is a draft 9',
    'ribbon         9  the campaign is paused 9',
    'scones         9  the campaign is in shadow now 7, no longer matched 2',
  ]);
});
