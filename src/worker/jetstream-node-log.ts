/** The log of a node on NATS: one connection of the main thread, for what comes in over HTTP and what goes out over WebSocket. */
import { connectNats, type NatsLink } from '../log/jetstream/connection.ts';
import { JetStreamDecisionGroups } from '../log/jetstream/decision-groups.ts';
import { JetStreamDecisionSource } from '../log/jetstream/decision-source.ts';
import { ensureStreams, type StreamOptions } from '../log/jetstream/streams.ts';
import { WorkspaceStream } from '../log/jetstream/workspace-stream.ts';
import type { DecisionGroups } from '../protocol/decision-group.ts';
import type { DecisionSource } from '../protocol/decision-source.ts';
import type { Ingest } from './ingest.ts';
import { JetStreamIngest } from './jetstream-ingest.ts';
import type { NatsShardOptions } from './messages.ts';
import type { NodeLog } from './node-log.ts';
import type { Publication } from './publication.ts';
import type { Log } from './recovery.ts';
import type { Shards } from './shards.ts';
import { readVersion, SharedVersions } from './shared-versions.ts';
import type { Versions } from './versions.ts';

interface Parts {
  readonly connection: NatsLink;
  readonly decisions: JetStreamDecisionSource;
  readonly groups: JetStreamDecisionGroups;
  readonly workspaces: WorkspaceStream;
}

export class JetStreamNodeLog implements NodeLog {
  /** Of the streams, which fix it. */
  readonly partitions: number;
  readonly shardNats: NatsShardOptions;
  readonly decisions: DecisionSource;
  readonly groups: DecisionGroups;
  readonly versions: Versions;
  readonly #parts: Parts;
  readonly #log: Log;

  private constructor(partitions: number, nats: NatsShardOptions, parts: Parts, log: Log) {
    this.partitions = partitions;
    this.shardNats = nats;
    this.decisions = parts.decisions;
    this.groups = parts.groups;
    this.versions = new SharedVersions(parts.workspaces);
    this.#parts = parts;
    this.#log = log;
  }

  /** Creates the streams where they are missing. Throws NatsRefusedError or StreamRefusedError where NATS cannot be used as it is. */
  static async open(nats: NatsShardOptions, options: StreamOptions, log: Log): Promise<JetStreamNodeLog> {
    const connection = await connectNats({
      servers: nats.servers,
      name: 'beckon node',
      ...(nats.credentialsFile === null ? {} : { credentialsFile: nats.credentialsFile }),
      onStatus: (status) => log('warn', { status: status.kind }, 'connection to NATS'),
    });
    try {
      const { id, partitions } = await ensureStreams(connection, options);
      const decisions = await JetStreamDecisionSource.open(connection, partitions, id, {
        halted: (partition, error) =>
          log('error', { partition, reason: error.message }, 'a decision stream cannot be followed any more'),
        log,
      });
      const groups = await JetStreamDecisionGroups.open(connection, partitions);
      const workspaces = await WorkspaceStream.open(connection);
      return new JetStreamNodeLog(partitions, nats, { connection, decisions, groups, workspaces }, log);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Decisions come over the streams, also those of this node. */
  applied(): void {}
  recovered(): void {}

  ingest(shards: Shards): Ingest {
    const ingest = new JetStreamIngest(this.#parts.connection);
    shards.acknowledged = () => ingest.acknowledged();
    return ingest;
  }

  async follow(publication: Publication): Promise<void> {
    const after = publication.current?.version ?? 0;
    await this.#parts.workspaces.follow(after, (_, json) => publication.adopt(readVersion(json)), this.#log);
  }

  async close(): Promise<void> {
    this.#parts.workspaces.close();
    this.#parts.groups.close();
    this.#parts.decisions.close();
    await this.#parts.connection.close();
  }
}
