/**
 * The messages of the decision stream. Text: `{"cursor":"…","decision":{…}}`, one decision per message, the stored JSON copied as it is.
 * MessagePack (subprotocol beckon.msgpack): `{cursor, decisions: […]}`, as many per message as fit.
 *
 * A frame is filled by append() until `full`, then taken by finish(); both kinds write through one scratch buffer that the next frame overwrites,
 * so what finish() returns must be sent, which copies it, before another frame is finished.
 */
import { Packr } from 'msgpackr';
import type { TailEntry } from './decision-tail.ts';

export interface DecisionFrame {
  readonly binary: boolean;
  /** Decisions in it. */
  readonly count: number;
  readonly full: boolean;
  append(entry: TailEntry): void;
  /** The message, with the cursor of this place; the frame is empty afterwards. */
  finish(place: ArrayLike<number>): Uint8Array;
  clear(): void;
}

/** Writes cursors: CursorCodec, GroupCursorCodec. */
export interface CursorWriter {
  /** Bytes that encodeInto may write at most. */
  readonly lengthMax: number;
  /** Writes the cursor of `place` as ASCII at `at`; returns where it ends. */
  encodeInto(place: ArrayLike<number>, target: Uint8Array, at: number): number;
}

/** Shared by all frames of a stream. */
export class FrameScratch {
  readonly codec: CursorWriter;
  #buffer: Buffer = Buffer.allocUnsafe(4096);

  constructor(codec: CursorWriter) {
    this.codec = codec;
  }

  /** At least so long; what was in it is lost. */
  room(bytes: number): Buffer {
    if (this.#buffer.length < bytes) this.#buffer = Buffer.allocUnsafe(bytes * 2);
    return this.#buffer;
  }
}

const textHead = Buffer.from('{"cursor":"');
const textMiddle = Buffer.from('","decision":');
const CLOSE_OBJECT = 0x7d;

export class TextFrame implements DecisionFrame {
  readonly binary = false;
  readonly #scratch: FrameScratch;
  #json: Uint8Array | null = null;

  constructor(scratch: FrameScratch) {
    this.#scratch = scratch;
  }

  get count(): number {
    return this.#json === null ? 0 : 1;
  }
  get full(): boolean {
    return this.#json !== null;
  }
  append(entry: TailEntry): void {
    this.#json = entry.decision.json;
  }
  clear(): void {
    this.#json = null;
  }

  finish(next: ArrayLike<number>): Uint8Array {
    const json = this.#json as Uint8Array;
    const { codec } = this.#scratch;
    const target = this.#scratch.room(textHead.length + codec.lengthMax + textMiddle.length + json.length + 1);
    target.set(textHead);
    let at = codec.encodeInto(next, target, textHead.length);
    target.set(textMiddle, at);
    at += textMiddle.length;
    target.set(json, at);
    at += json.length;
    target[at++] = CLOSE_OBJECT;
    this.clear();
    return target.subarray(0, at);
  }
}

const packr = new Packr({ useRecords: false, variableMapSize: true });
const mapHead = Buffer.from([0x82, 0xa6, ...Buffer.from('cursor'), 0xda]);
const listHead = Buffer.from([0xa9, ...Buffer.from('decisions'), 0xdd]);
const LENGTH_BYTES = 2;
const COUNT_BYTES = 4;

export class MessagePackFrame implements DecisionFrame {
  readonly binary = true;
  readonly #scratch: FrameScratch;
  readonly #bytesMax: number;
  #decisions: Uint8Array[] = [];
  #bytes = 0;

  /** Takes decisions until it has `bytesMax` bytes or more. */
  constructor(scratch: FrameScratch, bytesMax: number) {
    this.#scratch = scratch;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#decisions.length;
  }
  get full(): boolean {
    return this.#bytes >= this.#bytesMax;
  }
  append(entry: TailEntry): void {
    entry.messagePack ??= fromJson(entry.decision.json);
    this.#decisions.push(entry.messagePack);
    this.#bytes += entry.messagePack.length;
  }
  clear(): void {
    this.#decisions = [];
    this.#bytes = 0;
  }

  finish(next: ArrayLike<number>): Uint8Array {
    const { codec } = this.#scratch;
    const heads = mapHead.length + LENGTH_BYTES + codec.lengthMax + listHead.length + COUNT_BYTES;
    const target = this.#scratch.room(heads + this.#bytes);
    target.set(mapHead);
    const cursorStart = mapHead.length + LENGTH_BYTES;
    let at = codec.encodeInto(next, target, cursorStart);
    target.writeUInt16BE(at - cursorStart, mapHead.length);
    target.set(listHead, at);
    at = target.writeUInt32BE(this.#decisions.length, at + listHead.length);
    for (const decision of this.#decisions) {
      target.set(decision, at);
      at += decision.length;
    }
    this.clear();
    return target.subarray(0, at);
  }
}

/** In a buffer of its own: msgpackr packs into one that it uses again. */
function fromJson(json: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(
    packr.pack(JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.length).toString('utf8'))),
  );
}
