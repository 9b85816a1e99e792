import { assert } from './assert.ts';

const encoder = new TextEncoder();

/** An append-only little-endian buffer that grows by doubling; `bytes()` is a view that the next `clear` invalidates. */
export class ByteWriter {
  #buffer: Uint8Array;
  #view: DataView;
  length = 0;

  constructor(capacity = 4096) {
    this.#buffer = new Uint8Array(capacity);
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** Makes room for `count` more bytes and returns the offset at which they start. */
  reserve(count: number): number {
    const start = this.length;
    const need = start + count;
    if (need > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(need, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, start));
      this.#buffer = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.length = need;
    return start;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.#buffer[at] = value;
  }
  u16(value: number): void {
    const at = this.reserve(2);
    this.#view.setUint16(at, value, true);
  }
  u32(value: number): void {
    const at = this.reserve(4);
    this.#view.setUint32(at, value, true);
  }
  f64(value: number): void {
    const at = this.reserve(8);
    this.#view.setFloat64(at, value, true);
  }
  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }
  /** UTF-8 behind a u32 length in bytes. */
  text(text: string): void {
    const lengthAt = this.reserve(4);
    const start = this.reserve(text.length * 3);
    const { written } = encoder.encodeInto(text, this.#buffer.subarray(start));
    this.length = start + written;
    this.#view.setUint32(lengthAt, written, true);
  }
  setU8(at: number, value: number): void {
    assert(at < this.length, 'ByteWriter.setU8: out of range');
    this.#buffer[at] = value;
  }
  setU32(at: number, value: number): void {
    assert(at + 4 <= this.length, 'ByteWriter.setU32: out of range');
    this.#view.setUint32(at, value, true);
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }
  copy(): Uint8Array {
    return this.#buffer.slice(0, this.length);
  }
  clear(): void {
    this.length = 0;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Reads what ByteWriter wrote. Reading past the end throws RangeError: callers that read untrusted bytes check a CRC first. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.offset;
  }
  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }
  f64(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }
  /** A view, not a copy. */
  raw(count: number): Uint8Array {
    const at = this.#advance(count);
    return this.#bytes.subarray(at, at + count);
  }
  text(): string {
    return decoder.decode(this.raw(this.u32()));
  }

  #advance(count: number): number {
    const at = this.offset;
    if (at + count > this.#bytes.length)
      throw new RangeError(`read past the end: ${at} + ${count} > ${this.#bytes.length}`);
    this.offset = at + count;
    return at;
  }
}
