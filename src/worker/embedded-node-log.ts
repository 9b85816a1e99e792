/** The log of a node on its own: decisions and versions are files of its data folder. */
import type { DataFolder } from '../storage/data-folder.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { NumberedLogReader } from '../storage/numbered-log-reader.ts';
import { DecisionFeed } from './decision-feed.ts';
import { EmbeddedIngest } from './embedded-ingest.ts';
import type { Ingest } from './ingest.ts';
import type { FromShard, PartitionStatus } from './messages.ts';
import type { NodeLog } from './node-log.ts';
import type { Shards } from './shards.ts';
import { VersionStore } from './version-store.ts';
import type { Versions } from './versions.ts';

export class EmbeddedNodeLog implements NodeLog {
  readonly decisions: DecisionFeed;
  readonly groups = null;
  readonly versions: Versions;
  readonly shardNats = null;

  constructor(folder: DataFolder) {
    const { partitions, id } = folder.identity;
    const readers = Array.from({ length: partitions }, (_, p) => new NumberedLogReader(folder.decisions(p)));
    this.decisions = new DecisionFeed(id, readers);
    this.versions = new VersionStore(nodeFileSystem, folder.workspaces);
  }

  applied(message: Extract<FromShard, { type: 'applied' }>): void {
    for (const batch of message.decisions) this.decisions.announce(batch);
  }

  recovered(statuses: readonly PartitionStatus[]): void {
    for (const { partition, nextDecision } of statuses) this.decisions.resume(partition, nextDecision);
  }

  ingest(shards: Shards): Ingest {
    return new EmbeddedIngest(shards, this.decisions);
  }

  async follow(): Promise<void> {}
  async close(): Promise<void> {}
}
