/**
 * One message in the making: an array of events, as JSON or as plain MessagePack (array 32, so that the count can be written last).
 */
import { Packr } from 'msgpackr';
import { assert } from '../stdx/assert.ts';
import { ByteWriter } from '../stdx/bytes.ts';
import type { Delivery } from './event.ts';
import type { Plain } from './plain.ts';

export type BatchFormat = 'json' | 'msgpack';

/** Brackets of JSON and the head of MessagePack are no longer. */
export const BATCH_OVERHEAD_BYTES = 5;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const COMMA = 0x2c;
const ARRAY_32 = 0xdd;

const packr = new Packr({ useRecords: false, variableMapSize: true });

/** The bytes of one event. */
export function encodeEvent(event: Plain, format: BatchFormat): Uint8Array {
  return format === 'json' ? Buffer.from(JSON.stringify(event)) : packr.pack(event);
}

export class Batch {
  readonly partition: number;
  /** `Nats-Msg-Id`: the same at every attempt. */
  readonly id: string;
  /** When it is sent at the latest, if the lane is free: monotonic milliseconds. */
  readonly dueAt: number;
  /** Of all its events. */
  readonly stored: Promise<Delivery>;
  /** The same without the outcome: waiting for it does not count as having looked at a failure. */
  readonly settled: Promise<void>;
  events = 0;
  /** Without what holds them together. */
  eventBytes = 0;
  #settle!: (outcome: Delivery | Error) => void;
  readonly #format: BatchFormat;
  readonly #writer = new ByteWriter();
  #closed = false;

  constructor(partition: number, id: string, format: BatchFormat, dueAt: number) {
    this.partition = partition;
    this.id = id;
    this.dueAt = dueAt;
    this.#format = format;
    let settled: () => void;
    this.settled = new Promise((resolve) => {
      settled = resolve;
    });
    this.stored = new Promise((resolve, reject) => {
      this.#settle = (outcome) => {
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
        settled();
      };
    });
    if (format === 'json') this.#writer.u8(OPEN_LIST);
    else this.#writer.raw(Uint8Array.of(ARRAY_32, 0, 0, 0, 0));
  }

  /** Of the message as it is. */
  get bytes(): number {
    return this.#writer.length;
  }

  add(event: Uint8Array): void {
    assert(!this.#closed, 'a batch that was sent takes no more events');
    if (this.#format === 'json' && this.events > 0) this.#writer.u8(COMMA);
    this.#writer.raw(event);
    this.events += 1;
    this.eventBytes += event.length;
  }

  settle(outcome: Delivery | Error): void {
    this.#settle(outcome);
  }

  /** The message. Nothing can be added from now on. */
  payload(): Uint8Array {
    if (!this.#closed) {
      this.#closed = true;
      if (this.#format === 'json') this.#writer.u8(CLOSE_LIST);
      else new DataView(this.#writer.bytes().buffer).setUint32(1, this.events);
    }
    return this.#writer.bytes();
  }
}
