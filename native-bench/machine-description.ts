/** What the numbers were measured on, and whether it had something else to do meanwhile: a share of the cores was taken before we began, or by the host. */
import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Above these shares of all cores' time the numbers deserve a warning. */
const BUSY_SHARE_MAX = 0.15;
const STOLEN_SHARE_MAX = 0.02;
const LOOK_MS = 1000;
/** TMPFS_MAGIC of Linux. */
const TMPFS_TYPE = 0x01021994;

export interface MachineDescription {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  /** Over the last minute. At the end it is mostly the benchmarks' own. */
  readonly loadAtBegin: number;
  readonly loadAtEnd: number;
  /** Of all cores' time in the second before the first suite, the share that others used. */
  readonly busyBeforeShare: number;
  /** Of all cores' time during the run, the share that the host gave to other machines; null where it does not say. */
  readonly stolenShare: number | null;
  /** Empty if the machine was ours. */
  readonly warnings: readonly string[];
}

interface CoreTimes {
  readonly total: number;
  readonly idle: number;
  readonly stolen: number | null;
}

/** Looks for a second before the first suite (`lookMs` 0: does not), and again when the returned function is called. */
export async function watchMachine(lookMs = LOOK_MS): Promise<() => Promise<MachineDescription>> {
  const [loadAtBegin = 0] = loadavg();
  const before = await coreTimes();
  await sleep(lookMs);
  const begin = await coreTimes();
  const looked = begin.total - before.total;
  const busyBeforeShare = lookMs > 0 && looked > 0 ? 1 - (begin.idle - before.idle) / looked : 0;
  return async () => {
    const end = await coreTimes();
    const elapsed = Math.max(1, end.total - begin.total);
    const stolenShare = end.stolen === null || begin.stolen === null ? null : (end.stolen - begin.stolen) / elapsed;
    const warnings = [];
    if (busyBeforeShare > BUSY_SHARE_MAX)
      warnings.push(`the machine was ${percent(busyBeforeShare)} busy before the first suite began`);
    if (stolenShare !== null && stolenShare > STOLEN_SHARE_MAX)
      warnings.push(`the host took ${percent(stolenShare)} of the cores' time for others meanwhile`);
    // Where the type of a file system is told at all.
    const { type } = await statfs(tmpdir()).catch(() => ({ type: 0 }));
    if (type === TMPFS_TYPE)
      warnings.push('the temporary folder is in memory, where a sync costs nothing: name one on a disk in TMPDIR');
    return {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
      system: `${process.platform} ${process.arch} ${release()}`,
      node: process.versions.node,
      v8: process.versions.v8,
      loadAtBegin,
      loadAtEnd: loadavg()[0] ?? 0,
      busyBeforeShare,
      stolenShare,
      warnings,
    };
  };
}

/** Linux counts what its host stole; elsewhere Node's own counters must do. */
async function coreTimes(): Promise<CoreTimes> {
  const line = await readFile('/proc/stat', 'utf8').then(
    (text) => /^cpu +(.*)$/m.exec(text)?.[1],
    () => undefined,
  );
  if (line !== undefined) {
    // user nice system idle iowait irq softirq steal; guest time is within user's.
    const times = line.split(' ').map(Number).slice(0, 8);
    const total = times.reduce((sum, time) => sum + time, 0);
    return { total, idle: (times[3] ?? 0) + (times[4] ?? 0), stolen: times[7] ?? null };
  }
  const times = cpus().map((core) => core.times);
  const idle = times.reduce((sum, core) => sum + core.idle, 0);
  return {
    idle,
    total: idle + times.reduce((sum, core) => sum + core.user + core.nice + core.sys + core.irq, 0),
    stolen: null,
  };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
