/**
 * Several machines in one process, one per partition, whose records go into a data folder as a node's do: for tests that read history. Partitions hear each other some time later, and what falls due gets
 * a tick at once, as under a running node. All read one clock, which only `pass` moves, unless a node's is ahead; under the event clock it is the records' own, and events bring their dates with them.
 */
import { Effects, type MadeDecision, type OutgoingMessage } from '../../src/machine/effects.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { Decision } from '../../src/protocol/decision.ts';
import type { MessageRecord } from '../../src/protocol/partition-message.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import { reserveMemory } from '../../src/state/arena.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import { stateLimits } from '../../src/state/state-limits.ts';
import { partitionOf } from '../../src/stdx/hash.ts';
import { DataFolder, saltOf } from '../../src/storage/data-folder.ts';
import { SnapshotSection } from '../../src/storage/snapshot-format.ts';
import { SnapshotStore } from '../../src/storage/snapshot-store.ts';
import { dropSegmentsBefore } from '../../src/storage/wal-retention.ts';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.ts';
import { sharesOf } from '../../src/workspace/shares.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';
import { FaultyFileSystem } from './faulty-file-system.ts';

const CUSTOMERS = 2000;
/** Small, so that retention finds something to drop. */
const SEGMENT_BYTES = 2048;
const encoder = new TextEncoder();

interface Member {
  readonly machine: Machine;
  readonly state: PartitionState;
  readonly snapshots: SnapshotStore;
  /** Position of the last snapshot; 0: none. */
  kept: number;
  /** Said by it, not heard yet. */
  readonly said: OutgoingMessage[];
}

export class RecordedCluster {
  /** In memory. */
  readonly fs = new FaultyFileSystem(1);
  readonly directory = 'data';
  readonly partitions: number;
  /** In the order in which they were made. */
  readonly decisions: Decision[] = [];
  nowMs = Date.UTC(2026, 2, 2, 9);
  /** By partition: by so much the clock of its node is ahead. */
  readonly aheadMs: number[];
  readonly #isWall: boolean;
  readonly #members: Member[];
  readonly #effects = new Effects();
  readonly #folder: DataFolder;
  readonly #log: WriteAheadLog;
  #workspace: Workspace | null = null;

  constructor(partitions: number, clock: 'wall' | 'event' = 'wall') {
    this.partitions = partitions;
    this.#isWall = clock === 'wall';
    this.aheadMs = Array.from({ length: partitions }, () => 0);
    this.#folder = DataFolder.open(this.fs, this.directory, {
      partitions,
      clock,
      customersPerPartition: CUSTOMERS,
    });
    const salt = saltOf(this.#folder.identity.id);
    this.#log = WriteAheadLog.open(this.fs, this.#folder.wal(0), {
      worker: 0,
      epoch: 1,
      salt,
      segmentBytes: SEGMENT_BYTES,
    });
    const limits = stateLimits(CUSTOMERS);
    this.#members = Array.from({ length: partitions }, (_, partition) => {
      const state = new PartitionState(reserveMemory(limits), limits);
      const machine = new Machine({ partition, partitions, clock, state });
      const snapshots = new SnapshotStore(this.fs, this.#folder.partition(partition), partition);
      return { machine, state, snapshots, kept: 0, said: [] };
    });
  }

  publish(workspace: Workspace): void {
    const version = (this.#workspace?.version ?? 0) + 1;
    const shares = sharesOf(workspace, this.#workspace?.shares ?? {}, this.partitions);
    this.#workspace = { ...workspace, version, shares };
    for (let p = 0; p < this.partitions; p++) this.#append(p, RecordKind.workspace, this.#workspace);
  }

  /** Lets the clock go on; what falls due meanwhile gets its ticks. */
  pass(ms: number): void {
    const until = this.nowMs + ms;
    for (;;) {
      const due = this.#members.map(({ machine }) => machine.nextDue);
      const next = Math.min(...due);
      if (!this.#isWall || next > until) break;
      this.nowMs = Math.max(this.nowMs, next);
      this.#append(due.indexOf(next), RecordKind.tick, null);
    }
    this.nowMs = until;
  }

  /** `customer` null: anonymous, in partition 0. Returns what was decided at once. */
  event(customer: string | null, event: Readonly<Record<string, unknown>>): readonly MadeDecision[] {
    const partition = customer === null ? 0 : partitionOf(customer, this.partitions);
    return this.#append(partition, RecordKind.events, customer === null ? event : { ...event, customer });
  }

  /** One record of several events, each of a customer of this partition. */
  batch(partition: number, events: readonly Readonly<Record<string, unknown>>[]): readonly MadeDecision[] {
    return this.#append(partition, RecordKind.events, events);
  }

  /** All that partitions have to say to each other, and what they answer. */
  deliver(): void {
    for (let again = true; again; ) {
      again = false;
      for (const [from, { said }] of this.#members.entries()) {
        const first = said[0];
        if (first === undefined) continue;
        again = true;
        const some = said.filter(({ to }) => to === first.to);
        said.splice(0, said.length, ...said.filter(({ to }) => to !== first.to));
        const record: MessageRecord = { from, first: first.number, messages: some.map(({ message }) => message) };
        this.#append(first.to, RecordKind.message, record);
      }
    }
  }

  /** Of one partition, once all that it said was heard. */
  snapshot(partition: number): void {
    this.deliver();
    const member = this.#members[partition] as Member;
    const { machine, state, snapshots } = member;
    const { position: seq, logTime, workspaceVersion } = machine;
    if (seq === member.kept) return;
    const writer = snapshots.begin({ seq, logTime, workspaceVersion });
    writer.section(SnapshotSection.machine, machine.exportGlobals());
    writer.section(SnapshotSection.position, new Uint8Array(4));
    const taken = state.beginSnapshot(logTime);
    for (let sections = taken.step(); sections !== null; sections = taken.step())
      for (const section of sections) writer.section(SnapshotSection.state, section);
    writer.commit(machine.digest(), () => undefined);
    member.kept = seq;
  }

  /** Of the log goes what lies before the last snapshots. Returns how many of its files went. */
  prune(): number {
    this.#log.commit();
    return dropSegmentsBefore(
      this.fs,
      this.#folder.walRoot,
      new Map(this.#members.map(({ kept }, partition) => [partition, kept])),
    );
  }

  /** Everything is in the folder, and nobody has it open. */
  close(): this {
    this.#log.commit();
    this.#log.close();
    this.#folder.close();
    return this;
  }

  machine(partition: number): Machine {
    return (this.#members[partition] as Member).machine;
  }

  #append(partition: number, kind: RecordKind, payload: unknown): readonly MadeDecision[] {
    const { machine, said } = this.#members[partition] as Member;
    const bytes = payload === null ? new Uint8Array(0) : encoder.encode(JSON.stringify(payload));
    const seq = machine.position + 1;
    const ts = this.nowMs + (this.aheadMs[partition] as number);
    this.#log.append(partition, seq, ts, kind, bytes);
    this.#log.commit();
    const effects = this.#effects;
    effects.clear();
    machine.apply({ seq, ts, kind, payload: bytes }, effects);
    said.push(...structuredClone(effects.messages));
    this.decisions.push(...effects.decisions.map(({ decision }) => decision));
    return [...effects.decisions];
  }
}
