/** The streams of a small cluster on a real server, and decisions put straight into them, fenced as nodes do it. */
import { headers, type NatsConnection } from 'nats';
import { connectNats } from '../../src/log/jetstream/connection.ts';
import { decisionMessageId, decisionStream, decisionSubject, Header } from '../../src/log/jetstream/names.ts';
import { ensureStreams, noStreamOptions } from '../../src/log/jetstream/streams.ts';

export interface TestDecision {
  readonly channel?: string;
  readonly campaign?: string;
  readonly padding?: number;
}

export class DecisionStreams {
  readonly partitions: number;
  readonly identity: string;
  readonly connection: NatsConnection;
  readonly #last: number[];

  private constructor(connection: NatsConnection, partitions: number, identity: string) {
    this.connection = connection;
    this.partitions = partitions;
    this.identity = identity;
    this.#last = Array.from({ length: partitions }, () => 0);
  }

  static async create(url: string, partitions: number): Promise<DecisionStreams> {
    const connection = await connectNats({ servers: url, name: 'test' });
    const { id } = await ensureStreams(connection, { ...noStreamOptions, partitions });
    return new DecisionStreams(connection, partitions, id);
  }

  /** Number of the last decision of each partition. */
  get last(): readonly number[] {
    return this.#last;
  }

  /** Ids of all decisions so far. */
  get ids(): string[] {
    return this.#last.flatMap((last, p) => Array.from({ length: last }, (_, i) => `${p}-${i + 1}`));
  }

  /** Stores the partition's next decision, as often as it takes; returns its id. */
  async publish(partition: number, decision: TestDecision = {}): Promise<string> {
    const number = (this.#last[partition] as number) + 1;
    const [subject, payload] = this.#encode(partition, number, decision);
    const head = headers();
    head.set(Header.messageId, decisionMessageId(partition, number));
    head.set(Header.expectedLastSequence, String(number - 1));
    for (;;) {
      try {
        const reply = await this.connection.request(subject, payload, { headers: head, timeout: 1000 });
        const answer = reply.json<{ seq?: number; error?: { err_code: number; description: string } }>();
        const isThere = answer.seq === number || (await this.#stored(partition)) === number;
        if (!isThere) throw new Error(answer.error?.description);
        break;
      } catch {
        // The server is away: its acknowledgement may be lost, the decision may not.
        await new Promise((next) => setTimeout(next, 50));
      }
    }
    this.#last[partition] = number;
    return `${partition}-${number}`;
  }

  /** Many at once, without waiting for each. */
  async publishMany(partition: number, count: number, decision: TestDecision = {}): Promise<void> {
    const first = (this.#last[partition] as number) + 1;
    const answers: Promise<unknown>[] = [];
    for (let number = first; number < first + count; number++) {
      const [subject, payload] = this.#encode(partition, number, decision);
      const head = headers();
      head.set(Header.expectedLastSequence, String(number - 1));
      answers.push(this.connection.request(subject, payload, { headers: head, timeout: 60_000 }));
    }
    await Promise.all(answers);
    this.#last[partition] = first + count - 1;
    const stored = await this.#stored(partition);
    if (stored !== first + count - 1) throw new Error(`${stored} decisions stored, ${first + count - 1} published`);
  }

  #encode(partition: number, number: number, decision: TestDecision): [string, string] {
    const { channel = 'push', campaign = 'hearts', padding = 0 } = decision;
    const message = padding === 0 ? null : { text: 'x'.repeat(padding) };
    const json = JSON.stringify({ id: `${partition}-${number}`, customer: 'Zoë', campaign, channel, message });
    return [decisionSubject(partition, channel, campaign), json];
  }

  async #stored(partition: number): Promise<number> {
    const manager = await this.connection.jetstreamManager({ checkAPI: false, timeout: 1000 });
    return (await manager.streams.info(decisionStream(partition))).state.last_seq;
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}
