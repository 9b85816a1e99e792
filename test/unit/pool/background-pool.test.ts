import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, platform } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BackgroundPool, backgroundTask } from '../../../src/pool/background-pool.ts';
import type { CompileWorkspaceTask } from '../../../src/pool/compile-workspace-task.ts';
import type { CompiledWorkspace } from '../../../src/workspace/compile.ts';

/** Any module beside the pool with a default export will do. */
const compiling = backgroundTask<CompileWorkspaceTask, CompiledWorkspace>('compile-workspace-task');
const NOTHING: CompileWorkspaceTask = { files: {}, columnBits: undefined };

/** Threads run the built program: node reads no TypeScript. */
const built = new URL('../../../dist/pool/background-pool.js', import.meta.url).href;
const { BackgroundPool: Pool } = (await import(built)) as { BackgroundPool: typeof BackgroundPool };

let pool: BackgroundPool;
beforeEach(() => {
  pool = new Pool();
});
afterEach(() => pool.close());

describe('the background pool', () => {
  it('runs a task and gives what it returns', async () => {
    const compiled = await pool.run(compiling, { ...NOTHING, files: { 'workspace.yaml': 'name: x' } });
    expect('issues' in compiled).toBe(true);
  });

  it.runIf(platform() === 'linux')('lowers the priority of its own thread only', async () => {
    const before = getPriority();
    await pool.run(compiling, NOTHING);
    expect(getPriority()).toBe(before);
    const niceness = readdirSync('/proc/self/task').map((thread) => {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
      // Behind the name in parentheses: state is field 3, nice field 19.
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    });
    expect(niceness.filter((nice) => nice === 19)).toHaveLength(1);
  });

  it('ends what is aborted', async () => {
    const abort = new AbortController();
    const running = pool.run(compiling, NOTHING, abort.signal);
    abort.abort();
    await expect(running).rejects.toThrow(/abort/i);
    expect('issues' in (await pool.run(compiling, NOTHING))).toBe(true);
  });

  it('begins nothing more once it is closed, so that a node that stops ends in time', async () => {
    const running = pool.run(compiling, NOTHING);
    await Promise.all([expect(running).rejects.toThrow('the node is stopping'), pool.close()]);
    await expect(pool.run(compiling, NOTHING)).rejects.toThrow('the node is stopping');
  });
});
