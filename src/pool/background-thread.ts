/** A thread of the background pool: lowers its own priority, then does what it is sent. */
import { constants, platform, setPriority } from 'node:os';
import type { BackgroundWork } from './background-pool.ts';

// 0 is the calling thread on Linux, and the whole process elsewhere: there everything keeps the priority that it has.
if (platform() === 'linux') setPriority(0, constants.priority.PRIORITY_LOW);

export default async function work({ module, input }: BackgroundWork): Promise<unknown> {
  const task = (await import(module)) as { readonly default: (input: unknown) => unknown };
  return task.default(input);
}
