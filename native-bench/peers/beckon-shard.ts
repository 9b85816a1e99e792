/**
 * Beckon's side against databases: a shard as its worker opens it, over the embedded log's files in a folder of the suite's: write-ahead log with one write and
 * one fdatasync per run, `Machine.apply` of every record, the decision log. One partition. What is left out is what databases are spared too: network and HTTP.
 */
import type { Effects } from '../../src/machine/effects.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import { assert } from '../../src/stdx/assert.ts';
import { systemClock } from '../../src/stdx/clock.ts';
import { DataPaths } from '../../src/storage/data-folder.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { NumberedLog } from '../../src/storage/numbered-log.ts';
import { EntryKind } from '../../src/storage/numbered-log-segment.ts';
import { createSharedSeries } from '../../src/telemetry/shared-series.ts';
import { LocalEffects } from '../../src/worker/local-effects.ts';
import { recoverShard } from '../../src/worker/recovery.ts';
import type { PartitionRecord, Shard } from '../../src/worker/shard.ts';
import { ShardMetrics } from '../../src/worker/shard-metrics.ts';
import { compileWorkspace } from '../../src/workspace/compile.ts';
import { kernelWorkspace, profilePayloads } from '../workload/kernel.ts';
import { checksumOf, type DecidedTotals, type RankedRule } from '../workload/kernel-peers.ts';

const SALT = 1;
const KEPT_BYTES = 1 << 30;
/** Records that one run of the shard takes while it loads customers. */
const LOAD_RECORDS = 64;

export class BeckonShard {
  /** Of all decisions so far. */
  readonly totals: { -readonly [Key in keyof DecidedTotals]: number } = { decided: 0, checksum: 0 };
  /** Events applied so far, customers' profiles included. */
  accepted = 0;
  readonly #shard: Shard;
  readonly #ranks: ReadonlyMap<string, number>;
  #seq = 0;

  private constructor(shard: Shard, rules: readonly RankedRule[]) {
    this.#shard = shard;
    this.#ranks = new Map(rules.map(({ id, rank }) => [id, rank]));
  }

  static async open(folder: string, rules: readonly RankedRule[], customersMax: number): Promise<BeckonShard> {
    const metrics = createSharedSeries();
    const paths = new DataPaths(folder);
    const open = (path: string, kind: EntryKind): NumberedLog =>
      NumberedLog.open(nodeFileSystem, path, { kind, partition: 0, salt: SALT, retainedBytes: KEPT_BYTES, startAt: 1 });
    const shard = await recoverShard(
      {
        fs: nodeFileSystem,
        clock: systemClock,
        metrics: new ShardMetrics(metrics, () => {}),
        log: () => {},
        options: {
          worker: 0,
          partitions: [0],
          partitionsTotal: 1,
          dataDirectory: folder,
          clock: 'event',
          customersPerPartition: customersMax,
          historyMs: 1,
          snapshotLogBytes: KEPT_BYTES,
          walEpoch: 1,
          salt: SALT,
          nats: null,
          metrics,
        },
      },
      (partition) =>
        new LocalEffects(
          partition,
          open(paths.decisions(partition), EntryKind.decision),
          open(paths.deadLetters(partition), EntryKind.deadLetter),
        ),
    );
    const beckon = new BeckonShard(shard, rules);
    const compiled = compileWorkspace(kernelWorkspace(rules));
    assert('workspace' in compiled, 'the kernel workspace compiles');
    const workspace = new TextEncoder().encode(JSON.stringify({ ...compiled.workspace, version: 1 }));
    beckon.#run([workspace], RecordKind.workspace);
    return beckon;
  }

  load(customers: number): void {
    const payloads = profilePayloads(customers, 'messagepack');
    for (let group = take(payloads, LOAD_RECORDS); group.length > 0; group = take(payloads, LOAD_RECORDS))
      this.#run(group, RecordKind.events);
    assert(this.accepted === customers, `${customers} customers are loaded`);
  }

  /** One write and one fdatasync, then every payload is applied. */
  run(payloads: readonly Uint8Array[]): void {
    this.#run(payloads, RecordKind.events);
  }

  close(): void {
    this.#shard.close();
  }

  #run(payloads: readonly Uint8Array[], kind: RecordKind): void {
    const ts = systemClock.nowMs();
    const batch = payloads.map(
      (payload): PartitionRecord => ({ partition: 0, record: { seq: ++this.#seq, ts, kind, payload } }),
    );
    this.#shard.run(batch, (_, effects) => this.#count(effects));
  }

  #count(effects: Effects): void {
    assert(effects.workspaceError === null && effects.rejections.length === 0, 'nothing is refused');
    this.accepted += effects.accepted;
    for (const { number, decision } of effects.decisions) {
      const rank = this.#ranks.get(decision.campaign);
      assert(rank !== undefined, `${decision.campaign} is one of the rules`);
      this.totals.decided = number;
      this.totals.checksum += checksumOf(rank, number);
    }
  }
}

function take<Item>(source: Iterator<Item>, count: number): Item[] {
  const items: Item[] = [];
  while (items.length < count) {
    const next = source.next();
    if (next.done === true) break;
    items.push(next.value);
  }
  return items;
}
