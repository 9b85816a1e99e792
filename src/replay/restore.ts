/** A partition as a snapshot has it: the state's memory, and the machine over it. Whoever recovers and whoever replays begins here. */
import { Machine } from '../machine/machine.ts';
import type { Trace } from '../machine/trace/trace.ts';
import { reserveMemory } from '../state/arena.ts';
import { PartitionState } from '../state/partition-state.ts';
import { stateLimits } from '../state/state-limits.ts';
import { assert } from '../stdx/assert.ts';
import { ByteReader } from '../stdx/bytes.ts';
import type { FolderIdentity } from '../storage/data-folder.ts';
import { SnapshotSection } from '../storage/snapshot-format.ts';
import type { LoadedSnapshot } from '../storage/snapshot-store.ts';
import { CorruptFileError } from '../storage/storage-error.ts';

/** What a data folder fixes for all of its partitions. */
export type PartitionTerms = Pick<FolderIdentity, 'partitions' | 'clock' | 'customersPerPartition'>;

/** A fresh partition that a snapshot is read into. */
export class PartitionTarget {
  readonly state: PartitionState;
  readonly machine: Machine;
  /** Of the last record that the snapshot reflects. */
  checksum = 0;
  #globals: Uint8Array | null = null;

  constructor(state: PartitionState, machine: Machine) {
    this.state = state;
    this.machine = machine;
  }

  /** Empty, with room for as many customers as the folder was created for: the room decides which events are refused. */
  static create(terms: PartitionTerms, partition: number, trace?: Trace): PartitionTarget {
    const { partitions, clock, customersPerPartition } = terms;
    const limits = stateLimits(customersPerPartition);
    const state = new PartitionState(reserveMemory(limits), limits);
    return new PartitionTarget(
      state,
      new Machine({ partition, partitions, clock, state, ...(trace === undefined ? {} : { trace }) }),
    );
  }

  section(kind: number, body: Uint8Array): void {
    if (kind === SnapshotSection.machine) this.#globals = body.slice();
    else if (kind === SnapshotSection.position) this.checksum = new ByteReader(body).u32();
    else this.state.restore(body);
  }

  /** Builds the tables, and computes the digest again. */
  finish(path: string, digest: string): void {
    this.state.finishRestore();
    assert(this.#globals !== null, 'a snapshot holds the machine');
    this.machine.importGlobals(this.#globals);
    const found = this.machine.digest();
    if (found === digest) return;
    throw new CorruptFileError(
      path,
      0,
      `what it restores has digest ${found}, it was taken of ${digest}`,
      'remove this snapshot to recover from the one before it, and report it',
    );
  }
}

/** Returns the checksum of the last record that the snapshot reflects. */
export function restoreSnapshot(snapshot: LoadedSnapshot, state: PartitionState, machine: Machine): number {
  const target = new PartitionTarget(state, machine);
  snapshot.sections((kind, body) => target.section(kind, body));
  target.finish(snapshot.path, snapshot.trailer.digest);
  return target.checksum;
}
