/** Answers that a shard gives at once, from the state as it is between two batches. */
import type { PartitionDigest, ShardQuery } from './messages.ts';
import type { Shard } from './shard.ts';

export function answerQuery(shard: Shard, query: Exclude<ShardQuery, { kind: 'audience' }>): object | null {
  switch (query.kind) {
    case 'customer':
      return shard.host(query.partition).machine.customer(query.id);
    case 'campaigns':
      return shard.tallies();
    case 'digests':
      return [...shard.partitions.values()].map(
        ({ partition, machine }): PartitionDigest => ({ partition, digest: machine.digest() }),
      );
  }
}
