/**
 * The parts of storage together, as a worker uses them: write-ahead log, decision logs, snapshots, retention, under a toy machine whose decisions depend on
 * everything before them. Random actions, with a crash at any step.
 *
 * Held after every restart: the state is that of a plain recomputation over the records; every decision that was ever told to anyone is in the log under its
 * number, with its content; and no number is missing or too many.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumberedLog } from '../../src/storage/numbered-log.ts';
import { EntryKind } from '../../src/storage/numbered-log-segment.ts';
import { SnapshotSection } from '../../src/storage/snapshot-format.ts';
import { SnapshotStore } from '../../src/storage/snapshot-store.ts';
import { readLogs } from '../../src/storage/wal-reader.ts';
import { repairLogs } from '../../src/storage/wal-repair.ts';
import { dropSegmentsBefore } from '../../src/storage/wal-retention.ts';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.ts';
import { FaultyFileSystem } from '../support/faulty-file-system.ts';

const SALT = 4711;
const PARTITIONS = 2;

type Action =
  | { readonly kind: 'batch'; readonly partition: number; readonly values: readonly number[] }
  | { readonly kind: 'snapshot'; readonly partition: number }
  | { readonly kind: 'fail'; readonly operation: 'fdatasync' | 'write' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      partition: fc.nat(PARTITIONS - 1),
      values: fc.array(fc.nat(255), { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('snapshot' as const), partition: fc.nat(PARTITIONS - 1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      operation: fc.constantFrom('fdatasync' as const, 'write' as const),
    }),
  },
);

/** Decides on about every second record; what it decides depends on all records so far. */
class ToyMachine {
  seq = 0;
  sum = 7;
  decisions = 0;

  apply(value: number): string | null {
    this.seq++;
    this.sum = (Math.imul(this.sum, 31) + value) >>> 0;
    if (this.sum % 2 === 0) return null;
    this.decisions++;
    return `decision ${this.decisions} at ${this.seq}: ${this.sum} ${'z'.repeat(this.sum % 90)}`;
  }
}

interface Partition {
  readonly machine: ToyMachine;
  readonly log: NumberedLog;
  readonly snapshots: SnapshotStore;
}

class Node {
  readonly #fs: FaultyFileSystem;
  /** Per partition: values appended in the history that survived, of which the first `acknowledged` were acknowledged. */
  readonly #values: number[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly #acknowledged: number[] = Array.from({ length: PARTITIONS }, () => 0);
  /** Every decision that was ever told to anyone. */
  readonly #told: Set<string>[] = Array.from({ length: PARTITIONS }, () => new Set());
  readonly #kept = new Map<number, number>();
  #partitions: Partition[] = [];
  #wal: WriteAheadLog | null = null;
  #openings = 0;

  constructor(fs: FaultyFileSystem) {
    this.#fs = fs;
  }

  start(): void {
    const { epoch } = repairLogs(this.#fs, 'wal');
    this.#partitions = Array.from({ length: PARTITIONS }, (_, partition) => this.#restore(partition));
    const positions = new Map(this.#partitions.map(({ machine }, partition) => [partition, machine.seq]));
    readLogs(this.#fs, 'wal', { positions, epochBefore: epoch }, (partition, record) => {
      const { machine } = this.#partitions[partition] as Partition;
      expect(record.seq).toBe(machine.seq + 1);
      this.#apply(partition, record.payload[0] as number);
    });
    for (const partition of this.#partitions.keys()) this.#check(partition);
    const worker = this.#openings++ % 2;
    this.#wal = WriteAheadLog.open(this.#fs, `wal/${worker}`, {
      worker,
      epoch,
      salt: SALT,
      segmentBytes: 5000,
      preallocatedBytes: 1000,
    });
  }

  run(step: Action): void {
    if (step.kind === 'fail') this.#fs.failNext(step.operation, 'EIO');
    else if (step.kind === 'batch') this.#batch(step.partition, step.values);
    else this.#snapshot(step.partition);
  }

  #batch(partition: number, values: readonly number[]): void {
    const kept = this.#values[partition] as number[];
    for (const value of values) {
      kept.push(value);
      this.#wal?.append(partition, kept.length, kept.length, 1, new Uint8Array(1 + (value % 5) * 40).fill(value));
    }
    this.#wal?.commit();
    this.#acknowledged[partition] = kept.length;
    const decisions = values.map((value) => this.#apply(partition, value));
    this.#partitions[partition]?.log.flush();
    for (const decision of decisions) if (decision !== null) this.#told[partition]?.add(decision);
  }

  #apply(partition: number, value: number): string | null {
    const { machine, log } = this.#partitions[partition] as Partition;
    const decision = machine.apply(value);
    if (decision !== null) log.append(machine.decisions, new TextEncoder().encode(decision));
    return decision;
  }

  #snapshot(partition: number): void {
    const { machine, log, snapshots } = this.#partitions[partition] as Partition;
    if (snapshots.positions().at(-1) === machine.seq) return;
    const writer = snapshots.begin({ seq: machine.seq, logTime: machine.seq, workspaceVersion: 1 });
    writer.section(SnapshotSection.machine, new TextEncoder().encode(JSON.stringify(machine)));
    writer.commit(String(machine.sum), () => log.sync());
    this.#kept.set(partition, snapshots.prune(machine.seq, 0).logPosition);
    dropSegmentsBefore(this.#fs, 'wal', this.#kept);
  }

  #restore(partition: number): Partition {
    const machine = new ToyMachine();
    const snapshots = new SnapshotStore(this.#fs, `partitions/${partition}`, partition);
    const { snapshot, problems } = snapshots.loadNewest();
    expect(problems).toEqual([]);
    snapshot?.sections((_, body) => Object.assign(machine, JSON.parse(new TextDecoder().decode(body))));
    const log = NumberedLog.open(this.#fs, `decisions/${partition}`, {
      kind: EntryKind.decision,
      partition,
      salt: SALT,
      retainedBytes: 1e9,
      segmentBytes: 2000,
      startAt: machine.decisions + 1,
    });
    return { machine, log, snapshots };
  }

  #check(partition: number): void {
    const { machine, log } = this.#partitions[partition] as Partition;
    const values = this.#values[partition] as number[];
    expect(machine.seq).toBeGreaterThanOrEqual(this.#acknowledged[partition] as number);
    expect(machine.seq).toBeLessThanOrEqual(values.length);
    // What was recovered is durable now, and counts as acknowledged.
    values.length = machine.seq;
    this.#acknowledged[partition] = machine.seq;
    const plain = new ToyMachine();
    const decisions = values.map((value) => plain.apply(value)).filter((decision) => decision !== null);
    expect(machine).toEqual(plain);
    expect(log.next, 'decisions in the log that no record gives').toBe(decisions.length + 1);
    // Its number is part of a decision's text.
    const told = this.#told[partition] as Set<string>;
    const found = new Set(decisions);
    expect([...told].filter((decision) => !found.has(decision))).toEqual([]);
    for (const [i, decision] of decisions.entries())
      expect(log.append(i + 1, new TextEncoder().encode(decision))).toBe(false);
  }
}

function play(actions: readonly Action[], seed: number, crashAt: number, how: 'powerCut' | 'processCrash'): number {
  const fs = new FaultyFileSystem(seed);
  const node = new Node(fs);
  const guarded = (act: () => void): boolean => {
    try {
      act();
      return true;
    } catch (error) {
      const { name } = error as Error;
      if (name !== 'SimulatedCrash' && name !== 'FatalStorageError' && name !== 'SnapshotFailedError') throw error;
      // Only the snapshot is given up: the node goes on.
      return name === 'SnapshotFailedError';
    }
  };
  const recover = (): void => {
    for (let attempt = 1; ; attempt++) {
      expect(attempt, 'recovery never ends').toBeLessThan(20);
      fs[how]();
      fs.crashAt = attempt < 4 && crashAt > 0 ? fs.steps + crashAt : 0;
      if (guarded(() => node.start())) return;
    }
  };
  fs.crashAt = crashAt;
  if (!guarded(() => node.start())) recover();
  for (const step of actions) if (!guarded(() => node.run(step))) recover();
  fs.heal();
  for (const last of ['processCrash', 'powerCut'] as const) {
    fs[last]();
    node.start();
  }
  return fs.steps;
}

describe('storage under a machine', () => {
  it('recovers the state and every decision through random actions and crashes', () => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 50 }),
        fc.integer(),
        fc.nat(120),
        fc.constantFrom('powerCut' as const, 'processCrash' as const),
        (actions, seed, crashAt, how) => {
          play(actions, seed, crashAt, how);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('recovers from a crash at every step of one long run', () => {
    const actions = fc.sample(action, { seed: 536365, numRuns: 36 });
    const steps = play(actions, 1, 0, 'powerCut');
    expect(steps).toBeGreaterThan(100);
    for (let crashAt = 1; crashAt <= steps; crashAt++)
      play(actions, crashAt, crashAt, crashAt % 3 === 0 ? 'processCrash' : 'powerCut');
  });
});
