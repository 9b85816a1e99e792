/** One partition as its worker hosts it: the machine with its state, its snapshots, where its effects go, and what it says to others. */

import { RECORD_BYTES_OVERHEAD } from '../constants.ts';
import { recordChecksum } from '../log/record-checksum.ts';
import type { Effects } from '../machine/effects.ts';
import type { Machine } from '../machine/machine.ts';
import { describeColumns, type ScanSource } from '../machine/scan-source.ts';
import type { LogRecord } from '../protocol/record.ts';
import type { Program } from '../rules/program.ts';
import type { PartitionState } from '../state/partition-state.ts';
import type { SnapshotStore } from '../storage/snapshot-store.ts';
import type { EffectSink } from './effect-sink.ts';
import type { PartitionStatus } from './messages.ts';
import { Outbox } from './outbox.ts';

export class HostedPartition {
  readonly partition: number;
  readonly state: PartitionState;
  readonly machine: Machine;
  readonly snapshots: SnapshotStore;
  readonly effects: EffectSink;
  readonly outbox: Outbox;
  /** Payload bytes applied since the last snapshot began: what a restart would have to replay. */
  bytesSinceSnapshot = 0;
  /** It applies nothing more, and its effects may never become durable. */
  halted = false;
  /** Of the last record of the last batch (recordChecksum): with its sequence and time, what a log stream is recognised by. 0 before the first. */
  checksum = 0;
  /** Called before the columns of the state move. */
  beforeLayout: () => void = () => {};
  /** An i32 that counts how often the columns may have moved: scans in other threads look whether they still lie where they did. */
  readonly #layout = new SharedArrayBuffer(4);
  readonly #layoutVersion = new Int32Array(this.#layout);

  constructor(
    partition: number,
    state: PartitionState,
    machine: Machine,
    snapshots: SnapshotStore,
    effects: EffectSink,
  ) {
    this.partition = partition;
    this.state = state;
    this.machine = machine;
    this.snapshots = snapshots;
    this.effects = effects;
    this.outbox = new Outbox(partition);
    machine.filling.beforeLayout = () => {
      Atomics.add(this.#layoutVersion, 0, 1);
      this.beforeLayout();
    };
  }

  /** Applies a record, which must be durable; `effects` holds what it led to until the next apply. */
  apply(record: LogRecord, effects: Effects): void {
    effects.clear();
    this.machine.apply(record, effects);
    this.bytesSinceSnapshot += record.payload.length + RECORD_BYTES_OVERHEAD;
    this.effects.add(record.ts, effects);
    this.outbox.add(effects.messages);
  }

  /** For a scan from another thread, as the partition is now; null without a workspace. */
  scanSource(where: Program): ScanSource | null {
    const { activeWorkspace, logTime } = this.machine;
    if (activeWorkspace === null) return null;
    const columns = describeColumns(where, activeWorkspace, this.state);
    return { ...columns, now: logTime, layout: this.#layout, layoutVersion: this.#layoutVersion[0] as number };
  }

  /** After a batch, with its last record: only the last one's checksum is ever asked for. */
  passed(record: LogRecord): void {
    this.checksum = recordChecksum(record.kind, record.payload);
  }

  status(): PartitionStatus {
    const { position, workspaceVersion, decisionCount, filling } = this.machine;
    const fill = filling.status === null ? null : { ...filling.status, busy: filling.busy };
    const { customers } = this.state;
    const { partition, halted } = this;
    return { partition, position, workspaceVersion, nextDecision: decisionCount + 1, customers, halted, fill };
  }
}
