/**
 * Strings by their UTF-8 bytes. Most strings of events are some of few (stores, channels, articles): those are found
 * by hash, compared byte by byte and shared, so that they cost no garbage. Bounded: each hash has one place, and the
 * newest string takes it. What comes out depends on the bytes alone.
 */
import { EVENT_TEXT_KEPT_BYTES_MAX, EVENT_TEXTS_KEPT } from '../../constants.ts';
import { asciiText, hashRange, type InputBytes, isAscii, sameRange } from './input-bytes.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Words are read whole, also at the end. */
const WORD = 4;
/** Measured: the decoder's price is in the call, some 100 ns; short ASCII is cheaper to put together. */
const ASSEMBLED_LENGTH_MAX = 24;

export class TextCache {
  readonly #input: InputBytes;
  readonly #bytes = new Uint8Array(EVENT_TEXTS_KEPT * EVENT_TEXT_KEPT_BYTES_MAX + WORD);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #lengths = new Uint8Array(EVENT_TEXTS_KEPT);
  readonly #texts: string[] = new Array<string>(EVENT_TEXTS_KEPT).fill('');

  constructor(input: InputBytes) {
    this.#input = input;
  }

  /** The string at `start … end` of the input; null where that is not UTF-8. */
  get(start: number, end: number): string | null {
    const length = end - start;
    if (length > EVENT_TEXT_KEPT_BYTES_MAX) return this.#make(start, end);
    const { view } = this.#input;
    const place = hashRange(view, start, end) & (EVENT_TEXTS_KEPT - 1);
    const from = place * EVENT_TEXT_KEPT_BYTES_MAX;
    if (this.#lengths[place] === length && sameRange(view, start, this.#view, from, length)) {
      return this.#texts[place] as string;
    }
    const text = this.#make(start, end);
    if (text === null) return null;
    this.#lengths[place] = length;
    const { bytes } = this.#input;
    for (let i = 0; i < length; i++) this.#bytes[from + i] = bytes[start + i] as number;
    this.#texts[place] = text;
    return text;
  }

  #make(start: number, end: number): string | null {
    const { bytes, view } = this.#input;
    if (end - start <= ASSEMBLED_LENGTH_MAX && isAscii(view, start, end)) return asciiText(bytes, start, end);
    try {
      return decoder.decode(bytes.subarray(start, end));
    } catch {
      return null;
    }
  }
}
