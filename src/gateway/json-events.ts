/**
 * Cuts a JSON body into events: one object, an array of them, or one after the other (NDJSON, with blank lines and CRLF; also pretty-printed
 * ones). Behind the first object that is not JSON each line is taken for itself, so that a cut line costs that line alone. In an array the
 * place where a broken element ends is found by its brackets and quotes; if these are what is broken, the rest of the array goes with it.
 */
import { isUtf8 } from 'node:buffer';
import { EVENT_DEPTH_MAX } from '../constants.ts';
import { RejectReason } from '../protocol/rejection.ts';
import { fnv1a32, fnv1a32Bytes } from '../stdx/hash.ts';
import { type EventTable, RowKind } from './event-table.ts';
import { JsonScanner } from './json-scanner.ts';

const NEWLINE = 0x0a;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;

export class JsonSplitter {
  readonly #table: EventTable;
  readonly #scanner = new JsonScanner();
  #body: Buffer;
  #isUtf8 = true;

  /** Fills this table. */
  constructor(table: EventTable) {
    this.#table = table;
    this.#body = table.body;
  }

  /**
   * Adds the events of the table's body; none if there is only white space. `lines`: the body is declared to be NDJSON, so every line that is
   * not blank is one event.
   */
  split(lines: boolean): void {
    const { body } = this.#table;
    this.#body = body;
    this.#isUtf8 = isUtf8(body);
    this.#scanner.open(body);
    const hasMark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
    const at = this.#scanner.skipSpace(hasMark ? 3 : 0, body.length);
    if (at === body.length) return;
    if (lines) this.#lines(at);
    else if (body[at] === OPEN_LIST) this.#list(at + 1);
    else this.#objects(at);
  }

  /** The `id` of the event in this row, as JSON: the quoted string as it was sent, or `null`. */
  eventId(row: number): string {
    const scanner = this.#scanner;
    scanner.object(this.#table.starts[row] as number, this.#table.ends[row] as number);
    return scanner.idStart < 0 ? 'null' : this.#body.toString('utf8', scanner.idStart - 1, scanner.idEnd + 1);
  }

  #objects(start: number): void {
    const { length } = this.#body;
    for (let at = start; at < length && !this.#table.overflow; at = this.#scanner.skipSpace(at, length)) {
      const end = this.#body[at] === OPEN_OBJECT ? this.#scanner.object(at, length) : -1;
      if (end < 0) {
        this.#lines(at);
        return;
      }
      this.#addScanned(at, end);
      at = end;
    }
  }

  #lines(start: number): void {
    const body = this.#body;
    for (let at = start; at < body.length && !this.#table.overflow; ) {
      const newline = body.indexOf(NEWLINE, at);
      const lineEnd = newline < 0 ? body.length : newline;
      const from = this.#scanner.skipSpace(at, lineEnd);
      const to = this.#trimmedEnd(from, lineEnd);
      if (from < to) {
        if (body[from] === OPEN_OBJECT && this.#scanner.object(from, to) === to) this.#addScanned(from, to);
        else this.#table.addMalformed(from, to);
      }
      at = lineEnd + 1;
    }
  }

  /** `start` is behind the bracket that opens it. */
  #list(start: number): void {
    const body = this.#body;
    const end = body.length;
    const scanner = this.#scanner;
    let at = scanner.skipSpace(start, end);
    if (body[at] !== CLOSE_LIST) {
      for (;;) {
        at = this.#element(scanner.skipSpace(at, end));
        if (at < 0 || this.#table.overflow) return;
        if (body[at] === CLOSE_LIST) break;
        at++;
      }
    }
    at = scanner.skipSpace(at + 1, end);
    if (at < end) this.#table.addMalformed(at, this.#trimmedEnd(at, end));
  }

  /** Returns the place of the comma or bracket behind the element; −1 if the text ends before. */
  #element(start: number): number {
    const body = this.#body;
    const end = body.length;
    if (body[start] === OPEN_OBJECT) {
      const objectEnd = this.#scanner.object(start, end);
      const at = objectEnd < 0 ? -1 : this.#scanner.skipSpace(objectEnd, end);
      if (at >= 0 && (at === end || body[at] === COMMA || body[at] === CLOSE_LIST)) {
        this.#addScanned(start, objectEnd);
        if (at < end) return at;
        this.#refuseEmpty(end, 'the array is not closed: what came behind the last complete event is missing');
        return -1;
      }
    }
    const at = this.#scanner.elementEnd(start, end);
    if (at === start) this.#refuseEmpty(start, 'an event is missing between two commas, or behind the last one');
    else if (start === end)
      this.#refuseEmpty(end, 'the array is not closed: what came behind the last comma is missing');
    else this.#table.addMalformed(start, this.#trimmedEnd(start, at < 0 ? end : at));
    return at;
  }

  #refuseEmpty(at: number, error: string): void {
    this.#table.refuse(at, at, RejectReason.syntax, error);
  }

  #addScanned(start: number, end: number): void {
    const scanner = this.#scanner;
    if (!this.#isUtf8 && !isUtf8(this.#body.subarray(start, end))) {
      this.#table.addMalformed(start, end);
      return;
    }
    // An empty customer or id is as good as none.
    const hash =
      scanner.customerStart >= 0 && scanner.customerEnd > scanner.customerStart
        ? this.#hash(scanner.customerStart, scanner.customerEnd, scanner.customerEscaped)
        : scanner.idStart >= 0 && scanner.idEnd > scanner.idStart
          ? this.#hash(scanner.idStart, scanner.idEnd, scanner.idEscaped)
          : fnv1a32Bytes(this.#body, start, end);
    this.#table.addEvent(start, end, hash, scanner.depth > EVENT_DEPTH_MAX ? RowKind.alone : RowKind.whole);
  }

  /** Of the string between two quotes. */
  #hash(start: number, end: number, escaped: boolean): number {
    if (!escaped) return fnv1a32Bytes(this.#body, start, end);
    return fnv1a32(JSON.parse(this.#body.toString('utf8', start - 1, end + 1)) as string);
  }

  #trimmedEnd(start: number, end: number): number {
    let to = end;
    while (to > start && isSpace(this.#body[to - 1] as number)) to--;
    return to;
  }
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}
