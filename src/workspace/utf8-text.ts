/** Bytes of a file → text, strictly: a letter that some other encoding wrote must not reach a customer as U+FFFD. */
import { isUtf8 } from 'node:buffer';

const NEWLINE = 0x0a;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export interface NotUtf8 {
  /** 1-based, as editors count; column in code points. Of the first byte that belongs to no character. */
  readonly line: number;
  readonly column: number;
  readonly byte: number;
}

/** With its byte order mark, where it has one. */
export function readUtf8(bytes: Uint8Array): string | NotUtf8 {
  return isUtf8(bytes) ? decoder.decode(bytes) : firstFault(bytes);
}

/** `bytes` are not UTF-8. */
function firstFault(bytes: Uint8Array): NotUtf8 {
  let line = 1;
  let column = 1;
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  for (;;) {
    const byte = bytes[at] as number;
    const length = sequenceLength(byte);
    if (!isUtf8(bytes.subarray(at, at + length))) return { line, column, byte };
    at += length;
    column++;
    if (byte !== NEWLINE) continue;
    line++;
    column = 1;
  }
}

/** By the first byte of a character; 1 for one that begins none. */
function sequenceLength(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
