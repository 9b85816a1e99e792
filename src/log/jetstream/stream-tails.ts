/** How far the log streams reach: what a partition has not applied yet is the way from its position to here. */
import type { JetStreamManager, NatsConnection } from 'nats';
import { NATS_REQUEST_MS_MAX } from '../../constants.ts';
import { logStream } from './names.ts';

export class StreamTails {
  readonly #manager: JetStreamManager;
  readonly #last = new Map<number, number>();
  #refreshing = false;

  private constructor(manager: JetStreamManager) {
    this.#manager = manager;
  }

  static async open(connection: NatsConnection): Promise<StreamTails> {
    return new StreamTails(await connection.jetstreamManager({ checkAPI: false, timeout: NATS_REQUEST_MS_MAX }));
  }

  /** The stream's last sequence when it was last asked; 0 if it never answered. */
  last(partition: number): number {
    return this.#last.get(partition) ?? 0;
  }

  /** Asks for all of them, unless it is being asked already. What does not answer keeps its last value. */
  async refresh(partitions: Iterable<number>): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    const asked = [...partitions].map(async (partition) => {
      const { state } = await this.#manager.streams.info(logStream(partition));
      this.#last.set(partition, state.last_seq);
    });
    await Promise.allSettled(asked);
    this.#refreshing = false;
  }
}
