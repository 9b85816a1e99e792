/** Answers that a shard gives at once, from the state as it is between two batches. */
import { standingOf } from '../replay/why/standing.ts';
import type { Program } from '../rules/program.ts';
import { renderRows } from './audience-rows.ts';
import type { PartitionSource, ShardQuery } from './messages.ts';
import type { Shard } from './shard.ts';

export function answerQuery(
  shard: Shard,
  query: Exclude<ShardQuery, { kind: 'audienceRest' | 'audienceSample' | 'metrics' }>,
): object | null {
  switch (query.kind) {
    case 'customer':
      return shard.host(query.partition).machine.customer(query.id);
    case 'standing': {
      const { machine, state } = shard.host(query.partition);
      return standingOf(machine, state, query.customer, query.campaign);
    }
    case 'campaigns':
      return shard.tallies();
    case 'waiting':
      return [...shard.partitions.values()].map(({ machine }) => machine.waitingFor(query.campaign, query.limit));
    case 'audience':
      return audienceSources(shard, query.where, query.workspaceVersion);
    case 'audienceRows':
      return renderRows(shard.host(query.partition), query);
    case 'statuses':
      return [...shard.partitions.values()].map((partition) => partition.status());
  }
}

function audienceSources(shard: Shard, where: Program, workspaceVersion: number): PartitionSource[] | null {
  const sources: PartitionSource[] = [];
  for (const hosted of shard.partitions.values()) {
    const source = hosted.machine.workspaceVersion === workspaceVersion ? hosted.scanSource(where) : null;
    if (source === null) return null;
    sources.push({ partition: hosted.partition, source });
  }
  return sources;
}
