/**
 * From what is on disk to partitions that are as they were: newest valid snapshot, then every record of the logs behind it.
 *
 * Replay derives the effects again. Those that are in the decision log already are compared with it, the others are appended: what a crash lost
 * between the record's fsync and the decision log's is made again, under the same number.
 */
import { REPLAY_PROGRESS_MS } from '../constants.ts';
import { Effects } from '../machine/effects.ts';
import type { Machine } from '../machine/machine.ts';
import { PartitionTarget } from '../replay/restore.ts';
import type { Clock } from '../stdx/clock.ts';
import { DataPaths } from '../storage/data-folder.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { SnapshotStore } from '../storage/snapshot-store.ts';
import { readLogs } from '../storage/wal-reader.ts';
import { WriteAheadLog } from '../storage/write-ahead-log.ts';
import type { EffectSink } from './effect-sink.ts';
import { HostedPartition } from './hosted-partition.ts';
import type { ShardOptions } from './messages.ts';
import { Shard } from './shard.ts';
import type { ShardMetrics } from './shard-metrics.ts';

export type Log = (
  level: 'info' | 'warn' | 'error',
  fields: Readonly<Record<string, string | number>>,
  message: string,
) => void;

/** Opens the sink of a partition whose machine stands where its snapshot was taken. */
export type OpenEffects = (partition: number, machine: Machine) => EffectSink | Promise<EffectSink>;

/** What every part of a shard is handed. */
export interface HostParts {
  readonly fs: FileSystem;
  readonly options: ShardOptions;
  readonly clock: Clock;
  readonly metrics: ShardMetrics;
  readonly log: Log;
}

/** Logs are repaired (repairLogs) before any worker comes here. */
export async function recoverShard(parts: HostParts, openEffects: OpenEffects): Promise<Shard> {
  const { fs, options, clock, metrics } = parts;
  const restored = await Promise.all(options.partitions.map((partition) => restore(parts, partition, openEffects)));
  const partitions = new Map(restored.map((hosted) => [hosted.partition, hosted]));
  replay(parts, partitions);
  const folder = new DataPaths(options.dataDirectory).wal(options.worker);
  const { worker, walEpoch: epoch, salt, nats } = options;
  const wal = WriteAheadLog.open(fs, folder, { worker, epoch, salt });
  return new Shard(partitions, wal, nats !== null, options.clock === 'wall', clock, metrics);
}

/** A partition as its newest valid snapshot has it; empty where there is none. */
async function restore(parts: HostParts, partition: number, openEffects: OpenEffects): Promise<HostedPartition> {
  const { fs, options, log } = parts;
  const terms = { ...options, partitions: options.partitionsTotal };
  const begin = (): PartitionTarget => PartitionTarget.create(terms, partition);
  const snapshots = new SnapshotStore(fs, new DataPaths(options.dataDirectory).partition(partition), partition);
  const { restored, problems } = snapshots.restoreNewest(begin);
  for (const { path, what, offset } of problems)
    log('warn', { partition, path, offset, what }, 'a damaged snapshot is passed over; the one before it is used');
  restored?.target.finish(restored.path, restored.trailer.digest);
  const { state, machine, checksum } = restored?.target ?? begin();
  const hosted = new HostedPartition(partition, state, machine, snapshots, await openEffects(partition, machine));
  hosted.checksum = checksum;
  return hosted;
}

/** Applies every record behind the partitions' positions. */
function replay({ fs, options, clock, log }: HostParts, partitions: ReadonlyMap<number, HostedPartition>): void {
  const effects = new Effects();
  let records = 0;
  let toldMs = clock.monotonicMs();
  const positions = new Map([...partitions].map(([partition, hosted]) => [partition, hosted.machine.position]));
  readLogs(
    fs,
    new DataPaths(options.dataDirectory).walRoot,
    { positions, epochBefore: options.walEpoch },
    (partition, record) => {
      // The payload is a view that the next record overwrites; what the machine keeps of it, it copies.
      const hosted = partitions.get(partition);
      hosted?.apply(record, effects);
      hosted?.passed(record);
      records += 1;
      if (clock.monotonicMs() - toldMs < REPLAY_PROGRESS_MS) return;
      toldMs = clock.monotonicMs();
      log('info', { worker: options.worker, records }, 'replaying the log');
    },
  );
  for (const hosted of partitions.values()) hosted.effects.flush();
  if (records > 0) log('info', { worker: options.worker, records }, 'replayed the log');
}
