/** Answers that a shard gives at once, from the state as it is between two batches. */
import type { ShardQuery } from './messages.ts';
import type { Shard } from './shard.ts';

export function answerQuery(
  shard: Shard,
  query: Exclude<ShardQuery, { kind: 'audience' } | { kind: 'metrics' }>,
): object | null {
  switch (query.kind) {
    case 'customer':
      return shard.host(query.partition).machine.customer(query.id);
    case 'campaigns':
      return shard.tallies();
    case 'statuses':
      return [...shard.partitions.values()].map((partition) => partition.status());
  }
}
