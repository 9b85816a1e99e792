/**
 * Random actions on the write-ahead logs of changing numbers of workers, with a crash at any step, against a twin that only remembers what was
 * acknowledged and what was attempted.
 *
 * Held after every restart: nothing acknowledged is missing; what is read is a prefix, per partition, of what was appended; and what was read once
 * stays (recovery has made it durable), however often the power goes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLogs } from '../../src/storage/wal-reader.ts';
import { repairLogs } from '../../src/storage/wal-repair.ts';
import { dropSegmentsBefore } from '../../src/storage/wal-retention.ts';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.ts';
import { FaultyFileSystem } from '../support/faulty-file-system.ts';

const PARTITIONS = 4;
const SALT = 99;

type Action =
  | { readonly kind: 'append'; readonly partition: number; readonly bytes: number }
  | { readonly kind: 'commit' | 'write' | 'sync'; readonly worker: number }
  | { readonly kind: 'snapshot'; readonly partition: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'fail'; readonly operation: 'fdatasync' | 'write' | 'syncDirectory' }
  | { readonly kind: 'restart'; readonly workers: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      partition: fc.nat(PARTITIONS - 1),
      bytes: fc.nat(700),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('commit' as const), worker: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('write' as const), worker: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sync' as const), worker: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('snapshot' as const), partition: fc.nat(PARTITIONS - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      operation: fc.constantFrom('fdatasync' as const, 'write' as const, 'syncDirectory' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('restart' as const), workers: fc.integer({ min: 1, max: 3 }) }),
  },
);

/** What a partition's log should be. */
interface Twin {
  /** Payload by sequence − 1, of everything appended in the history that survived. */
  readonly appended: Uint8Array[];
  /** Records that the operating system has: a sync makes them durable. */
  written: number;
  acknowledged: number;
  /** Position of its snapshot: records up to it may be dropped. */
  snapshot: number;
}

class Model {
  readonly #fs: FaultyFileSystem;
  readonly #twins: Twin[] = Array.from({ length: PARTITIONS }, () => ({
    appended: [],
    written: 0,
    acknowledged: 0,
    snapshot: 0,
  }));
  #logs: WriteAheadLog[] = [];
  #stamp = 0;

  constructor(fs: FaultyFileSystem) {
    this.#fs = fs;
  }

  run(step: Action): void {
    switch (step.kind) {
      case 'append': {
        const twin = this.#twins[step.partition] as Twin;
        const payload = new Uint8Array(step.bytes).fill(++this.#stamp % 256);
        twin.appended.push(payload);
        this.#logOf(step.partition).append(
          step.partition,
          twin.appended.length,
          1000 + twin.appended.length,
          1,
          payload,
        );
        return;
      }
      case 'commit':
        this.#commit(step.worker % this.#logs.length);
        return;
      case 'write':
        this.#write(step.worker % this.#logs.length);
        return;
      case 'sync':
        this.#sync(step.worker % this.#logs.length);
        return;
      case 'snapshot': {
        const twin = this.#twins[step.partition] as Twin;
        twin.snapshot = twin.acknowledged;
        return;
      }
      case 'drop':
        dropSegmentsBefore(this.#fs, 'wal', this.#positions());
        return;
      case 'fail':
        this.#fs.failNext(step.operation, 'EIO');
        return;
      case 'restart':
        for (const worker of this.#logs.keys()) this.#commit(worker);
        for (const log of this.#logs) log.close();
        this.start(step.workers);
        return;
    }
  }

  /** Recovers as a node does, and compares with the twin. */
  start(workers: number): void {
    this.#logs = [];
    const { epoch } = repairLogs(this.#fs, 'wal');
    this.#compare(epoch);
    for (let worker = 0; worker < workers; worker++) {
      this.#logs.push(
        WriteAheadLog.open(this.#fs, `wal/${worker}`, {
          worker,
          epoch,
          salt: SALT,
          segmentBytes: 6000,
          preallocatedBytes: worker === 1 ? 0 : 3000,
        }),
      );
    }
  }

  #compare(epoch: number): void {
    const read = this.#twins.map((twin) => twin.snapshot);
    readLogs(this.#fs, 'wal', { positions: this.#positions(), epochBefore: epoch }, (partition, record) => {
      expect(record.seq).toBe((read[partition] as number) + 1);
      read[partition] = record.seq;
      expect(record.ts).toBe(1000 + record.seq);
      const expected = this.#twins[partition]?.appended[record.seq - 1];
      expect(
        expected !== undefined && Buffer.compare(record.payload, expected) === 0,
        `partition ${partition}, record ${record.seq}`,
      ).toBe(true);
    });
    for (const [partition, twin] of this.#twins.entries()) {
      const last = read[partition] as number;
      expect(last, `partition ${partition}: acknowledged records are missing`).toBeGreaterThanOrEqual(
        twin.acknowledged,
      );
      // What recovery reads is applied, and its effects leave: from here on it counts as acknowledged.
      twin.acknowledged = last;
      twin.written = last;
      twin.appended.length = last;
    }
  }

  #commit(worker: number): void {
    this.#logs[worker]?.commit();
    for (const twin of this.#twinsOf(worker)) {
      twin.written = twin.appended.length;
      twin.acknowledged = twin.appended.length;
    }
  }

  #write(worker: number): void {
    this.#logs[worker]?.write();
    for (const twin of this.#twinsOf(worker)) twin.written = twin.appended.length;
  }

  #sync(worker: number): void {
    this.#logs[worker]?.sync();
    for (const twin of this.#twinsOf(worker)) twin.acknowledged = twin.written;
  }

  #twinsOf(worker: number): Twin[] {
    return this.#twins.filter((_, partition) => partition % this.#logs.length === worker);
  }

  #logOf(partition: number): WriteAheadLog {
    return this.#logs[partition % this.#logs.length] as WriteAheadLog;
  }

  #positions(): Map<number, number> {
    return new Map(this.#twins.map((twin, partition) => [partition, twin.snapshot]));
  }
}

/** Runs all actions, with a crash at step `crashAt` and again `crashAt` steps after each restart, then one more restart. */
function play(actions: readonly Action[], seed: number, crashAt: number, how: 'powerCut' | 'processCrash'): number {
  const fs = new FaultyFileSystem(seed);
  const model = new Model(fs);
  const guarded = (act: () => void): boolean => {
    try {
      act();
      return true;
    } catch (error) {
      // A crash inside a sync or write arrives as the fatal error that it is for the caller.
      const name = (error as Error).name;
      if (name !== 'SimulatedCrash' && name !== 'FatalStorageError') throw error;
      return false;
    }
  };
  let crashes = 0;
  const recover = (): void => {
    const before = crashes;
    do {
      crashes++;
      expect(crashes - before, 'recovery never ends').toBeLessThan(20);
      fs[how]();
      // Crashes during recovery too, the first few times.
      fs.crashAt = crashes < 4 && crashAt > 0 ? fs.steps + crashAt : 0;
    } while (!guarded(() => model.start(1 + (crashes % 3))));
  };
  fs.crashAt = crashAt;
  if (!guarded(() => model.start(2))) recover();
  for (const step of actions) if (!guarded(() => model.run(step))) recover();
  fs.heal();
  fs.powerCut();
  model.start(1);
  fs.powerCut();
  model.start(3);
  return fs.steps;
}

describe('write-ahead logs against a twin', () => {
  it('hold through random actions, crashes and changes of workers', () => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 60 }),
        fc.integer(),
        fc.nat(80),
        fc.constantFrom('powerCut' as const, 'processCrash' as const),
        (actions, seed, crashAt, how) => {
          play(actions, seed, crashAt, how);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('hold for a crash at every step of one long run', () => {
    const actions = fc.sample(action, { seed: 20101201, numRuns: 120 });
    const steps = play(actions, 1, 0, 'powerCut');
    expect(steps).toBeGreaterThan(100);
    for (let crashAt = 1; crashAt <= steps; crashAt++)
      play(actions, crashAt, crashAt, crashAt % 3 === 0 ? 'processCrash' : 'powerCut');
  });
});
