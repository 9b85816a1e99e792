/** What the streams of a partition keep, for whoever compares a data folder with them: decisions, read by number, and where the log ends; beside the nodes that publish. */
import type { JetStreamManager, NatsConnection } from 'nats';
import { NATS_REQUEST_MS_MAX } from '../../constants.ts';
import type { EncodedDecision } from '../../protocol/decision.ts';
import { DecisionFetch } from './decision-source-fetch.ts';
import { decisionStream, logStream } from './names.ts';

export class JetStreamDecisionArchive {
  /** Other nodes publish, too. */
  readonly exclusive = false;
  readonly #manager: JetStreamManager;
  readonly #fetch: DecisionFetch;

  private constructor(manager: JetStreamManager, fetch: DecisionFetch) {
    this.#manager = manager;
    this.#fetch = fetch;
  }

  static async open(connection: NatsConnection, partitions: number): Promise<JetStreamDecisionArchive> {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: NATS_REQUEST_MS_MAX });
    return new JetStreamDecisionArchive(manager, new DecisionFetch(connection, manager, partitions));
  }

  /** The last record of the partition's log. */
  async lastRecord(partition: number): Promise<number> {
    return (await this.#manager.streams.info(logStream(partition))).state.last_seq;
  }

  /** Decisions first … next − 1 are kept. */
  async range(partition: number): Promise<{ readonly first: number; readonly next: number }> {
    const { state } = await this.#manager.streams.info(decisionStream(partition));
    return { first: state.first_seq, next: state.last_seq + 1 };
  }

  /** As many of `from` … `next − 1` as fit `bytesMax`, one at least. */
  async read(partition: number, from: number, next: number, bytesMax: number): Promise<readonly EncodedDecision[]> {
    const found = await this.#fetch.read(partition, from, next, bytesMax);
    if (found.length === 0) throw new Error(`decision ${partition}-${from} is missing from its stream`);
    return found;
  }
}
