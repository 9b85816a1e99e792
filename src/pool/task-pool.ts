/**
 * The task pool: stateless work that would hold up the main thread for longer than a request may wait. It never owns a partition.
 * Its threads start when there is work and end when there has been none for a while.
 */
import { Piscina } from 'piscina';
import { TASK_POOL_IDLE_MS } from '../constants.ts';
import type { CompiledWorkspace } from '../workspace/compile.ts';

export class TaskPool {
  readonly #pool = new Piscina({
    filename: new URL(`./compile-workspace-task${import.meta.url.slice(-3)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: TASK_POOL_IDLE_MS,
  });

  /** Validates and compiles a workspace's files: about a second for a thousand campaigns. */
  compileWorkspace(files: Readonly<Record<string, string>>): Promise<CompiledWorkspace> {
    return this.#pool.run(files) as Promise<CompiledWorkspace>;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
