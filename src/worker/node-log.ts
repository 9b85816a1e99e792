/** The log of a node, as its main thread needs it: the way in, the decisions out, the versions. Embedded, or JetStream. */
import type { DecisionGroups } from '../protocol/decision-group.ts';
import type { DecisionSource } from '../protocol/decision-source.ts';
import type { Ingest } from './ingest.ts';
import type { FromShard, NatsShardOptions, PartitionStatus } from './messages.ts';
import type { Publication } from './publication.ts';
import type { Shards } from './shards.ts';
import type { Versions } from './versions.ts';

export interface NodeLog {
  readonly decisions: DecisionSource;
  /** null: durable groups need streams that nodes share. */
  readonly groups: DecisionGroups | null;
  readonly versions: Versions;
  /** How the shards reach the log; null: they are the log. */
  readonly shardNats: NatsShardOptions | null;
  /** What a shard applied. */
  applied(message: Extract<FromShard, { type: 'applied' }>): void;
  /** Where the partitions stand after recovery. */
  recovered(statuses: readonly PartitionStatus[]): void;
  ingest(shards: Shards): Ingest;
  /** Keeps the publication up to date with what other nodes publish. */
  follow(publication: Publication): Promise<void>;
  close(): Promise<void>;
}
