/** `beckon replay` on the folders of real nodes: running, stopped, killed, pruned, on NATS; and what it finds where something was tampered with. Needs dist/. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readSample } from '../../src/demo/replay.ts';
import { runBeckon, startBeckon } from '../support/beckon-process.ts';
import { natsOutcome } from '../support/nats-outcome.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { playDemo } from '../support/play-demo.ts';
import { DEMO_WORKSPACE, outcomeOf, PARTITIONS, post, RetailNodes, sampleBatches } from '../support/retail-nodes.ts';

const nodes = new RetailNodes();
const servers: NatsServer[] = [];
afterEach(async () => {
  await nodes.close();
  for (const server of servers.splice(0)) await server.stop();
});

interface Told {
  readonly code: number | null;
  readonly text: string;
  readonly events: number;
  readonly made: number;
  readonly compared: number;
  readonly unwritten: number;
  readonly snapshots: number;
}

async function replay(data: string, ...flags: string[]): Promise<Told> {
  const { code, stdout, stderr } = await runBeckon('replay', '--data', data, ...flags);
  expect(stderr).toBe('');
  const count = (pattern: RegExp): number => Number((pattern.exec(stdout)?.[1] ?? '0').replaceAll(',', ''));
  return {
    code,
    text: stdout,
    events: count(/([\d,]+) events? in/),
    made: count(/^([\d,]+) decisions?,/m),
    compared: count(/decisions?, ([\d,]+) (?:compared|as they)/),
    unwritten: count(/^([\d,]+) are still to be written/m),
    snapshots: count(/^([\d,]+) snapshots? on the way: the same state/m),
  };
}

/** Both campaigns want more than they may have; baskets wait a second before. */
const PROMPT = {
  'workspace.yaml': 'name: prompt\ntimezone: UTC\nchannels: [push]\n',
  'events.yaml': 'basket: {total: double}\nreceipt: {total: double}\n',
  'policy.yaml': 'consent: {push: none-needed}\narbitration: {pick: 2}\n',
  'campaigns/basket.yaml': 'id: basket\non: basket\nchannels: [push]\nwait: {for: 1s}\nlimits: {total: 20}\n',
  'campaigns/thanks.yaml': 'id: thanks\non: receipt\nchannels: [push]\nlimits: {total: 50}\n',
};

interface CampaignCounts {
  readonly id: string;
  readonly decided: Readonly<Record<string, number>>;
  readonly waiting: number;
}

/** Names, lengths, times of change and contents of all files. */
function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).sort((a, b) =>
    join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
  )) {
    const path = join(entry.parentPath, entry.name);
    hash.update(`${path} ${statSync(path).mtimeMs} `);
    if (entry.isFile()) hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}

describe('beckon replay', () => {
  it('makes the demo’s month again, beside the node that plays it and after it', async () => {
    const sample = await readSample();
    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workspace', DEMO_WORKSPACE, '--snapshot-every', '200000');
    let playing = true;
    const played = playDemo(node.url, sample).finally(() => {
      playing = false;
    });
    let looks = 0;
    while (playing) {
      const { code, text } = await replay(data);
      expect(code, text).toBe(0);
      looks++;
    }
    const decisions = await played;
    expect(looks).toBeGreaterThan(0);
    const live = await replay(data);
    expect(await node.stop()).toBe(0);

    const before = fingerprint(data);
    const stopped = await replay(data);
    expect(fingerprint(data)).toBe(before);
    expect((await outcomeOf(data)).decisions.flat()).toHaveLength(decisions);
    expect(decisions).toBeGreaterThan(2000);
    for (const told of [live, stopped]) {
      expect(told).toMatchObject({ code: 0, made: decisions, compared: decisions, unwritten: 0 });
      expect(told.events).toBeGreaterThan(sample.length);
    }
    expect(stopped.snapshots).toBeGreaterThan(8);

    const beyond = await runBeckon('replay', '--data', data, '--from', '2030-01-01');
    expect(beyond).toMatchObject({ code: 1, stdout: '' });
    expect(beyond.stderr).toContain('nothing happened from 2030-01-01T00:00:00.000Z on');
    const part = await replay(data, '--from', '2010-12-13', '--to', '2010-12-15T12:00:00Z');
    expect(part.code).toBe(0);
    expect(part.made).toBeGreaterThan(0);
    expect(part.made).toBeLessThan(decisions / 2);
    const quiet = await runBeckon('replay', '--data', data, '--from', '2010-12-11', '--to', '2010-12-11T00:00:01Z');
    expect([quiet.code, quiet.stdout]).toEqual([1, '']);
    expect(quiet.stderr).toContain('nothing happened from 2010-12-11T00:00:00.000Z before 2010-12-11T00:00:01.000Z');
  });

  it('says of a node that nothing happened to that it has no event yet', async () => {
    const data = nodes.newDataFolder();
    await nodes.start(data, '--workspace', DEMO_WORKSPACE);
    const { code, text } = await replay(data);
    expect([code, text.split('\n')[0]]).toEqual([0, '8 partitions, no event yet: 0 events in 8 records, 0 events/s']);
  });

  it('ends before the time that was asked for, in the midst of imported records', async () => {
    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workspace', DEMO_WORKSPACE);
    // A record spans days.
    for (const batch of sampleBatches(4000, 1000)) await post(node.url, batch);
    expect(await node.stop()).toBe(0);
    const { decisions } = await outcomeOf(data);
    const toMs = Date.UTC(2010, 11, 6, 11, 30);
    const told = await replay(data, '--to', new Date(toMs).toISOString());
    expect(told.code, told.text).toBe(0);
    const before = decisions.flat().filter((json) => Date.parse((JSON.parse(json) as { ts: string }).ts) < toMs).length;
    expect(before).toBeGreaterThan(50);
    expect(told).toMatchObject({ made: told.compared, unwritten: 0 });
    expect(Date.parse(/to (\S+): /.exec(told.text)?.[1] ?? '')).toBeLessThan(toMs);
    // What falls due on the way to the first event that is later is the difference.
    expect(told.made).toBeLessThanOrEqual(before);
    expect(told.made).toBeGreaterThan(before / 2);
    const early = await runBeckon('replay', '--data', data, '--to', '2010-11-01');
    expect(early.code).toBe(1);
    expect(early.stderr).toContain('nothing happened before 2010-11-01T00:00:00.000Z, or it is no longer kept');
  });

  it('makes again what the wall clock and other partitions led to: waits, ticks, units of a budget', async () => {
    const data = nodes.newDataFolder();
    const workspace = nodes.newDataFolder();
    for (const [name, text] of Object.entries(PROMPT)) {
      mkdirSync(dirname(join(workspace, name)), { recursive: true });
      writeFileSync(join(workspace, name), text);
    }
    const node = await startBeckon('--data', data, '--workspace', workspace, '--partitions', '4');
    try {
      for (let i = 0; i < 60; i++) {
        const body = Array.from({ length: 4 }, (_, k) =>
          JSON.stringify({
            type: k === 0 ? 'basket' : 'receipt',
            customer: `c${(i * 7 + k) % 50}`,
            data: { total: i },
          }),
        ).join('\n');
        await post(node.url, body);
      }
      // Every wait is over, and both limits are used up.
      await expect
        .poll(async () => {
          const rows = (await (await fetch(`${node.url}/v1/campaigns`)).json()) as CampaignCounts[];
          return rows.map(({ id, decided, waiting }) => [id, decided['push'] ?? 0, waiting]);
        })
        .toEqual([
          ['basket', 20, 0],
          ['thanks', 50, 0],
        ]);
      const live = await replay(data);
      expect(live, live.text).toMatchObject({ code: 0, made: 70, compared: 70 });
    } finally {
      expect(await node.stop()).toBe(0);
    }
    const told = await replay(data);
    expect(told, told.text).toMatchObject({ code: 0, made: 70, compared: 70, snapshots: 4 });
  });

  it('makes again what followed a version whose new aggregates were filled from history', async () => {
    const data = nodes.newDataFolder();
    const workspace = nodes.newDataFolder();
    cpSync(DEMO_WORKSPACE, workspace, { recursive: true });
    const node = await nodes.start(data, '--workspace', workspace);
    const batches = sampleBatches(2000, 100);
    for (const batch of batches.slice(0, 10)) await post(node.url, batch);
    const profile = join(workspace, 'profile.yaml');
    const added = 'aggregates:\n  spent_lately: {fn: sum, event: receipt, value: event.total, window: 7d}\n';
    writeFileSync(profile, readFileSync(profile, 'utf8').replace('aggregates:\n', added));
    const published = await runBeckon('publish', workspace, '--to', node.url);
    expect(published.stdout).toContain('profile.spent_lately (new): filled from history');
    for (const batch of batches.slice(10)) await post(node.url, batch);
    expect(await node.stop()).toBe(0);
    const told = await replay(data);
    expect(told, told.text).toMatchObject({ code: 0, events: 2000, snapshots: 8 });
    expect(told.made).toBeGreaterThan(500);
    expect(told.compared).toBe(told.made);
  });

  it('replays what a killed node left, as it lies there', async () => {
    const batches = sampleBatches(3000, 20);
    const data = nodes.newDataFolder();
    const flags = ['--workspace', DEMO_WORKSPACE, '--snapshot-every', '100000'];
    for (let kill = 0; kill < 3; kill++) {
      const node = await nodes.start(data, ...flags, '--workers', String(1 + (kill % 2)));
      const posts = batches.slice(kill * 50, (kill + 1) * 50);
      for (const batch of posts.slice(0, 40)) await post(node.url, batch);
      const under = posts.slice(40).map((batch) => post(node.url, batch).catch(() => {}));
      await new Promise((next) => setTimeout(next, 3 * kill));
      await node.kill();
      await Promise.all(under);
      const before = fingerprint(data);
      const told = await replay(data);
      expect(told.code, told.text).toBe(0);
      expect(told.compared + told.unwritten).toBe(told.made);
      expect(told.events).toBeGreaterThanOrEqual(800 * (kill + 1));
      expect(fingerprint(data)).toBe(before);
    }
    // Recovery makes what the crash had lost: the same again.
    const node = await nodes.start(data, ...flags);
    expect(await node.stop()).toBe(0);
    const told = await replay(data);
    expect(told).toMatchObject({ code: 0, unwritten: 0 });
    expect((await outcomeOf(data)).decisions.flat()).toHaveLength(told.made);
  });

  it('begins where the kept history begins, and says so', async () => {
    const batches = sampleBatches(4000, 100);
    const data = nodes.newDataFolder();
    // Every start begins a new segment of the log: the oldest can go.
    const flags = ['--workspace', DEMO_WORKSPACE, '--snapshot-every', '30000', '--history', '2d'];
    for (let start = 0; start < 4; start++) {
      const node = await nodes.start(data, ...flags);
      for (const batch of batches.slice(start * 10, (start + 1) * 10)) await post(node.url, batch);
      expect(await node.stop()).toBe(0);
    }
    const node = await nodes.start(data, ...flags);
    expect(await node.stop()).toBe(0);
    const told = await replay(data);
    expect(told.code, told.text).toBe(0);
    expect(told.text).toMatch(/^8 partitions, from 2010-12-\d\dT/);
    const decisions = (await outcomeOf(data)).decisions.flat().length;
    expect(told.made).toBeGreaterThan(0);
    expect(told.made).toBeLessThan(decisions);
    expect(told).toMatchObject({ compared: told.made });

    const early = await runBeckon('replay', '--data', data, '--from', '2010-12-02');
    expect(early.code).toBe(1);
    expect(early.stderr).toMatch(
      /^beckon: 2010-12-02T00:00:00\.000Z of partition \d is no longer kept: history is kept from record \d+, 2010-12-/,
    );
  });

  it('makes the demo’s month again from a folder on NATS, and compares with the decision streams', async () => {
    const server = await startNatsServer();
    servers.push(server);
    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workspace', DEMO_WORKSPACE, '--nats', server.url);
    const decided = await playDemo(node.url, await readSample());
    expect(decided).toBeGreaterThan(2000);
    const live = await replay(data, '--nats', server.url);
    await node.kill();
    const told = await replay(data, '--nats', server.url);
    // None that is in the streams and is not made again, either.
    expect((await natsOutcome(server.url, data, PARTITIONS)).decisions.flat()).toHaveLength(decided);
    for (const each of [live, told])
      expect(each, each.text).toMatchObject({ code: 0, made: decided, compared: decided, unwritten: 0 });

    const alone = await replay(data);
    expect(alone).toMatchObject({ code: 0, made: told.made });
    expect(alone.text).toContain('compared with nothing: they are kept in NATS, name it with --nats');

    // Another node takes what this folder does not have.
    const second = await nodes.start(nodes.newDataFolder(), '--nats', server.url);
    const more = { id: 'more', type: 'receipt', customer: 'somebody new', data: { total: 1 } };
    await post(second.url, JSON.stringify(more));
    expect(await second.stop()).toBe(0);
    const behind = await replay(data, '--nats', server.url);
    expect(behind, behind.text).toMatchObject({ code: 0, made: decided, compared: decided });
    expect(behind.text).toMatch(/^the streams hold [1-9]\d* records? that .+ does not have yet$/m);
    const ends = `${data} follows the streams of a node on NATS: what was acknowledged last may not be in it yet`;
    expect((await replay(data)).text).toContain(`\n${ends}; --nats tells\n`);
    const asked = await runBeckon('why', '--data', data, '--customer', more.customer, '--event', more.id);
    expect(asked).toMatchObject({ code: 1, stdout: '' });
    expect(asked.stderr).toMatch(/^(.+); --node URL asks its node, which waits for it\nbeckon: there is no customer/);
    expect(asked.stderr).toContain(ends);

    const other = await startNatsServer();
    servers.push(other);
    const elsewhere = nodes.newDataFolder();
    const stranger = await nodes.start(elsewhere, '--nats', other.url);
    const refused = await runBeckon('replay', '--data', data, '--nats', other.url);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('is of another cluster');
    await stranger.stop();
  });

  it('finds the first decision that is not what it was, and refuses what it cannot read', async () => {
    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workspace', DEMO_WORKSPACE);
    for (const batch of sampleBatches(1000, 100)) await post(node.url, batch);
    expect(await node.stop()).toBe(0);
    const other = nodes.newDataFolder();
    const second = await nodes.start(other, '--workspace', DEMO_WORKSPACE);
    for (const batch of sampleBatches(900, 50)) await post(second.url, batch);
    expect(await second.stop()).toBe(0);

    // Another folder's decisions: intact, and of another history from some point on.
    const mixed = nodes.newDataFolder();
    cpSync(data, mixed, { recursive: true });
    cpSync(join(other, 'decisions'), join(mixed, 'decisions'), { recursive: true });
    const fewer = await replay(mixed);
    expect(fewer.code).toBe(1);
    expect(fewer.text).toMatch(
      /^partition \d: decision \d-\d+ and what was behind it is lost: .* snapshot of record \d+/m,
    );
    cpSync(data, mixed, { recursive: true });
    cpSync(join(data, 'decisions/1'), join(mixed, 'decisions/0'), { recursive: true });
    const { code, text } = await replay(mixed);
    expect(code).toBe(1);
    expect(text).toMatch(/^partition 0: decision 0-1 is not what was decided \(record \d+\)$/m);
    expect(text).toMatch(/^ {2}decided {3}\{"id":"1-1",/m);
    expect(text).toMatch(/^ {2}replayed {2}\{"id":"0-1",/m);

    // Damage in the midst of one partition's log: nothing of it is still to be written.
    const damaged = nodes.newDataFolder();
    cpSync(data, damaged, { recursive: true });
    const folder = join(damaged, 'decisions/3');
    const segment = join(folder, readdirSync(folder).toSorted().at(-1) as string);
    const bytes = readFileSync(segment);
    bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 2);
    writeFileSync(segment, bytes);
    const lost = await replay(damaged);
    expect(lost.code).toBe(1);
    expect(lost.text).toMatch(
      /^partition 3: decision 3-\d+ and what was behind it is lost: .* snapshot of record \d+/m,
    );
    expect(lost.text).not.toContain('still to be written');

    const none = await runBeckon('replay', '--data', join(data, 'wal'));
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain('it is no data folder (it has no beckon.json)');
    const file = await runBeckon('replay', '--data', join(data, 'beckon.json'));
    expect([file.code, file.stderr]).toEqual([1, expect.stringContaining('it is no data folder')]);
    const unnamable = await runBeckon('replay', '--data', join(data, 'x'.repeat(300)));
    expect([unnamable.code, unnamable.stderr]).toEqual([
      1,
      expect.stringContaining('cannot read the history: ENAMETOOLONG'),
    ]);
    writeFileSync(join(mixed, 'beckon.json'), '{"format": 1}');
    expect((await runBeckon('replay', '--data', mixed)).stderr).toContain('data folder of format 1');
    const usage = await runBeckon('replay', '--data', data, '--from', 'yesterday');
    expect(usage).toMatchObject({ code: 2, stdout: '' });
    const backwards = await runBeckon('replay', '--data', data, '--from', '2010-12-05', '--to', '2010-12-01');
    expect(backwards).toMatchObject({ code: 2, stdout: '' });
    const embedded = await runBeckon('replay', '--data', data, '--nats', 'nats://127.0.0.1:1');
    expect(embedded).toMatchObject({ code: 2, stdout: '' });
  });
});
