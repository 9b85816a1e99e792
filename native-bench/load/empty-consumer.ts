/**
 * A task that reads log streams and does nothing else: a push consumer without acknowledgements and with flow control per stream, messages counted as they come
 * off the wire. What a reader could reach at most. Each stream has a connection of its own: a push consumer has up to 32 MiB on its way, and nats-server cuts a
 * connection off at 64.
 */
import { AckPolicy, connect, DeliverPolicy, type JetStreamManager, type Msg, type NatsConnection } from 'nats';
import { logStream } from '../../src/log/jetstream/names.ts';
import { headerValue, inboxOf, rawMessage, statusOf } from '../../src/log/jetstream/raw-message.ts';
import { nowUs } from './open-loop.ts';
import { runTask } from './task.ts';

export interface EmptyConsumerLoad {
  readonly servers: string;
  readonly partitions: readonly number[];
}

export interface EmptyConsumerResult {
  readonly messages: number;
  readonly finishedUs: number;
}

const IDLE_HEARTBEAT_NS = 5e9;

class EmptyConsumer {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #stream: string;
  readonly #goal: number;
  #messages = 0;

  private constructor(connection: NatsConnection, manager: JetStreamManager, stream: string, goal: number) {
    this.#connection = connection;
    this.#manager = manager;
    this.#stream = stream;
    this.#goal = goal;
  }

  static async connect(servers: string, partition: number): Promise<EmptyConsumer> {
    // What was on its way when a connection broke would never be counted.
    const connection = await connect({ servers, noAsyncTraces: true, reconnect: false });
    const manager = await connection.jetstreamManager();
    const stream = logStream(partition);
    const { state } = await manager.streams.info(stream);
    return new EmptyConsumer(connection, manager, stream, state.messages);
  }

  /** Every message that the stream held when it was connected. */
  async drain(): Promise<number> {
    const subject = inboxOf(this.#connection);
    const drained = new Promise<void>((done, failed) => {
      void this.#connection.closed().then((error) => failed(error ?? new Error('the connection was closed')));
      this.#connection.subscribe(subject, {
        callback: (error, message) => {
          if (error !== null) failed(error);
          else if (this.#counts(message) && this.#messages === this.#goal) done();
        },
      });
    });
    await this.#manager.consumers.add(this.#stream, {
      deliver_subject: subject,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.All,
      flow_control: true,
      idle_heartbeat: IDLE_HEARTBEAT_NS,
      mem_storage: true,
      num_replicas: 1,
    });
    await drained;
    return this.#messages;
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  #counts(message: Msg): boolean {
    const raw = rawMessage(message);
    if (raw.headerLength === 0 || statusOf(raw) === 0) {
      this.#messages += 1;
      return true;
    }
    // Flow control waits for an answer; so does a consumer that stalled.
    const stalled = headerValue(raw, 'Nats-Consumer-Stalled');
    if (raw.reply !== undefined) message.respond();
    else if (stalled !== null) this.#connection.publish(stalled);
    return false;
  }
}

await runTask(async ({ servers, partitions }: EmptyConsumerLoad) => {
  const consumers = await Promise.all(partitions.map((partition) => EmptyConsumer.connect(servers, partition)));
  return async (): Promise<EmptyConsumerResult> => {
    const counts = await Promise.all(consumers.map((consumer) => consumer.drain()));
    const finishedUs = nowUs();
    await Promise.all(consumers.map((consumer) => consumer.close()));
    return { messages: counts.reduce((sum, count) => sum + count, 0), finishedUs };
  };
});
