/**
 * Cuts a byte stream into lines with bounded memory: a line longer than `lineBytesMax` is skipped to its end and reported, not gathered. Lines come without
 * their line ending (`\n` or `\r\n`); blank ones are left out, but count.
 */

export interface NdjsonLine {
  /** Counted from 1. */
  readonly number: number;
  /** null: longer than the limit. A view that stays valid. */
  readonly bytes: Uint8Array | null;
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

export async function* ndjsonLines(
  source: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<NdjsonLine[]> {
  let number = 1;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let tooLong = false;

  const finish = (tail: Uint8Array): NdjsonLine | null => {
    const long = tooLong || pendingBytes + tail.length > lineBytesMax;
    const bytes = long ? null : trimEnd(pending.length === 0 ? tail : Buffer.concat([...pending, tail]));
    pending = [];
    pendingBytes = 0;
    tooLong = false;
    return bytes === null || !isBlank(bytes) ? { number: number++, bytes } : skipBlank();
  };
  const skipBlank = (): null => {
    number++;
    return null;
  };

  for await (const chunk of source) {
    const lines: NdjsonLine[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = finish(chunk.subarray(start, end));
      if (line) lines.push(line);
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    pendingBytes += rest.length;
    if (pendingBytes > lineBytesMax) {
      tooLong = true;
      pending = [];
    } else if (rest.length > 0) pending.push(rest);
    if (lines.length > 0) yield lines;
  }
  if (pendingBytes > 0) {
    const last = finish(new Uint8Array(0));
    if (last) yield [last];
  }
}

function trimEnd(line: Uint8Array): Uint8Array {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09);
}
