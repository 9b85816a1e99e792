/** A workspace from the text of its files, as version 1, published for one partition, and a machine under it: for pieces that need one around them. */

import type { CampaignRow } from '../../src/machine/accounting.ts';
import { Effects } from '../../src/machine/effects.ts';
import { Machine } from '../../src/machine/machine.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import { reserveMemory } from '../../src/state/arena.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import { stateLimits } from '../../src/state/state-limits.ts';
import { assert } from '../../src/stdx/assert.ts';
import { compileWorkspace } from '../../src/workspace/compile.ts';
import { sharesOf } from '../../src/workspace/shares.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';

/** Later than every event: none comes from the future. */
const RECORD_TS = 4_000_000_000_000;
const encoder = new TextEncoder();

export function workspaceOf(files: Readonly<Record<string, string>>): Workspace {
  const compiled = compileWorkspace(files);
  assert('workspace' in compiled, 'issues' in compiled ? JSON.stringify(compiled.issues[0]) : '');
  return { ...compiled.workspace, version: 1, shares: sharesOf(compiled.workspace, {}, 1) };
}

/** One partition of one, on the event clock. */
export class BenchMachine {
  readonly state: PartitionState;
  readonly machine: Machine;
  /** Of the last record. */
  readonly effects = new Effects();

  constructor(customersMax: number) {
    const limits = stateLimits(customersMax);
    this.state = new PartitionState(reserveMemory(limits), limits);
    this.machine = new Machine({ partition: 0, partitions: 1, clock: 'event', state: this.state });
  }

  publish(workspace: Workspace): void {
    this.#apply(RecordKind.workspace, encoder.encode(JSON.stringify(workspace)));
    assert(this.effects.workspaceError === null, this.effects.workspaceError ?? '');
  }

  /** One message of events, all of which must be accepted. */
  send(payload: Uint8Array): void {
    this.#apply(RecordKind.events, payload);
    assert(this.effects.rejections.length === 0, 'an event was rejected');
  }

  /** CPU nanoseconds that the machine takes for these messages, of all threads: a neighbour on a busy machine does not count. */
  cpuNs(messages: readonly Uint8Array[]): number {
    const start = process.cpuUsage();
    for (const message of messages) this.send(message);
    const { user, system } = process.cpuUsage(start);
    return (user + system) * 1000;
  }

  campaign(id: string): CampaignRow {
    const row = this.machine.campaigns().find((campaign) => campaign.id === id);
    assert(row !== undefined, `no campaign "${id}"`);
    return row;
  }

  #apply(kind: RecordKind, payload: Uint8Array): void {
    this.effects.clear();
    this.machine.apply({ seq: this.machine.position + 1, ts: RECORD_TS, kind, payload }, this.effects);
  }
}

/** A machine with room for so many customers, and no customer yet. */
export function machineUnder(workspace: Workspace, customersMax: number): BenchMachine {
  const bench = new BenchMachine(customersMax);
  bench.publish(workspace);
  return bench;
}
