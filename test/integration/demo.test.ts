/** The demo as a stranger runs it. Needs dist/. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, runCommand } from '../support/demo-node.ts';

const CAMPAIGNS = readdirSync(new URL('../../src/demo/workspace/campaigns', import.meta.url)).map((file) =>
  file.replace('.yaml', ''),
);
/** Every reason of suppression but those that the demo avoids: limits that bind, quiet hours that drop, what goes away or finds no room. */
const REASONS = [
  'late',
  'cancelled',
  'superseded',
  'expired',
  'holdout',
  'offer',
  'cooldown',
  'excluded',
  'consent',
  'gap',
  'cap',
  'outranked',
];

interface Summary {
  readonly decisions: number;
  readonly eventsPerSecond: number;
  readonly byCampaign: Readonly<Record<string, number>>;
  readonly byChannel: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly late: number;
  readonly waiting: number;
  readonly followUps: Readonly<Record<string, number>>;
  readonly feedback: Readonly<Record<string, number>>;
  readonly goals: Readonly<Record<string, { treated: { exposed: number }; held: { exposed: number } }>>;
}

/** Temporary folders of the demo go here, so that what is left of them can be seen. */
const temporary = mkdtempSync(join(tmpdir(), 'beckon-demo-test-'));
const environment = { ...process.env, TMPDIR: temporary };
let json: Awaited<ReturnType<typeof runCommand>>;
let summary: Summary;

beforeAll(async () => {
  json = await runCommand('demo/main.js', ['--json'], environment);
  summary = JSON.parse(json.stdout) as Summary;
});
afterAll(() => rmSync(temporary, { recursive: true }));

describe('npm run demo -- --json', () => {
  it('prints one line of JSON with the numbers, and ends well', () => {
    expect(json.stderr).toBe('');
    expect(json.code).toBe(0);
    expect(json.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(summary).toMatchObject({ events: 4_172, rejected: 0, balanced: true });
    expect(summary.eventsPerSecond).toBeGreaterThan(0);
    const sum = (counts: Readonly<Record<string, number>>): number =>
      Object.values(counts).reduce((total, count) => total + count, 0);
    expect(sum(summary.byCampaign)).toBe(summary.decisions);
    expect(sum(summary.byChannel)).toBe(summary.decisions);
    expect(summary.late).toBe(summary.suppressed['late']);
  });

  it('has every campaign decide something, on every channel', () => {
    for (const campaign of CAMPAIGNS) expect(summary.byCampaign[campaign], campaign).toBeGreaterThan(0);
    expect(Object.keys(summary.byChannel).sort()).toEqual(['credit', 'email', 'pos', 'push', 'sms']);
  });

  it('shows every built reason of suppression', () => {
    expect(Object.keys(summary.suppressed).sort()).toEqual([...REASONS].sort());
  });

  it('follows up, hears what came of it, compares with who was held out, and ends while some wait', () => {
    expect(Object.keys(summary.followUps).sort()).toEqual(['email', 'sms']);
    expect(Object.keys(summary.feedback).sort()).toEqual(['clicked', 'converted', 'delivered', 'failed', 'opened']);
    expect(Object.keys(summary.goals)).toEqual(['hearts-need-candles', 'welcome']);
    for (const { treated, held } of Object.values(summary.goals)) {
      expect(treated.exposed).toBeGreaterThan(0);
      expect(held.exposed).toBeGreaterThan(0);
    }
    expect(summary.waiting).toBeGreaterThan(0);
  });

  it('leaves nothing behind', () => {
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe('npm run demo -- --serve', () => {
  it('tells the same in words, stays up, prints curl lines that work as they are, and stops cleanly', async () => {
    const child = spawn(process.execPath, [join(ROOT, 'dist/demo/main.js'), '--serve'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: ROOT,
      env: environment,
    });
    let text = '';
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        if (text.includes('(a WebSocket)')) resolve();
      });
      ended.then((code) => reject(new Error(`ended with ${code}: ${text}`)));
    });
    expectSameInWords(text);

    const answers = await Promise.all(curls(text).map(request));
    expect(answers).toHaveLength(6);
    const [customer = '', decide = '', campaign = '', waiting = '', audience = '', metrics = ''] = answers;
    expect(JSON.parse(customer).aggregates.receipts).toBeGreaterThan(0);
    const decided = (JSON.parse(decide).decisions as { campaign: string }[]).map((decision) => decision.campaign);
    expect(decided.sort()).toEqual(['ribbon-on-it', 'tea-and-cake']);
    expect(JSON.parse(campaign).matched).toBeGreaterThan(0);
    expect(JSON.parse(waiting).total).toBeGreaterThan(0);
    expect(JSON.parse(audience).count).toBeGreaterThan(0);
    expect(metrics).toMatch(/^beckon_decisions_total\{/m);

    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

/** Two runs come to the same end; piped, there are no control characters. */
function expectSameInWords(text: string): void {
  expect(text).not.toContain('\u001b');
  expect(text).toContain('The numbers add up');
  expect(text).toMatch(/customer \d+ (then )?gets (a push|a text|an email)/);
  expect(text).toContain('The gateways told what came of it');
  expect(text).toMatch(/^ {2}welcome: \d+ of \d+ who heard from it, \d+ of \d+ who did not: lift /m);
  expect(text).toContain(`→ ${summary.decisions.toLocaleString('en-GB')} decisions`);
  for (const [reason, count] of Object.entries(summary.suppressed)) {
    expect(text).toMatch(new RegExp(`^ {2}${reason} +${count.toLocaleString('en-GB')} `, 'm'));
  }
}

interface Curl {
  readonly url: string;
  readonly body: string | null;
}

/** The lines that a reader is told to try, read as a shell would. */
function curls(text: string): Curl[] {
  const line = /^ {2}curl -s (\S+)(?: -H 'content-type: application\/json' -d '([^']*)')?( \| grep \S+)?$/gm;
  return [...text.matchAll(line)].map(([, url = '', body]) => ({ url, body: body ?? null }));
}

async function request({ url, body }: Curl): Promise<string> {
  const post = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
  const response = await fetch(url, body === null ? {} : post);
  expect(response.status, url).toBe(200);
  return response.text();
}

it('refuses a flag that it does not know, with the usage exit code', async () => {
  const { code, stderr } = await runCommand('demo/main.js', ['--jsn']);
  expect(code).toBe(2);
  expect(stderr).toContain("unknown option '--jsn'");
});
