import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { InputError, UsageError } from '../../src/cli/exit.ts';
import { NodeClient } from '../../src/cli/node-client.ts';
import { publish } from '../../src/cli/publish.ts';
import { answerJson, type FakeNode, fakeNode, type Handler, TextSink } from '../support/fake-node.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

let node: FakeNode | null = null;
afterEach(async () => {
  await node?.close();
  node = null;
});

function workspaceFolder(): string {
  const folder = scratchFolder();
  mkdirSync(join(folder, 'campaigns'));
  mkdirSync(join(folder, 'tests'));
  writeFileSync(join(folder, 'tests', 'hearts.yaml'), '[]\n');
  writeFileSync(join(folder, 'workspace.yaml'), 'name: retail\n');
  writeFileSync(join(folder, 'campaigns', 'hearts.yaml'), 'id: hearts\n');
  return folder;
}

async function run(
  handler: Handler,
  folder = workspaceFolder(),
): Promise<{ code: number; out: string; err: string; folder: string }> {
  node = await fakeNode(handler);
  const [stdout, stderr] = [new TextSink(), new TextSink()];
  const streams = [stdout, stderr] as unknown as [NodeJS.WritableStream, NodeJS.WritableStream];
  const code = await publish(folder, { to: node.url, retryForMs: 500 }, ...streams);
  return { code, out: stdout.text, err: stderr.text, folder };
}

describe('beckon publish', () => {
  it('puts the files of the folder, and prints the version', async () => {
    const { code, out, folder } = await run((_, response) => answerJson(response, 200, { version: 3, files: {} }));
    expect(code).toBe(0);
    expect(out).toBe(`published ${folder} as version 3\n`);
    expect(node?.requests[0]).toMatchObject({ method: 'PUT', path: '/v1/workspace' });
    expect(JSON.parse(node?.requests[0]?.body ?? '')).toEqual({
      files: { 'workspace.yaml': 'name: retail\n', 'campaigns/hearts.yaml': 'id: hearts\n' },
    });
  });

  it('says that nothing changed where the version is active already, whatever was filled for it', async () => {
    const filled = [{ aggregate: 'spend', changed: false, since: '2010-12-01T08:26:00.000Z', complete: true }];
    const { code, out, folder } = await run((_, response) =>
      answerJson(response, 200, { version: 3, changed: false, filled, files: {} }),
    );
    expect(code).toBe(0);
    expect(out).toBe(`${folder} is version 3, which is active already: nothing changed\n`);
  });

  it('prints what `check` warns of', async () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'workspace.yaml'), 'name: retail\ntimezone: UTC\nchannels: [push]\n');
    const { code, out, err } = await run((_, response) => answerJson(response, 200, { version: 1, files: {} }), folder);
    expect(code).toBe(0);
    expect(out).toBe(`published ${folder} as version 1\n`);
    expect(err).toBe('workspace.yaml:1:1 warning: there are no campaigns: nothing will be decided\n');
  });

  it('prints issues as file:line:column message and exits 1', async () => {
    const issues = [
      { file: 'campaigns/hearts.yaml', line: 3, column: 7, message: 'unknown event "recipt" (receipt?)' },
      { file: 'policy.yaml', line: 1, column: 1, message: 'no channels' },
    ];
    const { code, out, err } = await run((_, response) =>
      answerJson(response, 422, { title: 'The workspace has errors', issues }),
    );
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toBe(
      'campaigns/hearts.yaml:3:7 unknown event "recipt" (receipt?)\npolicy.yaml:1:1 no channels\nnothing was published: 2 problems\n',
    );
  });

  it('says so when there is no such folder', async () => {
    const publishing = run((_, response) => answerJson(response, 200, { version: 1 }), '/nowhere/workspace');
    await expect(publishing).rejects.toBeInstanceOf(InputError);
    expect(node?.requests).toEqual([]);
  });

  it('refuses an address with a path, and says for how long it waits for a node', async () => {
    const gone = await fakeNode(() => undefined);
    await gone.close();
    const stderr = new TextSink();
    const streams = [new TextSink(), stderr] as unknown as [NodeJS.WritableStream, NodeJS.WritableStream];
    await expect(publish(workspaceFolder(), { to: `${gone.url}/foo` }, ...streams)).rejects.toBeInstanceOf(UsageError);
    await expect(publish(workspaceFolder(), { to: gone.url, retryForMs: 500 }, ...streams)).rejects.toThrow(
      /nobody listens there \(.* --to\); gave up after 0\.5 s$/,
    );
    expect(stderr.text).toMatch(/^\S+ nobody listens there \(.* --to\): waiting for up to 0\.5 s\n$/);
  });

  it('waits for a node that works longer than for one that is not there, also where it is restarted meanwhile', async () => {
    let requests = 0;
    node = await fakeNode((_, response) => {
      requests++;
      // Two tries have no answer in time; then the node is restarted.
      if (requests > 2) answerJson(response, requests === 3 ? 503 : 200, { version: 4 });
    });
    const client = new NodeClient({ to: node.url, tryForMs: 1_000, retryForMs: 2_000, workForMs: 60_000 });
    expect((await client.send('PUT', '/v1/workspace', null, null)).status).toBe(200);
    expect(requests).toBe(4);
    // It says that they are one request.
    const keys = node.requests.map(({ headers }) => headers['idempotency-key']);
    expect([new Set(keys).size, keys[0]]).toEqual([1, expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    await client.send('PUT', '/v1/workspace', null, null);
    expect(node.requests[4]?.headers['idempotency-key']).not.toBe(keys[0]);
  });

  it('passes on any other refusal in its own words', async () => {
    await expect(
      run((_, response) => answerJson(response, 401, { title: 'A token is needed', detail: 'send --token' })),
    ).rejects.toThrow('401 A token is needed: send --token');
  });
});
