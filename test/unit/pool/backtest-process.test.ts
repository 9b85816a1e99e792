/** The process of a backtest, of the built program: node reads no TypeScript. */
import { readdirSync, readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { beginBacktest } from '../../../src/pool/backtest-process.ts';
import type { BegunBacktest } from '../../../src/replay/backtest/outcome.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const built = new URL('../../../dist/pool/backtest-process.js', import.meta.url).href;
const { beginBacktest: begin } = (await import(built)) as { beginBacktest: typeof beginBacktest };

const FILES = {
  'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [pos]\n',
  'events.yaml': 'receipt: {total: double}\n',
  'campaigns/tea.yaml': 'id: tea\non: receipt\nchannels: [pos]\n',
};
const INPUT = { files: FILES, fromMs: null, toMs: null, live: [] };

/** Niceness of the processes that this one has begun for backtests. */
function niceness(): number[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // Behind the name in parentheses: the parent is field 4, nice field 19.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const ours = Number(fields[1]) === process.pid && fields[0] !== 'Z';
      return ours && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('backtest-program')
        ? [Number(fields[16])]
        : [];
    } catch {
      return [];
    }
  });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(1);
}

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

  it.runIf(platform() === 'linux')('has the lowest priority, and is gone once it is aborted', async () => {
    const abort = new AbortController();
    const beginning = begin({ ...INPUT, dataDirectory: scratchFolder() }, abort.signal);
    const ended = expect(beginning).rejects.toThrow('enough');
    await until(() => niceness().includes(19));
    abort.abort(new Error('enough'));
    await ended;
    await until(() => niceness().length === 0);
  });

  it('does not begin for somebody who has gone', async () => {
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(begin({ ...INPUT, dataDirectory: scratchFolder() }, signal)).rejects.toThrow('gone');
  });
});
