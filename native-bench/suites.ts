/** All suites, by group. A group's name on the command line stands for all of its suites; without names, all run, in this order. */
import { suite as ceiling } from './ceiling/ceiling.ts';
import { suite as loadBacktest } from './load/backtest.ts';
import { suite as loadDecide } from './load/decide.ts';
import { suite as loadDrain } from './load/drain.ts';
import { suite as loadFanOut } from './load/fan-out.ts';
import { suite as loadLatency } from './load/latency.ts';
import { suite as loadReplay } from './load/replay.ts';
import { suite as loadSweep } from './load/sweep.ts';
import { suite as loadWaits } from './load/waits.ts';
import { suite as contacts } from './micro/contacts.ts';
import { suite as decode } from './micro/decode.ts';
import { suite as fanOut } from './micro/fan-out.ts';
import { suite as keys } from './micro/keys.ts';
import { suite as leases } from './micro/leases.ts';
import { suite as rules } from './micro/rules.ts';
import { suite as snapshots } from './micro/snapshots.ts';
import { suite as timers } from './micro/timers.ts';
import { suite as wal } from './micro/wal.ts';
import { suite as windows } from './micro/windows.ts';
import { suite as kernelPeers } from './peers/kernel.ts';
import { suite as memoryPeers } from './peers/memory.ts';
import { suite as rulesPeers } from './peers/rules.ts';
import { suite as scale } from './scale/scale.ts';
import { suite as scansOfNode } from './scans/node-scans.ts';
import { suite as scans } from './scans/scans.ts';
import type { Suite } from './suite.ts';

export const GROUPS: Readonly<Record<string, readonly Suite[]>> = {
  micro: [decode, keys, windows, rules, contacts, timers, leases, wal, snapshots, fanOut],
  ceiling: [ceiling],
  peers: [kernelPeers, rulesPeers, memoryPeers],
  scans: [scans, scansOfNode],
  load: [loadDecide, loadDrain, loadLatency, loadFanOut, loadWaits, loadReplay, loadBacktest, loadSweep],
  scale: [scale],
};

export function allSuites(): Suite[] {
  return Object.values(GROUPS).flat();
}

export function suiteNamed(name: string): Suite | undefined {
  return allSuites().find((suite) => suite.name === name);
}

export interface Selection {
  readonly suites: readonly Suite[];
  readonly unknown: readonly string[];
}

/** Suites named by themselves or by their group, each once, in the order of the list. */
export function select(names: readonly string[]): Selection {
  if (names.length === 0) return { suites: allSuites(), unknown: [] };
  const wanted = new Set<Suite>();
  const unknown: string[] = [];
  for (const name of names) {
    // A group and one of its suites may share a name: then it stands for all of them.
    const members = Object.hasOwn(GROUPS, name) ? (GROUPS[name] as readonly Suite[]) : [];
    const named = [...members, ...allSuites().filter((suite) => suite.name === name)];
    if (named.length === 0) unknown.push(name);
    for (const suite of named) wanted.add(suite);
  }
  return { suites: allSuites().filter((suite) => wanted.has(suite)), unknown };
}

/** For `--help` and for whoever misspelt a name. */
export function describeSuites(): string {
  const width = Math.max(0, ...allSuites().map((suite) => suite.name.length));
  return Object.entries(GROUPS)
    .filter(([, suites]) => suites.length > 0)
    .map(([group, suites]) =>
      [`  ${group}`, ...suites.map((suite) => `    ${suite.name.padEnd(width)}  ${suite.about}`)].join('\n'),
    )
    .join('\n');
}
