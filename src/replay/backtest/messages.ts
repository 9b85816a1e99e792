/**
 * What partitions say to each other in a world that goes another way than the log: on its way from the record that sent it to its receiver. A message that was sent before the two worlds parted is
 * in the log alone; of what is sent from then on, everything not yet taken is here.
 *
 * Law: messages from one partition to another are taken in the order of their numbers, without gaps (see machine/messages.ts).
 */
import { MESSAGES_PER_RECORD_MAX } from '../../constants.ts';
import type { OutgoingMessage } from '../../machine/effects.ts';
import type { MessageRecord } from '../../protocol/partition-message.ts';
import { assert } from '../../stdx/assert.ts';

const decoder = new TextDecoder();

/** Of one partition to another. */
interface Channel {
  readonly from: number;
  readonly to: number;
  /** Not taken yet, in the order of their numbers. */
  messages: OutgoingMessage[];
  /** The last one that the receiver has taken. */
  taken: number;
}

export interface Delivery {
  readonly to: number;
  readonly record: MessageRecord;
}

export class MessagesUnderWay {
  readonly #channels = new Map<string, Channel>();
  readonly #takenAtStart: (from: number, to: number) => number;
  /** Those with messages, in the order in which they got them. */
  readonly #waiting = new Set<Channel>();

  /** `takenAtStart`: the last one that the receiver has taken by now. */
  constructor(takenAtStart: (from: number, to: number) => number) {
    this.#takenAtStart = takenAtStart;
  }

  sent(from: number, messages: readonly OutgoingMessage[]): void {
    for (const message of messages) {
      const channel = this.#channel(from, message.to);
      // It was taken out of the log, which was ahead: clocks of several nodes.
      if (message.number <= channel.taken) continue;
      channel.messages.push(message);
      this.#waiting.add(channel);
    }
  }

  /** The receiver has taken everything up to this number. */
  taken(from: number, to: number, number: number): void {
    const channel = this.#channel(from, to);
    channel.taken = Math.max(channel.taken, number);
    channel.messages = channel.messages.filter((message) => message.number > channel.taken);
    if (channel.messages.length === 0) this.#waiting.delete(channel);
  }

  takenBy(from: number, to: number): number {
    return this.#channel(from, to).taken;
  }

  /** What can be delivered next, and counts as taken; null: nothing is under way, or the one before it is still in the log. */
  next(): Delivery | null {
    for (const channel of this.#waiting) {
      const { from, to, messages, taken } = channel;
      const first = (messages[0] as OutgoingMessage).number;
      assert(first > taken, 'what was taken is not under way');
      if (first !== taken + 1) continue;
      const some = messages.slice(0, MESSAGES_PER_RECORD_MAX);
      this.taken(from, to, taken + some.length);
      return { to, record: { from, first, messages: some.map(({ message }) => message) } };
    }
    return null;
  }

  #channel(from: number, to: number): Channel {
    const name = `${from}-${to}`;
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = { from, to, messages: [], taken: this.#takenAtStart(from, to) };
      this.#channels.set(name, channel);
    }
    return channel;
  }
}

/** Of a record in the log; null: it is none (the machine has made a dead letter of it). */
export function readMessageRecord(payload: Uint8Array): MessageRecord | null {
  try {
    const record = JSON.parse(decoder.decode(payload)) as Partial<MessageRecord> | null;
    const { from, first, messages } = record ?? {};
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(first) || !Array.isArray(messages)) return null;
    return record as MessageRecord;
  } catch {
    return null;
  }
}

/** Both worlds said the same. */
export function sameMessages(before: readonly OutgoingMessage[], after: readonly OutgoingMessage[]): boolean {
  if (before.length !== after.length) return false;
  return before.length === 0 || JSON.stringify(before) === JSON.stringify(after);
}
