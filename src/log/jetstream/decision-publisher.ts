/**
 * Publishes a partition's decisions into its decision stream: decision k is message k. JetStream refuses decision k unless k − 1 is the stream's last message,
 * so a second owner can neither repeat nor overtake; where it was first, its decisions are compared with ours, byte by byte.
 *
 * Law for snapshots: a snapshot whose machine made n decisions may become valid once durable(n) was told, or durableUpTo is n or more.
 */
import type { JetStreamManager, NatsConnection, NatsError } from 'nats';
import { PUBLISH_WINDOW } from '../../constants.ts';
import type { EncodedDecision } from '../../protocol/decision.ts';
import { type Fence, FencedPublisher, type PublisherHandlers, PublishRefusedError } from './fenced-publisher.ts';
import { decisionMessageId, decisionStream, decisionSubject, Header, JetStreamError } from './names.ts';

export class DecisionPublisher {
  readonly partition: number;
  /** Number of the last decision stored when this was opened. Those up to it may be offered again (replay derives them again) and are dropped. */
  readonly tail: number;
  readonly #publisher: FencedPublisher;

  private constructor(partition: number, publisher: FencedPublisher) {
    this.partition = partition;
    this.#publisher = publisher;
    this.tail = publisher.durableUpTo ?? 0;
  }

  /**
   * `made`: how many decisions the machine had made in the state that this node starts from. They were durable when that snapshot became valid, so a
   * stream with fewer lost some: rejects with PublishRefusedError, as it does where there is no stream.
   */
  static async open(
    connection: NatsConnection,
    partition: number,
    made: number,
    handlers: PublisherHandlers,
  ): Promise<DecisionPublisher> {
    const fence = decisionFence(partition);
    const publisher = await FencedPublisher.open(connection, fence, handlers);
    const tail = publisher.durableUpTo as number;
    if (tail >= made) return new DecisionPublisher(partition, publisher);
    publisher.close();
    throw new PublishRefusedError(
      fence.stream,
      `it ends at decision ${tail}, but this partition's snapshot has made ${made}, which were all stored`,
      'restore the stream from a backup that reaches that far, or start from a data folder without this snapshot: replay makes the decisions again',
    );
  }

  /** Every decision up to this is stored. May be ahead of what was offered. */
  get durableUpTo(): number {
    return this.#publisher.durableUpTo as number;
  }

  /** Decisions offered and not stored yet. */
  get inFlight(): number {
    return this.#publisher.inFlight;
  }

  /** False: pause the reader until durable() is told. */
  get hasRoom(): boolean {
    return this.#publisher.hasRoom;
  }

  /** In the order of their numbers, without gaps from call to call; the first is at most durableUpTo + 1. The bytes must not change afterwards. */
  publish(decisions: readonly EncodedDecision[]): void {
    for (const { number, channel, campaign, json } of decisions) {
      const subject = decisionSubject(this.partition, channel, campaign);
      this.#publisher.offer({ number, subject, headers: '', payload: json });
    }
  }

  async close(): Promise<void> {
    this.#publisher.close();
  }
}

function decisionFence(partition: number): Fence {
  const stream = decisionStream(partition);
  return {
    stream,
    windowMax: PUBLISH_WINDOW,
    strict: true,
    headers: (number) =>
      `${Header.messageId}: ${decisionMessageId(partition, number)}\r\n${Header.expectedLastSequence}: ${number - 1}\r\n`,
    acknowledged: (number, seq) => number === seq,
    readTail: (manager) => lastSequence(manager, stream),
    read: (manager, number) => storedPayload(manager, stream, number),
  };
}

async function lastSequence(manager: JetStreamManager, stream: string): Promise<number> {
  try {
    return (await manager.streams.info(stream)).state.last_seq;
  } catch (error) {
    if ((error as NatsError).api_error?.err_code !== JetStreamError.streamNotFound) throw error;
    throw new PublishRefusedError(stream, 'there is no such stream', 'restore it from a backup');
  }
}

async function storedPayload(manager: JetStreamManager, stream: string, seq: number): Promise<Uint8Array | null> {
  try {
    return (await manager.streams.getMessage(stream, { seq })).data;
  } catch (error) {
    if ((error as NatsError).api_error?.err_code === JetStreamError.messageNotFound) return null;
    throw error;
  }
}
