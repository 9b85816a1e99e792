/** Commands as they are run where whoever reads their output has gone (`| head -1`): that is no error of theirs, and ends nothing in its midst. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const DEMO = 'src/demo/workspace';

/** With nobody at the other end of stdout from the beginning; of stderr if `both`. */
async function unheard(both: boolean, ...args: string[]): Promise<{ readonly code: number; readonly err: string }> {
  const child = spawn(process.execPath, ['dist/main.js', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  let err = '';
  child.stdout.destroy();
  if (both) child.stderr.destroy();
  else child.stderr.on('data', (chunk) => (err += chunk));
  const [code] = await closed;
  return { code: code as number, err };
}

test('a closed stdout changes neither the exit code nor what is said on stderr', async () => {
  expect(await unheard(false, 'test', DEMO, '--only', 'ribbon')).toEqual({ code: 0, err: '' });
  expect(await unheard(false, 'check', DEMO)).toEqual({ code: 0, err: '' });
  expect(await unheard(false, '--help')).toEqual({ code: 0, err: '' });
});

test('a closed stderr does not, either', async () => {
  expect(await unheard(true, 'why')).toMatchObject({ code: 2 });
});
