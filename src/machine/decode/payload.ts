/**
 * The message of a producer, cut into events: JSON or MessagePack, one event or an array
 * of them. A bad element never stops its neighbours: JSON.parse reads the whole first, and only where that fails is the
 * text scanned element by element. In MessagePack an element that cannot be read hides where the next one begins: it is
 * rejected together with everything behind it.
 */
import { EVENT_BYTES_MAX, EVENT_DEPTH_MAX, RECORD_BYTES_MAX } from '../../constants.ts';
import { isMessagePack } from '../../protocol/payload-format.ts';
import { RejectReason } from '../../protocol/rejection.ts';
import { assert } from '../../stdx/assert.ts';
import type { Fault } from '../fault.ts';
import { JsonProblem, JsonScanner } from './json-text.ts';
import { MessagePackReader, unreadable } from './message-pack.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const noBytes = new Uint8Array(0);
const noValues: readonly unknown[] = [];

/** In the array of parsed values: this element is not JSON. */
const broken: unique symbol = Symbol('broken');

export class Payload {
  readonly fault: Fault;
  /** Index of the current event within the message. */
  index = -1;
  /** The current event, decoded; undefined where `ok` is false. */
  value: unknown = undefined;
  /** False: the current event cannot be read; `fault` says why. */
  ok = true;
  #bytes: Uint8Array = noBytes;
  #binary = false;
  #count = 0;
  #values: readonly unknown[] = noValues;
  /** Byte ranges of a JSON message's events, start and end in turn; found when first needed. */
  readonly #ranges: number[] = [];
  /** MessagePack: where the current event begins. */
  #start = 0;
  readonly #json = new JsonScanner();
  readonly #messagePack: MessagePackReader;

  constructor(fault: Fault) {
    this.fault = fault;
    this.#messagePack = new MessagePackReader(fault);
  }

  /** `from`: index of the event that `next` is to give first; those before it must be readable. */
  open(bytes: Uint8Array, from = 0): void {
    this.#bytes = bytes;
    this.index = from - 1;
    this.#ranges.length = 0;
    this.#values = noValues;
    this.#binary = isMessagePack(bytes);
    if (bytes.length > RECORD_BYTES_MAX) this.#count = 1;
    else if (this.#binary) this.#openMessagePack(bytes, from);
    else this.#openJson(bytes);
  }

  /** Moves to the next event; false at the end. */
  next(): boolean {
    if (++this.index >= this.#count) {
      this.#values = noValues;
      this.value = undefined;
      return false;
    }
    this.value = undefined;
    if (this.#bytes.length > RECORD_BYTES_MAX) {
      this.ok = this.fault.set(
        RejectReason.tooLarge,
        `the message has ${this.#bytes.length} bytes, ${RECORD_BYTES_MAX} are allowed`,
      );
    } else if (this.#binary) {
      this.ok = this.#nextMessagePack();
    } else {
      this.ok = this.#nextJson();
    }
    return true;
  }

  /**
   * The current event's own bytes, for the dead letter; a copy. An event of a MessagePack message with records does not
   * stand alone and is given as JSON; one that could not be read comes with all that is behind it.
   */
  raw(): Uint8Array {
    if (this.#bytes.length > RECORD_BYTES_MAX) return new Uint8Array(this.#bytes);
    if (this.#binary) {
      if (this.ok && this.#messagePack.usesRecords) return encoder.encode(JSON.stringify(this.value));
      return this.#copy(this.#start, this.ok ? this.#messagePack.at : this.#bytes.length);
    }
    this.#findRanges();
    return this.#copy(this.#ranges[this.index * 2] ?? 0, this.#ranges[this.index * 2 + 1] ?? this.#bytes.length);
  }

  /** Not `slice`: on a Buffer that is a view. */
  #copy(start: number, end: number): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(start, end));
  }

  #openMessagePack(bytes: Uint8Array, from: number): void {
    this.#messagePack.open(bytes);
    const count = this.#messagePack.arrayHeader();
    this.#count = count < 0 ? 1 : Math.min(count, bytes.length);
    for (let i = 0; i < from; i++) {
      const skipped = this.#messagePack.value();
      assert(skipped !== unreadable, 'events that are left out can be read');
    }
  }

  #nextMessagePack(): boolean {
    const reader = this.#messagePack;
    this.#start = reader.at;
    this.value = reader.value();
    if (this.value === unreadable) {
      if (this.#count > this.index + 1)
        this.fault.error += `; the ${this.#count - this.index - 1} events behind it could not be read either`;
      this.#count = this.index + 1;
      return false;
    }
    const last = this.index + 1 === this.#count;
    if (last && reader.at < this.#bytes.length) {
      return this.fault.set(
        RejectReason.syntax,
        `not MessagePack that Beckon reads: ${this.#bytes.length - reader.at} bytes behind the last value`,
      );
    }
    return this.#fits(reader.at - this.#start);
  }

  #openJson(bytes: Uint8Array): void {
    try {
      const parsed: unknown = JSON.parse(decoder.decode(bytes));
      this.#values = Array.isArray(parsed) ? parsed : [parsed];
    } catch {
      this.#values = this.#parseElements();
    }
    this.#count = this.#values.length;
  }

  #nextJson(): boolean {
    const value = this.#values[this.index];
    if (value === broken) {
      this.#explain();
      return false;
    }
    this.value = value;
    if (this.#bytes.length <= EVENT_BYTES_MAX) return true;
    this.#findRanges();
    return this.#fits((this.#ranges[this.index * 2 + 1] as number) - (this.#ranges[this.index * 2] as number));
  }

  #fits(length: number): boolean {
    if (length <= EVENT_BYTES_MAX) return true;
    return this.fault.set(RejectReason.tooLarge, `the event has ${length} bytes, ${EVENT_BYTES_MAX} are allowed`);
  }

  /** The slow way: every element that is JSON by itself, `broken` in place of the others. */
  #parseElements(): unknown[] {
    this.#findRanges();
    const values: unknown[] = [];
    for (let i = 0; i < this.#ranges.length; i += 2) {
      try {
        values.push(JSON.parse(decoder.decode(this.#bytes.subarray(this.#ranges[i], this.#ranges[i + 1]))));
      } catch {
        values.push(broken);
      }
    }
    return values;
  }

  #findRanges(): void {
    const scanner = this.#json;
    const ranges = this.#ranges;
    if (ranges.length > 0) return;
    scanner.open(this.#bytes);
    scanner.skipSpace();
    const isList = scanner.peek() === 0x5b;
    if (!isList) {
      ranges.push(scanner.at, this.#bytes.length);
      return;
    }
    scanner.at++;
    scanner.skipSpace();
    if (scanner.peek() === 0x5d) return;
    for (;;) {
      scanner.skipSpace();
      const start = scanner.at;
      const whole = scanner.value() === JsonProblem.none;
      let end = scanner.at;
      scanner.skipSpace();
      if (whole && scanner.peek() < 0) {
        // The list is never closed: its elements count, and what is missing becomes one that is not JSON.
        ranges.push(start, end, this.#bytes.length, this.#bytes.length);
        return;
      }
      if (!whole || (scanner.peek() !== 0x2c && scanner.peek() !== 0x5d)) {
        const ended = scanner.skipElement(start);
        end = scanner.at;
        if (!ended) {
          ranges.push(start, this.#bytes.length);
          return;
        }
        while (end > start && isSpace(this.#bytes[end - 1] as number)) end--;
      }
      ranges.push(start, end);
      if (scanner.peek() === 0x5d) break;
      scanner.at++;
    }
    scanner.at++;
    scanner.skipSpace();
    // What stands behind the list belongs to no event: it becomes one that is not JSON.
    if (scanner.at < this.#bytes.length) ranges.push(scanner.at, this.#bytes.length);
  }

  /** Says what is wrong with a broken element, by scanning it. */
  #explain(): void {
    const start = this.#ranges[this.index * 2] as number;
    const end = this.#ranges[this.index * 2 + 1] as number;
    const scanner = this.#json;
    scanner.open(this.#bytes.subarray(start, end));
    const problem = scanner.value();
    if (problem === JsonProblem.depth) {
      this.fault.set(RejectReason.tooDeep, `nested deeper than ${EVENT_DEPTH_MAX} levels`);
      return;
    }
    if (problem === JsonProblem.none) {
      scanner.skipSpace();
      if (scanner.peek() < 0) {
        this.fault.set(RejectReason.syntax, 'not UTF-8');
        return;
      }
    }
    const at = start + scanner.at;
    const c = this.#bytes[at] ?? -1;
    const got =
      c < 0
        ? 'the text ends'
        : c >= 0x20 && c < 0x7f
          ? `unexpected ${JSON.stringify(String.fromCharCode(c))}`
          : `unexpected byte 0x${c.toString(16)}`;
    this.fault.set(RejectReason.syntax, `not JSON: ${got} at byte ${at}`);
  }
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}
