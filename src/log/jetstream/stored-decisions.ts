/** Single decisions out of the decision streams: what a repeated `decide` is answered with. */
import type { JetStreamManager, NatsConnection } from 'nats';
import { NATS_REQUEST_MS_MAX } from '../../constants.ts';
import { decisionStream } from './names.ts';

export class StoredDecisions {
  readonly #manager: JetStreamManager;

  private constructor(manager: JetStreamManager) {
    this.#manager = manager;
  }

  static async open(connection: NatsConnection): Promise<StoredDecisions> {
    return new StoredDecisions(await connection.jetstreamManager({ checkAPI: false, timeout: NATS_REQUEST_MS_MAX }));
  }

  /** The JSON of decisions first … first + count − 1, without those that the stream no longer keeps. */
  async read(partition: number, first: number, count: number): Promise<Uint8Array[]> {
    const stream = decisionStream(partition);
    const numbers = Array.from({ length: count }, (_, i) => first + i);
    const stored = await Promise.allSettled(numbers.map((seq) => this.#manager.streams.getMessage(stream, { seq })));
    return stored.flatMap((result) => (result.status === 'fulfilled' ? [result.value.data] : []));
  }
}
