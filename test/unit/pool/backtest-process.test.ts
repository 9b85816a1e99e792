/** The process of a backtest, of the built program: node reads no TypeScript. */
import { readdirSync, readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { runBacktestProcess } from '../../../src/pool/backtest-process.ts';
import { workspaceOf } from '../../support/machine-fixture.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const built = new URL('../../../dist/pool/backtest-process.js', import.meta.url).href;
const { runBacktestProcess: run } = (await import(built)) as { runBacktestProcess: typeof runBacktestProcess };

const inputOf = (dataDirectory: string) => ({ dataDirectory, candidate: workspaceOf({}), fromMs: null, toMs: null });

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
  it('tells what nobody expected', async () => {
    await expect(run(inputOf(scratchFolder()), new AbortController().signal, () => {})).rejects.toThrow(
      'it is no data folder',
    );
  });

  it.runIf(platform() === 'linux')('has the lowest priority, and is gone once it is aborted', async () => {
    const abort = new AbortController();
    const running = run(inputOf(scratchFolder()), abort.signal, () => {});
    const ended = expect(running).rejects.toThrow('enough');
    await until(() => niceness().includes(19));
    abort.abort(new Error('enough'));
    await ended;
    await until(() => niceness().length === 0);
  });

  it('does not begin for somebody who has gone', async () => {
    await expect(run(inputOf(scratchFolder()), AbortSignal.abort(new Error('gone')), () => {})).rejects.toThrow('gone');
  });
});
