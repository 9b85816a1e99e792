/** What an operator meets: ports, signals, wrong folders, concurrent edits, a till beside an import. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { readWorkspaceFolder } from '../../src/workspace/folder.ts';
import { runBeckon } from '../support/beckon-process.ts';
import { DEMO_WORKSPACE, post, RetailNodes, sampleBatches } from '../support/retail-nodes.ts';

const nodes = new RetailNodes();
afterEach(() => nodes.close());

describe('beckon serve', () => {
  it('has its port to itself', async () => {
    const node = await nodes.start(nodes.newDataFolder());
    const port = new URL(node.url).port;
    const second = await runBeckon('serve', '--data', nodes.newDataFolder(), '--http', `127.0.0.1:${port}`);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`cannot listen on 127.0.0.1:${port}: the address is in use`);
  });

  it('has its data folder to itself, and says who has it', async () => {
    const data = nodes.newDataFolder();
    const node = await nodes.start(data);
    const second = await runBeckon('serve', '--data', data, '--http', '127.0.0.1:0');
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`this data folder is in use by process ${node.pid}`);
  });

  it('stops in order when one Ctrl-C arrives twice, as under npm', async () => {
    const node = await nodes.start(nodes.newDataFolder());
    process.kill(node.pid, 'SIGINT');
    await sleep(5);
    // A second one that meets a process in its last moments, whose listeners are gone, ends it by that signal: it had stopped in order by then.
    expect([0, null]).toContain(await node.stop('SIGINT'));
    expect(node.stderr()).toContain('"stopped"');
  });

  it('refuses a flag that differs from what the data was created with', async () => {
    const data = nodes.newDataFolder();
    expect(await (await nodes.start(data)).stop()).toBe(0);
    const second = await runBeckon('serve', '--data', data, '--http', '127.0.0.1:0', '--partitions', '3');
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/created with partitions 8, 3 is asked for now.*leave the flag out/);
  });

  it('creates no data folder for a workspace that is not there, or is wrong', async () => {
    const data = nodes.newDataFolder();
    const missing = await runBeckon('serve', '--data', data, '--http', '127.0.0.1:0', '--workspace', `${data}-nowhere`);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no folder') });
    const wrong = `${data}-wrong`;
    mkdirSync(wrong);
    writeFileSync(join(wrong, 'workspace.yaml'), 'name: x\ntimezone: Mars/Olympus\nchannels: [push]\n');
    const refused = await runBeckon('serve', '--data', data, '--http', '127.0.0.1:0', '--workspace', wrong);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^workspace\.yaml:2:11 .*Mars\/Olympus/m);
    expect(existsSync(data)).toBe(false);
  });

  it('explains a data folder that is none', async () => {
    const data = nodes.newDataFolder();
    writeFileSync(data, 'a file');
    const refused = await runBeckon('serve', '--data', data, '--http', '127.0.0.1:0');
    expect(refused.code).toBe(1);
    expect(refused.stderr).not.toContain('internal error');
  });

  it('says that nobody listens where NATS should be, and gives up', async () => {
    const data = nodes.newDataFolder();
    const refused = await runBeckon('serve', '--data', data, '--http', '127.0.0.1:0', '--nats', 'nats://127.0.0.1:1');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('127.0.0.1:1') });
    expect(refused.stderr).not.toMatch(/internal error|\n {4}at /);
  });

  it.each([
    [['--clock', 'moon'], 'Allowed choices are wall, event'],
    [['--partitions', '0'], 'expected a whole number from 1 to 256'],
    [['--http', 'nowhere'], '--http: expected HOST:PORT'],
    [['--history', 'long'], 'expected a duration such as 90s'],
    [['--bogus'], "unknown option '--bogus'"],
    [['--duplicate-window', '2m'], 'need --nats'],
  ])('answers %j with usage', async (flags, message) => {
    const { code, stderr } = await runBeckon('serve', ...flags);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('lets one of several concurrent edits win, and tells the others', async () => {
    const node = await nodes.start(nodes.newDataFolder(), '--workspace', DEMO_WORKSPACE);
    const files = readWorkspaceFolder(DEMO_WORKSPACE);
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map((edit) =>
        fetch(`${node.url}/v1/workspace`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            version: 1,
            files: { ...files, 'workspace.yaml': `${files['workspace.yaml']}\n# edit ${edit}\n` },
          }),
        }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409, 409]);
  });

  it('counts in a scrape what was acknowledged before it', async () => {
    const node = await nodes.start(nodes.newDataFolder(), '--workspace', DEMO_WORKSPACE);
    for (const batch of sampleBatches(400, 100)) await post(node.url, batch);
    const metrics = await (await fetch(`${node.url}/metrics`)).text();
    const campaigns = (await (await fetch(`${node.url}/v1/campaigns`)).json()) as { decided: Record<string, number> }[];
    const decided = campaigns.flatMap((row) => Object.values(row.decided)).reduce((sum, count) => sum + count, 0);
    const exposed = [...metrics.matchAll(/^beckon_decisions_total\{.*\} (\d+)/gm)].map((match) => Number(match[1]));
    expect(decided).toBeGreaterThan(0);
    expect(exposed.reduce((sum, count) => sum + count, 0)).toBe(decided);
  });

  it('answers probes while it recovers, and exits 0 when it is told to stop', async () => {
    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workspace', DEMO_WORKSPACE);
    for (const batch of sampleBatches(4000, 500)) await post(node.url, batch);
    await node.kill();
    const { port } = new URL(node.url);
    const seen = { alive: 0, unready: 0 };
    const restarting = nodes.start(data, '--http', `127.0.0.1:${port}`);
    let done = false;
    void restarting.then(
      () => {
        done = true;
      },
      () => {
        done = true;
      },
    );
    while (!done) {
      const [health, ready] = await Promise.all(
        ['healthz', 'readyz'].map((route) => fetch(`http://127.0.0.1:${port}/${route}`).catch(() => null)),
      );
      if (health?.status === 200) seen.alive += 1;
      if (ready?.status === 503 && (await ready.text()).includes('recovering')) seen.unready += 1;
    }
    expect(await (await restarting).stop()).toBe(0);
    expect(seen.alive).toBeGreaterThan(0);
    expect(seen.unready).toBeGreaterThan(0);
  });
});
