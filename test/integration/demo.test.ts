/** The demo as a stranger runs it. Needs dist/. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT, runCommand } from '../support/demo-node.ts';

const CAMPAIGNS = readdirSync(new URL('../../src/demo/workspace/campaigns', import.meta.url)).map((file) =>
  file.replace('.yaml', ''),
);
/** Every reason of suppression that is built. */
const REASONS = ['late', 'expired', 'holdout', 'offer', 'cooldown', 'consent', 'quiet_hours', 'cap', 'outranked'];

function leftovers(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('beckon-demo-'));
}

describe('npm run demo -- --json', () => {
  let result: Awaited<ReturnType<typeof runCommand>>;
  let before: string[];
  beforeAll(async () => {
    before = leftovers();
    result = await runCommand('demo/main.js', ['--json']);
  });

  it('prints one line of JSON with the numbers, and ends well', () => {
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    expect(result.stdout.trimEnd().split('\n')).toHaveLength(1);
    const summary = JSON.parse(result.stdout);
    expect(summary).toMatchObject({ events: 4_172, rejected: 0, balanced: true, waiting: 0 });
    expect(summary.eventsPerSecond).toBeGreaterThan(0);
    const sum = (counts: Record<string, number>): number =>
      Object.values(counts).reduce((total, count) => total + count, 0);
    expect(sum(summary.byCampaign)).toBe(summary.decisions);
    expect(sum(summary.byChannel)).toBe(summary.decisions);
    expect(summary.late).toBe(summary.suppressed.late);
  });

  it('has every campaign decide something, on every channel', () => {
    const summary = JSON.parse(result.stdout);
    for (const campaign of CAMPAIGNS) expect(summary.byCampaign[campaign], campaign).toBeGreaterThan(0);
    expect(Object.keys(summary.byChannel).sort()).toEqual(['credit', 'email', 'pos', 'push', 'sms']);
  });

  it('shows every built reason of suppression', () => {
    expect(Object.keys(JSON.parse(result.stdout).suppressed).sort()).toEqual([...REASONS].sort());
  });

  it('cleans up after itself', () => {
    expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
  });
});

describe('npm run demo', () => {
  it('tells it in words, without control characters when it is piped, and to the same end every time', async () => {
    const [first, second] = [await runCommand('demo/main.js', []), await runCommand('demo/main.js', ['--json'])];
    expect(first.code).toBe(0);
    expect(first.stdout).not.toContain('\u001b');
    expect(first.stdout).toContain('The numbers add up');
    expect(first.stdout).toMatch(/customer \d+ gets a (push|text)/);
    const summary = JSON.parse(second.stdout);
    expect(first.stdout).toContain(`→ ${summary.decisions.toLocaleString('en-GB')} decisions`);
    for (const [reason, count] of Object.entries(summary.suppressed as Record<string, number>)) {
      expect(first.stdout).toMatch(new RegExp(`^ {2}${reason} +${count.toLocaleString('en-GB')} `, 'm'));
    }
  });

  it('refuses a flag that it does not know, with the usage exit code', async () => {
    const { code, stderr } = await runCommand('demo/main.js', ['--jsn']);
    expect(code).toBe(2);
    expect(stderr).toContain("unknown option '--jsn'");
  });
});

describe('npm run demo -- --serve', () => {
  it('stays up, prints curl lines that work as they are, and stops cleanly on SIGTERM', async () => {
    const before = leftovers();
    const child = spawn(process.execPath, [join(ROOT, 'dist/demo/main.js'), '--serve'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: ROOT,
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
    const answers = await Promise.all(curls(text).map(request));
    expect(answers).toHaveLength(5);
    const [customer, decide, campaign, audience, metrics] = answers;
    expect(JSON.parse(customer ?? '').aggregates.receipts).toBeGreaterThan(0);
    expect(
      JSON.parse(decide ?? '')
        .decisions.map(({ campaign }: { campaign: string }) => campaign)
        .sort(),
    ).toEqual(['ribbon-on-it', 'tea-and-cake']);
    expect(JSON.parse(campaign ?? '').matched).toBeGreaterThan(0);
    expect(JSON.parse(audience ?? '').count).toBeGreaterThan(0);
    expect(metrics).toMatch(/^beckon_decisions_total\{/m);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
  });
});

interface Curl {
  readonly url: string;
  readonly body: string | null;
}

/** The lines that a reader is told to try, read as a shell would. */
function curls(text: string): Curl[] {
  return [
    ...text.matchAll(/^ {2}curl -s (\S+)(?: -H 'content-type: application\/json' -d '([^']*)')?( \| grep \S+)?$/gm),
  ].map(([, url = '', body]) => ({ url, body: body ?? null }));
}

async function request({ url, body }: Curl): Promise<string> {
  const response = await fetch(
    url,
    body === null ? {} : { method: 'POST', body, headers: { 'content-type': 'application/json' } },
  );
  expect(response.status, url).toBe(200);
  return response.text();
}
