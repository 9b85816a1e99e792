/** A machine whose records and snapshots are kept in a data folder in memory, as a node's are: for tests of what reads history. */
import { DataFolder, type DataPaths, saltOf } from '../../src/storage/data-folder.ts';
import { SnapshotSection } from '../../src/storage/snapshot-format.ts';
import { SnapshotStore } from '../../src/storage/snapshot-store.ts';
import { dropSegmentsBefore } from '../../src/storage/wal-retention.ts';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.ts';
import { FaultyFileSystem } from './faulty-file-system.ts';
import { type FixtureOptions, MachineFixture } from './machine-fixture.ts';

export const KEPT_ROOT = 'data';

export class KeptHistory {
  readonly fs = new FaultyFileSystem(1);
  readonly live: MachineFixture;
  readonly #folder: DataPaths;
  readonly #salt: number;
  #wal: WriteAheadLog;
  #epoch = 1;
  readonly #snapshots: SnapshotStore;

  constructor(options: Omit<FixtureOptions, 'partition' | 'partitions' | 'onRecord'> = {}) {
    const { clock = 'event' } = options;
    const request = { partitions: 1, clock, customersPerPartition: 1000 };
    const folder = DataFolder.open(this.fs, KEPT_ROOT, request);
    const { id } = folder.identity;
    this.#folder = folder;
    this.#salt = saltOf(id);
    this.#wal = this.#openLog();
    this.#snapshots = new SnapshotStore(this.fs, folder.partition(0), 0);
    folder.close();
    this.live = new MachineFixture({
      ...options,
      onRecord: ({ seq, ts, kind, payload }) => {
        this.#wal.append(0, seq, ts, kind, payload);
        this.#wal.commit();
      },
    });
  }

  /** Of the live machine as it is now. */
  snapshot(): void {
    const { machine, state } = this.live;
    const { position: seq, logTime, workspaceVersion } = machine;
    const writer = this.#snapshots.begin({ seq, logTime, workspaceVersion });
    writer.section(SnapshotSection.machine, machine.exportGlobals());
    writer.section(SnapshotSection.position, new Uint8Array(4));
    const taken = state.beginSnapshot(logTime);
    for (let sections = taken.step(); sections !== null; sections = taken.step())
      for (const section of sections) writer.section(SnapshotSection.state, section);
    writer.commit(machine.digest(), () => undefined);
  }

  /** Takes a snapshot, and drops all of the log before it. */
  forget(): void {
    this.snapshot();
    this.#wal.close();
    this.#epoch++;
    this.#wal = this.#openLog();
    dropSegmentsBefore(this.fs, this.#folder.walRoot, new Map([[0, this.live.machine.position]]));
  }

  #openLog(): WriteAheadLog {
    const options = { worker: 0, epoch: this.#epoch, salt: this.#salt };
    return WriteAheadLog.open(this.fs, this.#folder.wal(0), options);
  }

  close(): void {
    this.#wal.close();
  }
}
