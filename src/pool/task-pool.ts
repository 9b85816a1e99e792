/**
 * The task pool: stateless work that would hold up the main thread for longer than a request may wait. It never owns a partition.
 * Its threads start when there is work and end when there has been none for a while. Scans have a thread of their own: they take milliseconds, and compiling a
 * workspace a second.
 */
import { Piscina } from 'piscina';
import { TASK_POOL_IDLE_MS } from '../constants.ts';
import type { CompiledWorkspace } from '../workspace/compile.ts';
import type { AudienceScanTask } from './audience-scan-task.ts';
import type { CompileWorkspaceTask } from './compile-workspace-task.ts';
import type { PartitionScan } from './partition-scan.ts';

export class TaskPool {
  readonly #compiling = poolOf('compile-workspace-task');
  readonly #scanning = poolOf('audience-scan-task');

  /** Validates and compiles a workspace's files: about a second for a thousand campaigns. */
  compileWorkspace(files: CompileWorkspaceTask['files'], columnBits?: number): Promise<CompiledWorkspace> {
    const task: CompileWorkspaceTask = { files, columnBits };
    return this.#compiling.run(task) as Promise<CompiledWorkspace>;
  }

  /** Scans partitions, one after another; null: columns moved meanwhile. */
  scanAudience(task: AudienceScanTask): Promise<readonly PartitionScan[] | null> {
    return this.#scanning.run(task) as Promise<readonly PartitionScan[] | null>;
  }

  async close(): Promise<void> {
    await Promise.all([this.#compiling.destroy(), this.#scanning.destroy()]);
  }
}

function poolOf(task: string): Piscina {
  return new Piscina({
    filename: new URL(`./${task}${import.meta.url.slice(-3)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: TASK_POOL_IDLE_MS,
  });
}
