/** The process of a backtest, of the built program: node reads no TypeScript. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { PAUSE_MS_MAX } from '../../../src/constants.ts';
import type { beginBacktest } from '../../../src/pool/backtest-process.ts';
import { RecordKind } from '../../../src/protocol/record.ts';
import type { BegunBacktest } from '../../../src/replay/backtest/outcome.ts';
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import { childrenOf } from '../../support/child-processes.ts';
import { HistoryFolder } from '../../support/history-folder.ts';
import { workspaceOf } from '../../support/machine-fixture.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const built = new URL('../../../dist/pool/backtest-process.js', import.meta.url).href;
const { beginBacktest: begin } = (await import(built)) as { beginBacktest: typeof beginBacktest };

const FILES = {
  'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [pos]\n',
  'events.yaml': 'receipt: {total: double}\n',
  'campaigns/tea.yaml': 'id: tea\non: receipt\nchannels: [pos]\n',
};
/** Of the scheduler. */
const SCHED_IDLE = 5;
const INPUT = { files: FILES, fromMs: null, toMs: null, live: [] };

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(1);
}

const { PATH, NODE_OPTIONS = '' } = process.env;
afterEach(() => {
  Object.assign(process.env, { PATH, NODE_OPTIONS });
});

describe('the process of a backtest', () => {
  it('tells what is wrong with the request', async () => {
    const { signal } = new AbortController();
    const dataDirectory = scratchFolder();
    const files = { ...FILES, 'campaigns/tea.yaml': 'id: tea\nchannels: [pos]\n' };
    const refused = await begin({ ...INPUT, dataDirectory, files }, signal);
    expect((refused as { issues: unknown }).issues).toEqual([
      { file: 'campaigns/tea.yaml', line: 1, column: 1, message: 'missing `on`' },
    ]);
    expect(await begin({ ...INPUT, dataDirectory, live: ['te'] }, signal)).toEqual({
      refused: 'the workspace has no campaign "te" to take as live; did you mean "tea"?',
    });
  });

  it('tells what nobody expected', async () => {
    const begun = await begin({ ...INPUT, dataDirectory: scratchFolder() }, new AbortController().signal);
    await expect((begun as BegunBacktest).outcome).rejects.toThrow('it is no data folder');
  });

  describe.runIf(platform() === 'linux')('on Linux', () => {
    const children = () => childrenOf(process.pid, 'backtest-program');

    it('has the lowest priority and one thread, and is gone once it is aborted', async () => {
      const abort = new AbortController();
      const beginning = begin({ ...INPUT, dataDirectory: scratchFolder() }, abort.signal);
      const ended = expect(beginning).rejects.toThrow('enough');
      const single = () => childrenOf(process.pid, '--single-threaded');
      await until(() => single().some(({ nice, policy }) => nice === 19 && policy === SCHED_IDLE));
      abort.abort(new Error('enough'));
      await ended;
      await until(() => children().length === 0);
    });

    it('tells how it ended, if it did so before it had begun', async () => {
      const beginning = begin({ ...INPUT, dataDirectory: scratchFolder() }, new AbortController().signal);
      const ended = expect(beginning).rejects.toThrow('the process of a backtest ended with SIGKILL');
      await until(() => children().length > 0);
      for (const { pid } of children()) process.kill(pid, 'SIGKILL');
      await ended;
    });

    it('begins where the system has neither command, or does not let them', async () => {
      const { signal } = new AbortController();
      const input = { ...INPUT, dataDirectory: scratchFolder(), live: ['te'] };
      const path = scratchFolder();
      process.env['PATH'] = path;
      expect(await begin(input, signal)).toHaveProperty('refused');
      const chrt = join(path, 'chrt');
      writeFileSync(chrt, '#!/bin/sh\nexit 1\n');
      chmodSync(chrt, 0o755);
      expect(await begin(input, signal)).toHaveProperty('refused');
    });
  });

  it('pauses for whoever wants its core', async () => {
    const dataDirectory = scratchFolder();
    const folder = new HistoryFolder(nodeFileSystem, 'event', dataDirectory);
    folder.append(RecordKind.workspace, new TextEncoder().encode(JSON.stringify(workspaceOf(FILES))), 0);
    folder.append(RecordKind.tick, new Uint8Array(0), 1);
    // To the process every look at the clock is a second later, and its core was taken away at every look.
    const slept = join(dataDirectory, 'slept');
    const system = join(scratchFolder(), 'system.cjs');
    writeFileSync(
      system,
      `let looks = 0;
performance.now = () => 1000 * ++looks;
process.resourceUsage = () => ({ involuntaryContextSwitches: ++looks });
Atomics.wait = (array, index, value, ms) => require('node:fs').appendFileSync(${JSON.stringify(slept)}, ms + ' ');`,
    );
    process.env['NODE_OPTIONS'] = `--require ${system}`;
    const begun = await begin({ ...INPUT, dataDirectory }, new AbortController().signal);
    expect(await (begun as BegunBacktest).outcome).toHaveProperty('report');
    expect(readFileSync(slept, 'utf8')).toBe(`${PAUSE_MS_MAX} ${PAUSE_MS_MAX} `);
  });

  it('does not begin for somebody who has gone', async () => {
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(begin({ ...INPUT, dataDirectory: scratchFolder() }, signal)).rejects.toThrow('gone');
  });
});
