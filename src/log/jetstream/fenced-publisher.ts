/**
 * Publishes numbered entries 1, 2, 3 … into a stream, each stored once and in order, though acknowledgements get lost, servers die, and a second owner may
 * publish the same. Entries are pipelined; each says which entry must be the stream's last before it, so that JetStream itself refuses whatever would
 * be out of order or twice.
 *
 * Anything but the next acknowledgement in order (a refusal, a duplicate, a missing one, a timeout, a reconnect) ends the attempt: the stream's tail is read, what
 * is there is compared with what was offered, and a new attempt goes on behind it. Answers to an earlier attempt are not listened to.
 *
 * Law for snapshots: durable(n) is told when every entry up to n is stored in the stream, and never before.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JetStreamManager, Msg, NatsConnection, NatsError } from 'nats';
import {
  JETSTREAM_RETRY_MS_MAX,
  JETSTREAM_RETRY_MS_MIN,
  NATS_REQUEST_MS_MAX,
  PUBLISH_ACK_MS_MAX,
  PUBLISH_CHECK_MS,
  PUBLISH_QUEUE_BYTES_MAX,
  PUBLISH_QUEUE_MAX,
  PUBLISH_VERIFY_READS,
  PUBLISH_WINDOW_BYTES,
} from '../../constants.ts';
import { assert } from '../../stdx/assert.ts';
import { ConnectionWatch } from './connection-watch.ts';
import { isFenceError, parsePublishAck } from './publish-ack.ts';
import { encodedHeaders, inboxOf, messageBytesMax, rawMessage } from './raw-message.ts';
import type { StreamLog } from './stream-follower.ts';

export interface FencedEntry {
  readonly number: number;
  readonly subject: string;
  /** Lines `Name: value\r\n` besides those of the fence. */
  readonly headers: string;
  readonly payload: Uint8Array;
}

/** How one kind of stream numbers and fences its entries. */
export interface Fence {
  readonly stream: string;
  /** Entries on their way at one moment. */
  readonly windowMax: number;
  /** Whether the stream is the truth: losing entries or holding others under our numbers then ends publishing. If not, it is logged. */
  readonly strict: boolean;
  /** Header lines with which JetStream refuses entry `number` unless the one before it is the last. */
  headers(number: number): string;
  /** JetStream acknowledged `number` at `seq`. False: that cannot be. */
  acknowledged(number: number, seq: number): boolean;
  /** The number of the last entry stored; null if the stream cannot tell, because it keeps none. */
  readTail(manager: JetStreamManager): Promise<number | null>;
  /** The payload of a stored entry; null if it is not kept any longer. */
  read(manager: JetStreamManager, number: number): Promise<Uint8Array | null>;
}

export interface PublisherHandlers {
  /** Every entry up to `upTo` is stored. At most once per turn of the event loop; `upTo` rises. May be ahead of what was offered, where another owner is. */
  durable(upTo: number): void;
  /** Once, at most: publishing stopped for good; nothing more becomes durable. */
  failed(error: Error): void;
  readonly log: StreamLog;
}

/** A stream that cannot be published to without contradicting what it holds. */
export class PublishRefusedError extends Error {
  override readonly name = 'PublishRefusedError';
  readonly stream: string;

  constructor(stream: string, what: string, remedy: string) {
    super(`${stream}: ${what}. Nothing more is published. Remedy: ${remedy}.`);
    this.stream = stream;
  }
}

const State = { flowing: 0, recovering: 1, stopped: 2 } as const;
type State = (typeof State)[keyof typeof State];

export class FencedPublisher {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #fence: Fence;
  readonly #handlers: PublisherHandlers;
  readonly #inbox: string;
  readonly #subscription: { unsubscribe(): void };
  readonly #watch: ConnectionWatch;
  readonly #timer: NodeJS.Timeout;
  #state: State = State.flowing;
  #attempt = 1;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = JETSTREAM_RETRY_MS_MIN;
  /** Offered and not durable, in order: numbers #durable + 1 … #offered. The first #head places are spent. */
  #queue: FencedEntry[] = [];
  #head = 0;
  #queuedBytes = 0;
  /** null: the stream cannot tell, and nothing was offered yet. */
  #durable: number | null;
  #offered = 0;
  #sent = 0;
  #sentBytes = 0;
  #told = 0;
  #telling = false;
  /** A stored entry ahead of what was offered, compared when its number is offered. */
  #ahead: { readonly number: number; readonly payload: Uint8Array } | null = null;
  #progress = true;
  #idleChecks = 0;

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    fence: Fence,
    handlers: PublisherHandlers,
    tail: number | null,
    tailPayload: Uint8Array | null,
  ) {
    this.#connection = connection;
    this.#manager = manager;
    this.#fence = fence;
    this.#handlers = handlers;
    this.#durable = tail;
    this.#told = tail ?? 0;
    if (tail !== null && tailPayload !== null) this.#ahead = { number: tail, payload: tailPayload };
    this.#inbox = inboxOf(connection);
    this.#subscription = connection.subscribe(`${this.#inbox}.*.*`, {
      callback: (error, message) => this.#answered(error, message),
    });
    this.#timer = setInterval(() => this.#check(), PUBLISH_CHECK_MS);
    this.#watch = new ConnectionWatch(connection, {
      disconnected: () => this.#suspend(),
      reconnected: () => this.#recover('reconnected', 0),
      closed: () =>
        this.#fail(new Error(`the connection to NATS was closed while ${fence.stream} was being published to`)),
    });
  }

  /** Reads the stream's tail, for as long as it takes. Rejects with PublishRefusedError where there is no stream. */
  static async open(connection: NatsConnection, fence: Fence, handlers: PublisherHandlers): Promise<FencedPublisher> {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: NATS_REQUEST_MS_MAX });
    for (let retryMs = JETSTREAM_RETRY_MS_MIN; ; retryMs = Math.min(retryMs * 2, JETSTREAM_RETRY_MS_MAX)) {
      try {
        const tail = await fence.readTail(manager);
        const payload = tail === null || tail === 0 ? null : await fence.read(manager, tail);
        return new FencedPublisher(connection, manager, fence, handlers, tail, payload);
      } catch (error) {
        if (error instanceof PublishRefusedError || connection.isClosed()) throw error;
        handlers.log(
          'warn',
          { stream: fence.stream, error: String(error) },
          'the stream cannot be asked; trying again',
        );
        await sleep(retryMs);
      }
    }
  }

  /** null: nothing was offered yet, and the stream keeps nothing that would tell. */
  get durableUpTo(): number | null {
    return this.#durable;
  }

  /** Offered and not durable. */
  get inFlight(): number {
    return this.#queue.length - this.#head;
  }

  /** False: hold back until durable() is told. Entries offered nevertheless are kept. */
  get hasRoom(): boolean {
    return this.inFlight < PUBLISH_QUEUE_MAX && this.#queuedBytes < PUBLISH_QUEUE_BYTES_MAX;
  }

  /** Numbers go on without gaps. Entries that are stored already are dropped; the last of them is compared first. */
  offer(entry: FencedEntry): void {
    if (this.#state === State.stopped) return;
    const { number } = entry;
    assert(this.#offered === 0 || number === this.#offered + 1, `entry ${number} follows ${this.#offered}`);
    if (this.#durable === null) {
      this.#durable = number - 1;
      this.#sent = this.#durable;
    }
    this.#offered = number;
    if (number <= this.#durable) {
      const ahead = this.#ahead;
      if (ahead === null || number !== ahead.number) return;
      this.#ahead = null;
      if (!same(ahead.payload, entry.payload)) this.#differs(number);
      return;
    }
    if (this.inFlight === 0 && number !== this.#durable + 1) {
      if (this.#behind(number - 1, this.#durable)) return;
      this.#durable = number - 1;
    }
    if (this.inFlight === 0) this.#sent = this.#durable;
    this.#queue.push(entry);
    this.#queuedBytes += entry.payload.length;
    this.#send();
  }

  /** What is under way may still be stored. Nothing is told after it. */
  close(): void {
    if (this.#state === State.stopped) return;
    this.#state = State.stopped;
    clearInterval(this.#timer);
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#watch.stop();
    this.#subscription.unsubscribe();
    this.#queue = [];
    this.#head = 0;
  }

  #send(): void {
    const durable = this.#durable as number;
    while (
      this.#state === State.flowing &&
      this.#sent < this.#offered &&
      this.#sent - durable < this.#fence.windowMax &&
      this.#sentBytes < PUBLISH_WINDOW_BYTES
    ) {
      const number = this.#sent + 1;
      const entry = this.#entry(number);
      this.#sent = number;
      this.#sentBytes += entry.payload.length;
      try {
        this.#connection.publish(entry.subject, entry.payload, {
          reply: `${this.#inbox}.${this.#attempt}.${number}`,
          headers: encodedHeaders(this.#fence.headers(number) + entry.headers),
        });
      } catch (error) {
        this.#cannotSend(entry, error as NatsError);
        return;
      }
    }
  }

  #cannotSend(entry: FencedEntry, error: NatsError): void {
    const { stream } = this.#fence;
    if (error.code !== 'MAX_PAYLOAD_EXCEEDED') {
      this.#fail(error);
      return;
    }
    const limit = messageBytesMax(this.#connection);
    this.#fail(
      new PublishRefusedError(
        stream,
        `entry ${entry.number} has ${entry.payload.length} bytes, the server takes messages of ${limit}`,
        'raise max_payload in the configuration of nats-server (deploy/nats.conf sets 8MB)',
      ),
    );
  }

  /** The offered entry of that number, which is not durable. */
  #entry(number: number): FencedEntry {
    return this.#queue[this.#head + number - (this.#durable as number) - 1] as FencedEntry;
  }

  #answered(error: NatsError | null, message: Msg): void {
    if (this.#state !== State.flowing) return;
    if (error !== null) {
      this.#fail(error);
      return;
    }
    const { subject } = message;
    const dot = subject.lastIndexOf('.');
    if (Number(subject.slice(this.#inbox.length + 1, dot)) !== this.#attempt) return;
    const number = Number(subject.slice(dot + 1));
    const ack = parsePublishAck(rawMessage(message));
    if ('error' in ack) {
      if (isFenceError(ack.code)) this.#recover('', 0);
      else this.#recover(`${ack.error} (${ack.code})`, this.#nextRetryMs());
      return;
    }
    if (ack.duplicate || number !== (this.#durable as number) + 1) {
      this.#recover('', 0);
      return;
    }
    if (!this.#fence.acknowledged(number, ack.seq)) {
      this.#fail(
        new PublishRefusedError(
          this.#fence.stream,
          `entry ${number} was stored as message ${ack.seq}`,
          'nothing but Beckon may publish into this stream, and nothing may be deleted from it; restore it from a backup',
        ),
      );
      return;
    }
    this.#retryMs = JETSTREAM_RETRY_MS_MIN;
    this.#advance(number);
    this.#send();
  }

  #advance(number: number): void {
    this.#progress = true;
    while ((this.#durable as number) < number) {
      this.#durable = (this.#durable as number) + 1;
      const entry = this.#queue[this.#head];
      if (entry === undefined) continue;
      this.#head += 1;
      this.#queuedBytes -= entry.payload.length;
      if (this.#sent >= entry.number) this.#sentBytes -= entry.payload.length;
    }
    if (this.#sent < number) this.#sent = number;
    if (this.#head === this.#queue.length || this.#head >= PUBLISH_QUEUE_MAX) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    if (this.#telling) return;
    this.#telling = true;
    setImmediate(() => {
      this.#telling = false;
      const upTo = this.#durable as number;
      if (this.#state === State.stopped || upTo <= this.#told) return;
      this.#told = upTo;
      this.#handlers.durable(upTo);
    });
  }

  /** A check per interval, and not a timeout: after this thread was held up, what came meanwhile is read before the next check. */
  #check(): void {
    this.#idleChecks = this.#progress || this.#sent <= (this.#durable ?? 0) ? 0 : this.#idleChecks + 1;
    this.#progress = false;
    if (this.#state !== State.flowing || this.#idleChecks * PUBLISH_CHECK_MS < PUBLISH_ACK_MS_MAX) return;
    this.#recover(`no acknowledgement for ${PUBLISH_ACK_MS_MAX} ms`, 0);
  }

  #nextRetryMs(): number {
    const retryMs = this.#retryMs;
    this.#retryMs = Math.min(retryMs * 2, JETSTREAM_RETRY_MS_MAX);
    return retryMs;
  }

  #suspend(): void {
    if (this.#state === State.stopped) return;
    this.#state = State.recovering;
    this.#attempt += 1;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }

  #recover(reason: string, delayMs: number): void {
    if (this.#state === State.stopped) return;
    const { stream } = this.#fence;
    if (reason !== '') this.#handlers.log('info', { stream, reason }, 'looking where the stream ends');
    this.#suspend();
    const attempt = this.#attempt;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#readTail(attempt).catch((error) => {
        if (attempt !== this.#attempt) return;
        if (error instanceof PublishRefusedError) this.#fail(error);
        else this.#recover(String(error), this.#nextRetryMs());
      });
    }, delayMs);
  }

  /** Takes what the stream holds beyond #durable as stored, if it is what was offered; then goes on behind it. */
  async #readTail(attempt: number): Promise<void> {
    const current = (): boolean => attempt === this.#attempt && this.#state === State.recovering;
    const tail = await this.#fence.readTail(this.#manager);
    if (!current()) return;
    const durable = this.#durable;
    if (tail !== null && durable !== null && tail < durable) {
      if (this.#behind(durable, tail)) return;
    }
    const last = Math.max(tail ?? 0, durable ?? 0);
    if (durable !== null) {
      const compared = Math.min(last, this.#offered);
      for (let from = durable + 1; from <= compared; from += PUBLISH_VERIFY_READS) {
        const numbers = range(from, Math.min(from + PUBLISH_VERIFY_READS - 1, compared));
        const stored = await Promise.all(numbers.map((number) => this.#fence.read(this.#manager, number)));
        if (!current()) return;
        const differing = numbers.find((number, i) => {
          const payload = stored[i];
          return payload !== null && payload !== undefined && !same(payload, this.#entry(number).payload);
        });
        if (differing !== undefined && this.#differs(differing)) return;
      }
    }
    if (last > this.#offered) {
      const payload = await this.#fence.read(this.#manager, last);
      if (!current()) return;
      this.#ahead = payload === null ? null : { number: last, payload };
    }
    this.#state = State.flowing;
    if (durable === null) return;
    this.#advance(last);
    this.#sent = last;
    this.#sentBytes = 0;
    this.#send();
  }

  /** True: publishing ends. */
  #behind(needed: number, tail: number): boolean {
    const { stream, strict } = this.#fence;
    const what = `it ends at entry ${tail}, but entries up to ${needed} had been stored`;
    if (!strict) {
      this.#handlers.log('warn', { stream, tail, needed }, 'the stream lost entries');
      return false;
    }
    const remedy =
      'restore the stream from a backup that reaches that far, or start the partition from a snapshot that is older than what was lost: its decisions are then made and published again';
    this.#fail(new PublishRefusedError(stream, what, remedy));
    return true;
  }

  #differs(number: number): boolean {
    const { stream, strict } = this.#fence;
    if (!strict) {
      this.#handlers.log('warn', { stream, number }, 'the stream holds another entry under this number');
      return false;
    }
    this.#fail(
      new PublishRefusedError(
        stream,
        `entry ${number} is stored already, with other content than this node derived from the log`,
        "two nodes disagree, or the log or this node's data were changed: let one node with the right data own the partition, and restart this one from that node's snapshot",
      ),
    );
    return true;
  }

  #fail(error: Error): void {
    if (this.#state === State.stopped) return;
    this.close();
    setImmediate(() => this.#handlers.failed(error));
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
