/**
 * Beckon's side: one partition in memory under the kernel workload's workspace. What is timed is `Machine.apply` from src/, as the shard workers call
 * it, one record per message of a producer.
 */
import { Effects } from '../../src/machine/effects.ts';
import { Machine } from '../../src/machine/machine.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import { reserveMemory } from '../../src/state/arena.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import { stateLimits } from '../../src/state/state-limits.ts';
import { fnv1a32Bytes } from '../../src/stdx/hash.ts';
import { compileWorkspace } from '../../src/workspace/compile.ts';
import { customerId, type KernelRule, kernelWorkspace } from '../workload/kernel.ts';

/** Timestamp of every record: later than all events. */
export const RECORD_TS = 4_000_000_000_000;

const encoder = new TextEncoder();

export interface Decided {
  readonly campaign: string;
  readonly customer: string;
  readonly event: string;
}

/** `cpuNs`: of all threads, so that a garbage collector or compiler beside the main thread counts, and a neighbour on a busy machine does not. */
export interface Taken {
  readonly wallNs: number;
  readonly cpuNs: number;
}

export class BeckonKernel {
  readonly machine: Machine;
  /** Of the last round, in order. */
  readonly decided: Decided[] = [];
  readonly #effects = new Effects();
  #version = 0;

  constructor(customersMax: number) {
    const limits = stateLimits(customersMax);
    const state = new PartitionState(reserveMemory(limits), limits);
    this.machine = new Machine({ partition: 0, partitions: 1, clock: 'event', state });
  }

  publish(rules: readonly KernelRule[]): void {
    const compiled = compileWorkspace(kernelWorkspace(rules));
    if (!('workspace' in compiled)) throw new Error(JSON.stringify(compiled.issues[0]));
    const workspace = { ...compiled.workspace, version: ++this.#version };
    this.#apply(RecordKind.workspace, encoder.encode(JSON.stringify(workspace)));
    if (this.#effects.workspaceError !== null) throw new Error(this.#effects.workspaceError);
  }

  /** What the machine took for these messages. */
  apply(messages: readonly Uint8Array[]): Taken {
    const { decided } = this;
    decided.length = 0;
    const cpuStart = process.cpuUsage();
    const start = process.hrtime.bigint();
    for (const message of messages) {
      this.#apply(RecordKind.events, message);
      for (const { decision } of this.#effects.decisions) {
        decided.push({
          campaign: decision.campaign,
          customer: decision.customer as string,
          event: decision.event.id as string,
        });
      }
    }
    const wallNs = Number(process.hrtime.bigint() - start);
    const cpu = process.cpuUsage(cpuStart);
    return { wallNs, cpuNs: (cpu.user + cpu.system) * 1000 };
  }

  #apply(kind: RecordKind, payload: Uint8Array): void {
    this.#effects.clear();
    this.machine.apply({ seq: this.machine.position + 1, ts: RECORD_TS, kind, payload }, this.#effects);
  }

  // What kernel.cpp's commands of the same names answer.

  totals(): string {
    const { accepted, repeated, rejected, decisionCount, logTime } = this.machine.totals;
    return `${accepted} ${repeated} ${rejected} ${decisionCount} ${logTime}`;
  }

  decidedChecksum(): string {
    const lines = this.decided.map(({ campaign, customer, event }) => `${campaign}|${customer}|${event}\n`);
    return `${lines.length} ${checksum(lines)}`;
  }

  /** `count`: how many rules the present version has; accounts of former rules stay. */
  booksChecksum(rules: readonly KernelRule[]): string {
    const present = new Set(rules.map((rule) => rule.id));
    const rows = this.machine.campaigns().filter((row) => present.has(row.id));
    const lines = rows.map(({ id, matched, decided, suppressed, errors }) => {
      if (errors > 0) throw new Error(`${id}: ${errors} evaluations ended in an error`);
      const [cap, outranked, late] = [suppressed['cap'] ?? 0, suppressed['outranked'] ?? 0, suppressed['late'] ?? 0];
      return `${id}|${matched}|${decided['push'] ?? 0}|${cap}|${outranked}|${late}\n`;
    });
    return `${rows.reduce((sum, row) => sum + row.matched, 0)} ${checksum(lines)}`;
  }

  windowsChecksum(count: number, step: number): string {
    const spend = new Float64Array(1);
    const words = new Uint32Array(spend.buffer);
    const lines = Array.from({ length: count }, (_, i) => {
      const id = customerId(i * step);
      const aggregates = this.machine.customer(id)?.aggregates;
      spend[0] = aggregates?.['spend_30d'] as number;
      return `${id}|${aggregates?.['receipts_30d']}|${words[0]}|${words[1]}\n`;
    });
    return String(checksum(lines));
  }
}

function checksum(lines: readonly string[]): number {
  return fnv1a32Bytes(encoder.encode(lines.join('')));
}
