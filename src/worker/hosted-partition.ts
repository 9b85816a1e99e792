/**
 * One partition as its worker hosts it: the machine with its state, and the logs that its effects go to.
 *
 * Order laws kept here:
 *  - apply() is given durable records only, so whatever it leads to may be written at once;
 *  - a decision is in the decision log, flushed, before it is posted to anyone;
 *  - effects are synced before a snapshot that lies behind them becomes valid (syncEffects), because replay no longer derives them then.
 */
import type { Effects } from '../machine/effects.ts';
import type { Machine } from '../machine/machine.ts';
import { type LogRecord, RecordKind } from '../protocol/record.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { encodeDeadLetterEntry } from '../storage/dead-letter-entry.ts';
import { encodeDecisionEntry } from '../storage/decision-entry.ts';
import type { NumberedLog } from '../storage/numbered-log.ts';
import type { SnapshotStore } from '../storage/snapshot-store.ts';
import type { PartitionStatus } from './messages.ts';

export class HostedPartition {
  readonly partition: number;
  readonly state: PartitionState;
  readonly machine: Machine;
  readonly snapshots: SnapshotStore;
  readonly #decisions: NumberedLog;
  readonly #deadLetters: NumberedLog;
  /** Payload bytes applied since the last snapshot began: what a restart would have to replay. */
  bytesSinceSnapshot = 0;
  /** Called before a record that changes the columns of the state. */
  beforeWorkspace: () => void = () => {};

  constructor(
    partition: number,
    state: PartitionState,
    machine: Machine,
    snapshots: SnapshotStore,
    decisions: NumberedLog,
    deadLetters: NumberedLog,
  ) {
    this.partition = partition;
    this.state = state;
    this.machine = machine;
    this.snapshots = snapshots;
    this.#decisions = decisions;
    this.#deadLetters = deadLetters;
  }

  /** Applies a durable record; `effects` holds what it led to until the next apply. */
  apply(record: LogRecord, effects: Effects): void {
    effects.clear();
    if (record.kind === RecordKind.workspace) this.beforeWorkspace();
    this.machine.apply(record, effects);
    this.bytesSinceSnapshot += record.payload.length;
    for (const decision of effects.decisions) this.#decisions.append(decision.number, encodeDecisionEntry(decision));
    for (const letter of effects.deadLetters) {
      const { number, reason, error, raw } = letter;
      this.#deadLetters.append(number, encodeDeadLetterEntry({ ts: record.ts, reason, error, raw }));
    }
  }

  /** Lets readers on other threads find what was appended. */
  flushEffects(): void {
    this.#decisions.flush();
    this.#deadLetters.flush();
  }

  syncEffects(): void {
    this.#decisions.sync();
    this.#deadLetters.sync();
  }

  status(): PartitionStatus {
    const { position, logTime, workspaceVersion } = this.machine;
    return {
      partition: this.partition,
      position,
      logTimeMs: logTime,
      workspaceVersion,
      firstDecision: this.#decisions.first,
      nextDecision: this.#decisions.next,
      customers: this.state.customers,
    };
  }

  close(): void {
    this.#decisions.close();
    this.#deadLetters.close();
  }
}
