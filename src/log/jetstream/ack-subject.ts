/**
 * Reads the reply subject of a message delivered by JetStream, which holds where it stands in its stream:
 *
 *     $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<timestamp, ns>.<pending>
 *     $JS.ACK.<domain>.<account>.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<timestamp, ns>.<pending>[.<token>]
 *
 * Names differ between consumers, never between messages of one: they are walked over once, and skipped from then on.
 */
const DOT = 0x2e;
const ZERO = 0x30;
const TOKENS_WITHOUT_DOMAIN = 9;
/** Tokens before <delivered>. */
const HEAD_TOKENS = 4;
const NANOSECOND_DIGITS = 6;

export class AckSubject {
  /** Where the message stands in its stream. */
  seq = 0;
  /** JetStream's timestamp, epoch milliseconds. */
  tsMs = 0;
  #numbersAt = 0;

  /** False if it is no such subject. */
  read(subject: Uint8Array): boolean {
    if (this.#numbersAt === 0 && !this.#findNumbers(subject)) return false;
    let at = this.#numbersAt;
    if (subject[at - 1] !== DOT) return false;
    at = skipToken(subject, at);
    let seq = 0;
    for (; at < subject.length && subject[at] !== DOT; at++) seq = seq * 10 + ((subject[at] as number) - ZERO);
    at = skipToken(subject, at + 1);
    const end = skipToken(subject, at) - 1 - NANOSECOND_DIGITS;
    let ts = 0;
    for (; at < end; at++) ts = ts * 10 + ((subject[at] as number) - ZERO);
    this.seq = seq;
    this.tsMs = ts;
    return seq > 0 && ts > 0;
  }

  #findNumbers(subject: Uint8Array): boolean {
    let tokens = 1;
    for (const byte of subject) if (byte === DOT) tokens++;
    if (tokens < TOKENS_WITHOUT_DOMAIN || subject[0] !== 0x24) return false;
    let skip = tokens === TOKENS_WITHOUT_DOMAIN ? HEAD_TOKENS : HEAD_TOKENS + 2;
    let at = 0;
    for (; skip > 0; skip--) at = skipToken(subject, at);
    this.#numbersAt = at;
    return true;
  }
}

/** Where the token behind the one at `at` begins. */
function skipToken(subject: Uint8Array, start: number): number {
  let at = start;
  while (at < subject.length && subject[at] !== DOT) at++;
  return at + 1;
}
