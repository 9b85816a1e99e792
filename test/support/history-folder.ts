/** A data folder of one partition as its node would leave it: write-ahead logs, snapshots, decisions; and, by record, what its machine was then. */
import { recordChecksum } from '../../src/log/record-checksum.ts';
import { Effects } from '../../src/machine/effects.ts';
import type { RecordKind } from '../../src/protocol/record.ts';
import { PartitionTarget } from '../../src/replay/restore.ts';
import { ByteWriter } from '../../src/stdx/bytes.ts';
import { DataFolder, type FolderIdentity, saltOf } from '../../src/storage/data-folder.ts';
import { encodeDecisionEntry } from '../../src/storage/decision-entry.ts';
import type { FileSystem } from '../../src/storage/file-system.ts';
import { NumberedLog } from '../../src/storage/numbered-log.ts';
import { EntryKind } from '../../src/storage/numbered-log-segment.ts';
import { SnapshotSection } from '../../src/storage/snapshot-format.ts';
import { SnapshotStore } from '../../src/storage/snapshot-store.ts';
import { repairLogs } from '../../src/storage/wal-repair.ts';
import { dropSegmentsBefore } from '../../src/storage/wal-retention.ts';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.ts';

/** After record `seq`. */
export interface Moment {
  readonly seq: number;
  readonly ts: number;
  readonly logTime: number;
  readonly digest: string;
  /** JSON of the decisions that this record led to. */
  readonly decisions: readonly string[];
}

/** Another partition's records lie between this one's. */
const NEIGHBOUR = 1;
const SEGMENT_BYTES = 6_000;

export class HistoryFolder {
  readonly root: string;
  readonly moments: Moment[] = [];
  readonly #fs: FileSystem;
  readonly #folder: DataFolder;
  readonly #target: PartitionTarget;
  readonly #snapshots: SnapshotStore;
  readonly #effects = new Effects();
  readonly #decisions: NumberedLog;
  #wal: WriteAheadLog;
  #neighbour = 0;

  constructor(fs: FileSystem, clock: FolderIdentity['clock'], root = 'data') {
    this.#fs = fs;
    this.root = root;
    this.#folder = DataFolder.open(
      fs,
      root,
      { partitions: 1, clock, customersPerPartition: 50 },
      {
        processes: {
          self: () => ({ pid: 1, started: '1', boot: '1', namespace: '1' }),
          started: () => null,
          nowMs: () => 0,
        },
        randomId: () => 'history',
        nowMs: () => 0,
      },
    );
    this.#target = PartitionTarget.create(this.#folder.identity, 0);
    this.#snapshots = new SnapshotStore(fs, this.#folder.partition(0), 0);
    this.#decisions = NumberedLog.open(fs, this.#folder.decisions(0), {
      kind: EntryKind.decision,
      partition: 0,
      salt: this.#salt,
      retainedBytes: Number.MAX_SAFE_INTEGER,
    });
    this.#wal = this.#openLog(0);
  }

  get #salt(): number {
    return saltOf(this.#folder.identity.id);
  }

  get machine(): PartitionTarget['machine'] {
    return this.#target.machine;
  }

  /** The last record. */
  get last(): Moment {
    return this.moments.at(-1) as Moment;
  }

  /** `decided` false: the node was killed before it wrote its decisions down. */
  append(kind: RecordKind, payload: Uint8Array, ts: number, decided = true): void {
    const { machine } = this;
    const seq = machine.position + 1;
    this.#wal.append(NEIGHBOUR, ++this.#neighbour, ts, 2, new Uint8Array(this.#neighbour % 50));
    this.#wal.append(0, seq, ts, kind, payload);
    this.#wal.commit();
    this.#effects.clear();
    machine.apply({ seq, ts, kind, payload }, this.#effects);
    const { decisions } = this.#effects;
    if (decided) for (const made of decisions) this.#decisions.append(made.number, encodeDecisionEntry(made));
    this.#decisions.sync();
    this.#checksum = recordChecksum(kind, payload);
    const { logTime } = machine;
    const json = decisions.map((made) => Buffer.from(made.json).toString('utf8'));
    this.moments.push({ seq, ts, logTime, digest: machine.digest(), decisions: json });
  }

  #checksum = 0;

  snapshot(): void {
    const { machine, state } = this.#target;
    if (this.#snapshots.positions().at(-1) === machine.position) return;
    const { position: seq, logTime, workspaceVersion } = machine;
    const writer = this.#snapshots.begin({ seq, logTime, workspaceVersion });
    writer.section(SnapshotSection.machine, machine.exportGlobals());
    const checksum = new ByteWriter(4);
    checksum.u32(this.#checksum);
    writer.section(SnapshotSection.position, checksum.copy());
    const running = state.beginSnapshot(logTime);
    for (let sections = running.step(); sections !== null; sections = running.step())
      for (const section of sections) writer.section(SnapshotSection.state, section);
    writer.commit(running.digest + machine.globalsDigest(), () => {});
  }

  /** As a node does after a snapshot. */
  retain(historyMs: number): void {
    const { logPosition } = this.#snapshots.prune(this.machine.logTime - historyMs, historyMs);
    dropSegmentsBefore(
      this.#fs,
      this.#folder.walRoot,
      new Map([
        [0, logPosition],
        [NEIGHBOUR, this.#neighbour],
      ]),
    );
  }

  /** Stops the writer, and starts it as that worker. */
  restart(worker: number): void {
    this.#wal.close();
    this.#wal = this.#openLog(worker);
  }

  #openLog(worker: number): WriteAheadLog {
    const { epoch } = repairLogs(this.#fs, this.#folder.walRoot);
    const options = { worker, epoch, salt: this.#salt, segmentBytes: SEGMENT_BYTES, preallocatedBytes: 4_000 };
    return WriteAheadLog.open(this.#fs, this.#folder.wal(worker), options);
  }
}
