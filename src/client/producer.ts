/**
 * Sends events into Beckon over NATS: the library for shops, tills and web sites written for Node.
 *
 *   const producer = await BeckonProducer.connect({ servers: 'nats://producer:…@127.0.0.1:4222' });
 *   for await (const event of source) {
 *     await producer.room();                              // at once, while the buffer has room
 *     producer.send(event).catch(report);                 // or: await producer.send(event), one by one
 *   }
 *   await producer.close();
 *
 * What it takes care of: events go to their customer's partition; those that come together travel together; each is stored once, although servers die and
 * acknowledgements get lost; a customer's events are stored in the order of their send(); memory is bounded.
 *
 * What it cannot promise: a batch whose acknowledgement is lost can be sent again for as long as JetStream remembers message ids. If no server answers for longer
 * than that, its events fail with DeliveryError `unknown`, and only the events' own ids can tell whether they were stored. Events behind a failed batch are sent.
 */
import { randomUUID } from 'node:crypto';
import type { NatsConnection } from 'nats';
import {
  EVENT_BYTES_MAX,
  ID_BYTES_MAX,
  PRODUCER_BATCH_BYTES_DEFAULT,
  PRODUCER_BATCH_EVENTS_DEFAULT,
  PRODUCER_BUFFER_BYTES_DEFAULT,
  PRODUCER_HEADER_BYTES_MAX,
  PRODUCER_LINGER_DEFAULT_MS,
  PRODUCER_WINDOW_SHARE,
  RECORD_BYTES_MAX,
} from '../constants.ts';
import { connectNats, type NatsStatus } from '../log/jetstream/connection.ts';
import { partitionOf } from '../stdx/hash.ts';
import { BATCH_OVERHEAD_BYTES, type BatchFormat, encodeEvent } from './batch.ts';
import { type ClusterInfo, readClusterInfo } from './cluster-info.ts';
import {
  type Delivery,
  EventRefusedError,
  ProducerClosedError,
  type ProducerEvent,
  ProducerFullError,
} from './event.ts';
import { Lane } from './lane.ts';
import { Link } from './link.ts';
import { toPlain } from './plain.ts';

export interface ProducerOptions {
  /** `nats://user:password@host:port`, several separated by commas; see connectNats. */
  readonly servers: string;
  /** How the connection is called in the server's listings. Default: beckon-producer. */
  readonly name?: string;
  readonly credentialsFile?: string;
  readonly authoritiesFile?: string;
  /** Default: json. */
  readonly format?: BatchFormat;
  /** How long the first event of a batch waits for company. Default 1. */
  readonly lingerMs?: number;
  /** A batch is complete at this length or number. Defaults 128 KiB and 5,000. */
  readonly batchBytes?: number;
  readonly batchEvents?: number;
  /** Encoded events not stored yet, beyond which send() refuses. Default 16 MiB. */
  readonly bufferBytes?: number;
  /** A batch that could not be stored for so long is given up. Default: never, unless it would risk storing it twice. */
  readonly giveUpMs?: number;
  readonly onStatus?: (status: NatsStatus) => void;
}

export class BeckonProducer {
  readonly partitions: number;
  readonly #connection: NatsConnection;
  readonly #link: Link;
  readonly #lanes: readonly Lane[];
  readonly #format: BatchFormat;
  readonly #bufferBytesMax: number;
  readonly #eventBytesMax: number;
  #bufferedBytes = 0;
  #anonymous = 0;
  #closing = false;
  #awaitingRoom: (() => void)[] = [];

  private constructor(connection: NatsConnection, link: Link, cluster: ClusterInfo, options: ProducerOptions) {
    const messageBytesMax = Math.min(RECORD_BYTES_MAX, (connection.info?.max_payload ?? 0) - PRODUCER_HEADER_BYTES_MAX);
    const prefix = randomUUID();
    let batches = 0;
    const settings = {
      format: options.format ?? 'json',
      batchBytes: Math.min(options.batchBytes ?? PRODUCER_BATCH_BYTES_DEFAULT, messageBytesMax),
      batchEvents: options.batchEvents ?? PRODUCER_BATCH_EVENTS_DEFAULT,
      lingerMs: options.lingerMs ?? PRODUCER_LINGER_DEFAULT_MS,
      ambiguousMs: cluster.duplicateWindowMs * PRODUCER_WINDOW_SHARE,
      giveUpMs: options.giveUpMs ?? Number.POSITIVE_INFINITY,
      nextBatchId: () => `${prefix}-${++batches}`,
      onSettled: (bytes: number) => this.#release(bytes),
    };
    this.partitions = cluster.partitions;
    this.#connection = connection;
    this.#link = link;
    this.#format = settings.format;
    this.#bufferBytesMax = options.bufferBytes ?? PRODUCER_BUFFER_BYTES_DEFAULT;
    this.#eventBytesMax = Math.min(EVENT_BYTES_MAX, messageBytesMax - BATCH_OVERHEAD_BYTES - 1);
    this.#lanes = Array.from({ length: cluster.partitions }, (_, partition) => new Lane(partition, link, settings));
  }

  /** Connects and learns the number of partitions. NatsRefusedError, or StreamRefusedError where there is no Beckon. */
  static async connect(options: ProducerOptions): Promise<BeckonProducer> {
    let link: Link | null = null;
    const { servers, credentialsFile, authoritiesFile } = options;
    const connection = await connectNats({
      servers,
      name: options.name ?? 'beckon-producer',
      ...(credentialsFile === undefined ? {} : { credentialsFile }),
      ...(authoritiesFile === undefined ? {} : { authoritiesFile }),
      ownJetStream: false,
      onStatus: (status) => {
        if (status.kind === 'disconnected') link?.lost();
        else if (status.kind === 'reconnected') link?.restored();
        options.onStatus?.(status);
      },
    });
    link = new Link(connection);
    void connection.closed().then(() => link?.closed());
    try {
      return new BeckonProducer(connection, link, await readClusterInfo(connection), options);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Bytes of encoded events that are not stored yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * Takes one event; resolves when JetStream has stored it. Rejects with EventRefusedError, ProducerFullError or ProducerClosedError, of which nothing was sent, or with
   * DeliveryError. All events of a batch share one promise.
   */
  send(event: ProducerEvent): Promise<Delivery> {
    if (this.#closing) return Promise.reject(new ProducerClosedError('the producer is closed'));
    if (this.#bufferedBytes >= this.#bufferBytesMax) {
      return Promise.reject(new ProducerFullError(`${this.#bufferedBytes} bytes wait for being stored`));
    }
    let bytes: Uint8Array;
    try {
      bytes = this.#encode(event);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#bufferedBytes += bytes.length;
    return (this.#lanes[this.#partitionOf(event)] as Lane).add(bytes);
  }

  /** Resolves when send() would not find the buffer full. */
  async room(): Promise<void> {
    while (this.#bufferedBytes >= this.#bufferBytesMax) {
      await new Promise<void>((wake) => this.#awaitingRoom.push(wake));
    }
  }

  /** Sends what waits for company. Resolves once all that was sent before is settled: stored, or failed, which its own promise tells. */
  async flush(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.flush()));
  }

  /** Takes no more events, waits for those under way, at most `withinMs` (default: as long as it takes), and disconnects: what is left then fails. */
  async close(withinMs: number = Number.POSITIVE_INFINITY): Promise<void> {
    this.#closing = true;
    const giveUp = Number.isFinite(withinMs) ? setTimeout(() => this.#link.closed(), withinMs) : undefined;
    await this.flush();
    clearTimeout(giveUp);
    await this.#connection.close();
  }

  #encode(event: ProducerEvent): Uint8Array {
    if (typeof event.type !== 'string' || event.type === '') throw new EventRefusedError('type: missing');
    checkId('type', event.type);
    checkId('customer', event.customer);
    checkId('id', event.id);
    const bytes = encodeEvent(toPlain(event, ''), this.#format);
    if (bytes.length <= this.#eventBytesMax) return bytes;
    throw new EventRefusedError(`the event has ${bytes.length} bytes, ${this.#eventBytesMax} are allowed`);
  }

  /** As the engine's HTTP interface does it: by customer, else by id, so that a repeat meets the original; else in turn. */
  #partitionOf(event: ProducerEvent): number {
    const key = event.customer ?? event.id;
    if (typeof key === 'string' && key !== '') return partitionOf(key, this.partitions);
    this.#anonymous = (this.#anonymous + 1) % this.partitions;
    return this.#anonymous;
  }

  #release(bytes: number): void {
    this.#bufferedBytes -= bytes;
    if (this.#bufferedBytes >= this.#bufferBytesMax) return;
    for (const wake of this.#awaitingRoom.splice(0)) wake();
  }
}

const utf8 = new TextEncoder();

function checkId(field: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (typeof value !== 'string') throw new EventRefusedError(`${field}: a string is needed, not a ${typeof value}`);
  if (value.length > ID_BYTES_MAX / 3 && utf8.encode(value).length > ID_BYTES_MAX) {
    throw new EventRefusedError(`${field}: longer than ${ID_BYTES_MAX} bytes`);
  }
}
