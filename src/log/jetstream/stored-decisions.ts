/** Single decisions out of the decision streams: what a repeated `decide` is answered with. */
import type { JetStreamManager, NatsConnection, NatsError } from 'nats';
import { NATS_REQUEST_MS_MAX } from '../../constants.ts';
import { IngestError } from '../../protocol/ingest-error.ts';
import { decisionStream, JetStreamError } from './names.ts';

export class StoredDecisions {
  readonly #manager: JetStreamManager;

  private constructor(manager: JetStreamManager) {
    this.#manager = manager;
  }

  static async open(connection: NatsConnection): Promise<StoredDecisions> {
    return new StoredDecisions(await connection.jetstreamManager({ checkAPI: false, timeout: NATS_REQUEST_MS_MAX }));
  }

  /**
   * The JSON of decisions first … first + count − 1, which were all stored, without those that the stream no longer keeps. IngestError if one of them may be there and
   * cannot be read: an answer with fewer decisions than were made would be a wrong one.
   */
  async read(partition: number, first: number, count: number): Promise<Uint8Array[]> {
    const numbers = Array.from({ length: count }, (_, i) => first + i);
    const stored = await Promise.all(numbers.map((number) => this.#readOne(partition, number)));
    return stored.filter((json) => json !== null);
  }

  async #readOne(partition: number, seq: number): Promise<Uint8Array | null> {
    try {
      return (await this.#manager.streams.getMessage(decisionStream(partition), { seq })).data;
    } catch (error) {
      const { api_error, message } = error as NatsError;
      if (api_error?.err_code === JetStreamError.messageNotFound) return null;
      throw new IngestError('unavailable', `decision ${partition}-${seq} cannot be read at the moment: ${message}`);
    }
  }
}
