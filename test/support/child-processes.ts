/** Processes that another one has begun, by /proc: on Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ChildProcessSeen {
  readonly pid: number;
  /** From -20 to 19. */
  readonly nice: number;
  /** Of the scheduler; 5 is SCHED_IDLE. */
  readonly policy: number;
}

/** Those whose command line has `part` in it. */
export function childrenOf(parent: number, part: string): ChildProcessSeen[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(Number.isInteger)
    .flatMap((pid) => {
      const fields = statOf(pid);
      if (fields === null || Number(fields[1]) !== parent || !commandLine(pid).includes(part)) return [];
      return [{ pid, nice: Number(fields[16]), policy: Number(fields[38]) }];
    });
}

export function isRunning(pid: number): boolean {
  return statOf(pid) !== null;
}

/** From field 3 of /proc/PID/stat on: state, parent, …, nice (19), …, policy (41). null: it has ended. */
function statOf(pid: number): string[] | null {
  const stat = textOf(`/proc/${pid}/stat`);
  // Its name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' || fields[0] === 'Z' ? null : fields;
}

function commandLine(pid: number): string {
  return textOf(`/proc/${pid}/cmdline`);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
