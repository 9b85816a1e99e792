/** The process of a backtest, of the built program: node reads no TypeScript. */
import { chmodSync, writeFileSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { beginBacktest } from '../../../src/pool/backtest-process.ts';
import type { BegunBacktest } from '../../../src/replay/backtest/outcome.ts';
import { childrenOf } from '../../support/child-processes.ts';
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

const PATH = process.env['PATH'];
afterEach(() => {
  process.env['PATH'] = PATH;
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

  it('does not begin for somebody who has gone', async () => {
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(begin({ ...INPUT, dataDirectory: scratchFolder() }, signal)).rejects.toThrow('gone');
  });
});
