/**
 * The messages of one partition on their way to others. Per receiver one record is under way at a time, and everything that gathers meanwhile goes into the next: so
 * they arrive in the order of their numbers, however often a record has to be sent again, and what is under way is bounded.
 *
 * Order laws:
 *  - add() is given effects of durable records only, in order; replay derives again what a snapshot does not cover, and it is sent again: the receiver passes over repeats;
 *  - a snapshot is committed only once everything that its position sent is `delivered`, because replay no longer derives that then.
 */
import { MESSAGES_PER_RECORD_MAX, OUTBOX_MESSAGES_MAX, OUTBOX_RETRY_MS } from '../constants.ts';
import type { OutgoingMessage } from '../machine/effects.ts';
import type { MessageRecord } from '../protocol/partition-message.ts';
import { assert } from '../stdx/assert.ts';

/**
 * Puts a record into the receiver's log: resolves once it is durable there. After a rejection it may be there or not, and comes again with the same `id`, which names its
 * sender and content.
 */
export type Deliver = (to: number, payload: Uint8Array, id: string) => Promise<void>;

/** The last numbers that were sent, by receiver, at one moment. */
export type SentMark = ReadonlyMap<number, number>;

interface Receiver {
  /** From the first that is not delivered on; the first `underWay` of them make up the record that is. */
  readonly messages: OutgoingMessage[];
  underWay: number;
  last: number;
  delivered: number;
}

const encoder = new TextEncoder();

export class Outbox {
  readonly #partition: number;
  readonly #receivers = new Map<number, Receiver>();
  readonly #retries = new Set<NodeJS.Timeout>();
  #deliver: Deliver | null = null;
  #onDelivered: () => void = () => {};
  #waiting = 0;
  #open = true;

  constructor(partition: number) {
    this.#partition = partition;
  }

  /** From now on messages are sent; before, during replay, they gather. `onDelivered` is called whenever there is room again, or a mark may be reached. */
  start(deliver: Deliver, onDelivered: () => void): void {
    this.#deliver = deliver;
    this.#onDelivered = onDelivered;
    this.flush();
  }

  /** False: too much waits to be delivered; the partition takes no more events until some of it is. */
  get hasRoom(): boolean {
    return this.#waiting < OUTBOX_MESSAGES_MAX;
  }

  /** Nothing is, or will be, under way. */
  get settled(): boolean {
    return this.#waiting === 0 || this.#deliver === null || !this.#open;
  }

  add(messages: readonly OutgoingMessage[]): void {
    if (!this.#open) return;
    for (const message of messages) {
      const { to, number } = message;
      let receiver = this.#receivers.get(to);
      if (receiver === undefined) {
        // What came before the first one here was delivered before the snapshot that this run began with became valid.
        receiver = { messages: [], underWay: 0, last: number - 1, delivered: number - 1 };
        this.#receivers.set(to, receiver);
      }
      assert(number === receiver.last + 1, `message ${number} to partition ${to} cannot follow ${receiver.last}`);
      receiver.last = number;
      receiver.messages.push(message);
      this.#waiting += 1;
    }
  }

  /** Sends on what was added since. */
  flush(): void {
    if (this.#deliver === null || this.#waiting === 0) return;
    for (const [to, receiver] of this.#receivers) this.#send(this.#deliver, to, receiver);
  }

  mark(): SentMark {
    return new Map([...this.#receivers].map(([to, { last }]) => [to, last]));
  }

  /** Whether everything up to the mark is durable in its receivers' logs. */
  delivered(mark: SentMark): boolean {
    for (const [to, last] of mark) {
      if ((this.#receivers.get(to) as Receiver).delivered < last) return false;
    }
    return true;
  }

  /** Nothing more is sent, and what is not delivered never is by this one. */
  close(): void {
    this.#open = false;
    for (const retry of this.#retries) clearTimeout(retry);
    this.#retries.clear();
  }

  #send(deliver: Deliver, to: number, receiver: Receiver): void {
    if (!this.#open || receiver.underWay > 0 || receiver.messages.length === 0) return;
    const under = receiver.messages.slice(0, MESSAGES_PER_RECORD_MAX);
    const first = (under[0] as OutgoingMessage).number;
    const record: MessageRecord = { from: this.#partition, first, messages: under.map(({ message }) => message) };
    receiver.underWay = under.length;
    // With the last number too: what is sent after a restart may be cut up otherwise.
    const id = `message-${this.#partition}-${to}-${first}-${first + under.length - 1}`;
    const payload = encoder.encode(JSON.stringify(record));
    const attempt = (): void => {
      deliver(to, payload, id).then(
        () => this.#delivered(deliver, to, receiver),
        () => this.#retry(attempt),
      );
    };
    attempt();
  }

  #delivered(deliver: Deliver, to: number, receiver: Receiver): void {
    const count = receiver.underWay;
    receiver.messages.splice(0, count);
    receiver.underWay = 0;
    receiver.delivered += count;
    this.#waiting -= count;
    this.#send(deliver, to, receiver);
    this.#onDelivered();
  }

  #retry(attempt: () => void): void {
    if (!this.#open) return;
    const timer = setTimeout(() => {
      this.#retries.delete(timer);
      attempt();
    }, OUTBOX_RETRY_MS);
    this.#retries.add(timer);
  }
}
