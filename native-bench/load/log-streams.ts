/** Beckon's streams as the benchmarks need them: filled with events beforehand, and with decision streams as empty as at the start. */
import { connect, type NatsConnection } from 'nats';
import { decisionStream, eventsSubject, logStream } from '../../src/log/jetstream/names.ts';
import { partitionOf } from '../../src/stdx/hash.ts';
import { customerId, encodeEvents, KernelEvents, type PayloadForm, profileEvent } from '../workload/kernel.ts';

/** Messages between two looks at how far the server has come: it buffers what it has not stored. */
const PUBLISHED_UNFLUSHED_MAX = 512;
const SETTLE_MS = 20;
const WAIT_MS_MAX = 60_000;

export class LogStreams {
  readonly connection: NatsConnection;
  readonly partitions: number;

  private constructor(connection: NatsConnection, partitions: number) {
    this.connection = connection;
    this.partitions = partitions;
  }

  /** A node must have created the streams. */
  static async open(servers: string, partitions: number): Promise<LogStreams> {
    return new LogStreams(await connect({ servers, noAsyncTraces: true }), partitions);
  }

  /**
   * Publishes the profiles of all customers, then `events` receipts, `perMessage` of a partition's in one message; without acknowledgements, and waits until all
   * are stored. Returns the payload bytes.
   */
  async fill(customers: number, events: number, perMessage: number, form: PayloadForm): Promise<number> {
    const source = new KernelEvents(customers, 4);
    const before = await this.messages();
    const waiting: object[][] = Array.from({ length: this.partitions }, () => []);
    let published = 0;
    let bytes = 0;
    const publish = async (partition: number, batch: readonly object[]): Promise<void> => {
      const payload = perMessage === 1 ? single(batch[0] as object, form) : encodeEvents(batch, form);
      this.connection.publish(eventsSubject(partition), payload);
      bytes += payload.length;
      published += 1;
      if (published % PUBLISHED_UNFLUSHED_MAX === 0) await this.connection.flush();
    };
    const add = async (customer: string, event: object): Promise<void> => {
      const partition = partitionOf(customer, this.partitions);
      const batch = waiting[partition] as object[];
      if (batch.push(event) < perMessage) return;
      waiting[partition] = [];
      await publish(partition, batch);
    };
    for (let i = 0; i < customers; i++) await add(customerId(i), profileEvent(i));
    for (let i = 0; i < events; i++) {
      const event = source.next();
      await add(event.customer, event);
    }
    for (const [partition, batch] of waiting.entries()) if (batch.length > 0) await publish(partition, batch);
    await this.connection.flush();
    await this.until(async () => (await this.messages()) === before + published, 'every event is stored');
    return bytes;
  }

  /** Stored in all log streams. */
  messages(): Promise<number> {
    return this.#count(logStream);
  }

  decisions(): Promise<number> {
    return this.#count(decisionStream);
  }

  /** Decision streams are deleted and made again as they were, or the next node would find its decisions stored and would publish none. */
  async forgetDecisions(): Promise<void> {
    const manager = await this.connection.jetstreamManager();
    for (let partition = 0; partition < this.partitions; partition++) {
      const { config } = await manager.streams.info(decisionStream(partition));
      await manager.streams.delete(decisionStream(partition));
      await manager.streams.add(config);
    }
  }

  /** Rejects if it does not come to pass. */
  async until(condition: () => Promise<boolean>, what: string): Promise<void> {
    const giveUpAt = performance.now() + WAIT_MS_MAX;
    while (!(await condition())) {
      if (performance.now() > giveUpAt) throw new Error(`${what}: not within ${WAIT_MS_MAX} ms`);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  async #count(stream: (partition: number) => string): Promise<number> {
    const manager = await this.connection.jetstreamManager();
    const numbers = Array.from({ length: this.partitions }, (_, partition) => partition);
    const infos = await Promise.all(numbers.map((partition) => manager.streams.info(stream(partition))));
    return infos.reduce((sum, { state }) => sum + state.messages, 0);
  }
}

function single(event: object, form: PayloadForm): Uint8Array {
  const list = encodeEvents([event], form);
  // An array of one: `[`…`]`, or one byte of MessagePack before the event.
  return form === 'json' ? list.slice(1, -1) : list.slice(1);
}
