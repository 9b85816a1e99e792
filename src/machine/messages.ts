/**
 * What other partitions say, and what is said to them. Messages from one partition to another are numbered 1, 2, 3 … in the state of both: the receiver takes each
 * once, in that order, whatever comes again. A record's payload is data: all of it is checked before any of it is taken, and what is wrong with it is told.
 */
import { MESSAGE_KEY_LENGTH_MAX, MESSAGES_PER_RECORD_MAX } from '../constants.ts';
import type { LeaseMessage, MessageRecord, PartitionMessage } from '../protocol/partition-message.ts';
import { RejectReason } from '../protocol/rejection.ts';
import type { Effects } from './effects.ts';
import { describeValue, type Fault, quoted } from './fault.ts';
import { isLeaseKey } from './leases/lease-key.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** By partition: the last number sent to it, and the last taken from it. */
export interface MessagesImage {
  readonly sent: readonly number[];
  readonly taken: readonly number[];
}

/** Who acts on messages. */
export interface MessageReceiver {
  /** Such a message may come from that partition. */
  belongs(from: number, message: PartitionMessage): boolean;
  handle(from: number, message: PartitionMessage): void;
}

export class Messages {
  readonly #partition: number;
  readonly #partitions: number;
  readonly #fault: Fault;
  readonly #sent: number[];
  readonly #taken: number[];
  #effects: Effects | null = null;

  constructor(partition: number, partitions: number, fault: Fault) {
    this.#partition = partition;
    this.#partitions = partitions;
    this.#fault = fault;
    this.#sent = new Array<number>(partitions).fill(0);
    this.#taken = new Array<number>(partitions).fill(0);
  }

  /** From here on what is sent is an effect of this record. */
  open(effects: Effects): void {
    this.#effects = effects;
  }

  /** To another partition. */
  send(to: number, message: PartitionMessage): void {
    const number = this.sentTo(to) + 1;
    this.#sent[to] = number;
    (this.#effects as Effects).messages.push({ to, number, message });
  }

  /** Messages to that partition so far; the last one has this number. */
  sentTo(to: number): number {
    return this.#sent[to] as number;
  }

  /** Messages of that partition that were taken; the last one has this number. */
  takenFrom(from: number): number {
    return this.#taken[from] as number;
  }

  /** Takes what is new in a record's payload. False: nothing was taken, and the fault says why. */
  take(payload: Uint8Array, receiver: MessageReceiver): boolean {
    const record = this.#read(payload);
    if (record === null) return false;
    const { from, first, messages } = record;
    const taken = this.#taken[from] as number;
    if (first > taken + 1)
      return this.#wrong(`first: ${first} of partition ${from} does not follow ${taken}, the last one taken`);
    const stranger = messages.findIndex((message) => !receiver.belongs(from, message));
    if (stranger >= 0) {
      this.#fault.set(
        RejectReason.wrongPartition,
        `messages.${stranger}: partition ${from} has no such thing to say to ${this.#partition} about this key`,
      );
      return false;
    }
    for (const message of messages.slice(taken + 1 - first)) {
      this.#taken[from] = (this.#taken[from] as number) + 1;
      (this.#effects as Effects).messagesTaken++;
      receiver.handle(from, message);
    }
    return true;
  }

  export(): MessagesImage {
    return { sent: this.#sent, taken: this.#taken };
  }

  /** Of a new object. The image is our own, with one number for each partition. */
  import({ sent, taken }: MessagesImage): void {
    for (let partition = 0; partition < this.#partitions; partition++) {
      this.#sent[partition] = sent[partition] as number;
      this.#taken[partition] = taken[partition] as number;
    }
  }

  #read(payload: Uint8Array): MessageRecord | null {
    let value: unknown;
    try {
      value = JSON.parse(decoder.decode(payload));
    } catch {
      this.#fault.set(RejectReason.syntax, 'messages between partitions are JSON: {from, first, messages}');
      return null;
    }
    const { from, first, messages } = fieldsOf(value);
    if (!isCount(from) || from >= this.#partitions || from === this.#partition)
      return this.#none(`from: expected another of ${this.#partitions} partitions, got ${describeValue(from)}`);
    if (!isCount(first) || first === 0)
      return this.#none(`first: expected a number from 1 on, got ${describeValue(first)}`);
    if (!Array.isArray(messages) || messages.length === 0 || messages.length > MESSAGES_PER_RECORD_MAX)
      return this.#none(`messages: expected a list of 1 to ${MESSAGES_PER_RECORD_MAX}, got ${describeValue(messages)}`);
    const read: PartitionMessage[] = [];
    for (const [index, item] of messages.entries()) {
      const message = this.#readMessage(item, index);
      if (message === null) return null;
      read.push(message);
    }
    return { from, first, messages: read };
  }

  #readMessage(item: unknown, index: number): LeaseMessage | null {
    const { kind, key, units, undecided, round, version } = fieldsOf(item);
    const place = `messages.${index}`;
    if (typeof key !== 'string' || key.length > MESSAGE_KEY_LENGTH_MAX || !isLeaseKey(key))
      return this.#none(`${place}.key: expected the name of a budget or limit, got ${describeValue(key)}`);
    const expected = NUMBERS[kind as LeaseMessage['kind']];
    if (typeof kind !== 'string' || expected === undefined || !Object.hasOwn(NUMBERS, kind))
      return this.#none(
        `${place}.kind: ${typeof kind === 'string' ? quoted(kind) : describeValue(kind)} is no kind of message`,
      );
    const numbers: Record<string, unknown> = { units, undecided, round, version };
    for (const name of expected) {
      if (!isCount(numbers[name]))
        return this.#none(`${place}.${name}: expected a whole number from 0 on, got ${describeValue(numbers[name])}`);
    }
    return { kind, key, ...Object.fromEntries(expected.map((name) => [name, numbers[name]])) } as LeaseMessage;
  }

  #none(error: string): null {
    this.#wrong(error);
    return null;
  }

  #wrong(error: string): false {
    return this.#fault.set(RejectReason.fieldType, error);
  }
}

/** What each kind says beside its key. */
const NUMBERS: Readonly<Record<LeaseMessage['kind'], readonly string[]>> = {
  ask: ['units', 'version'],
  grant: ['units'],
  deny: [],
  available: [],
  recall: ['round'],
  return: ['units', 'undecided', 'round'],
};

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
