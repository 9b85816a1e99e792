/**
 * Producers may publish an event to `beckon.events.<p>.<customer>.<type>` and leave customer and type out of its payload. The machine knows no subjects, so
 * they are written into the payload before anything else is done with it: the record in the write-ahead log is complete, and replay needs no stream.
 *
 * They go in front, as the first two keys, without looking for keys of the same name behind them: in JSON as in MessagePack the machine takes the last of
 * equal keys, so what the payload says itself counts. Which bytes come out depends on subject and payload alone.
 *
 * JSON objects, MessagePack maps, and msgpackr records are completed; anything else (a list of events, no event at all) stays as it is.
 */
import { isMessagePack } from '../../protocol/payload-format.ts';
import { ByteWriter } from '../../stdx/bytes.ts';

const DOT = 0x2e;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const writer = new ByteWriter(64 * 1024);
const RECORD_DEFINITION = 0xd4;
const RECORD_EXTENSION = 0x72;

/**
 * `customerAt`: where the customer's token begins in `subject`. What comes back may be a view of a larger buffer, as payloads off the network are.
 */
export function completeEvent(subject: Uint8Array, customerAt: number, payload: Uint8Array): Uint8Array {
  let dot = customerAt;
  while (dot < subject.length && subject[dot] !== DOT) dot++;
  const isExact = dot > customerAt && dot + 1 < subject.length && subject.indexOf(DOT, dot + 1) < 0;
  if (!isExact || payload.length === 0) return payload;
  if (isMessagePack(payload)) {
    const customer = decoder.decode(subject.subarray(customerAt, dot));
    return completeMessagePack(customer, decoder.decode(subject.subarray(dot + 1)), payload);
  }
  return completeJson(subject, customerAt, dot, payload);
}

const CUSTOMER_KEY = encoder.encode('{"customer":"');
const TYPE_KEY = encoder.encode('","type":"');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const CLOSE = 0x7d;
/** Completed events are made in slabs of this size: an allocation for each costs more than all else. */
const SLAB_BYTES = 64 * 1024;
let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

function completeJson(subject: Uint8Array, customerAt: number, dot: number, payload: Uint8Array): Uint8Array {
  const isMarked = payload[0] === 0xef && payload[1] === 0xbb && payload[2] === 0xbf;
  const open = skipSpace(payload, isMarked ? 3 : 0);
  if (payload[open] !== 0x7b) return payload;
  let tokens = subject;
  let [start, middle] = [customerAt, dot];
  if (!isPlain(subject, customerAt)) {
    // As a JSON string says it: quotes and backslashes escaped, bytes that are no UTF-8 replaced.
    const customer = JSON.stringify(decoder.decode(subject.subarray(customerAt, dot))).slice(1, -1);
    const type = JSON.stringify(decoder.decode(subject.subarray(dot + 1))).slice(1, -1);
    tokens = Buffer.from(`${customer}.${type}`);
    [start, middle] = [0, Buffer.byteLength(customer)];
  }
  const rest = skipSpace(payload, open + 1);
  const isEmpty = payload[rest] === CLOSE;
  const tokensLength = tokens.length - start - 1;
  const head = CUSTOMER_KEY.length + TYPE_KEY.length + tokensLength + (isEmpty ? 1 : 2);
  const from = reserve(head + payload.length - rest);
  let at = put(CUSTOMER_KEY, 0, CUSTOMER_KEY.length, from);
  at = put(tokens, start, middle, at);
  at = put(TYPE_KEY, 0, TYPE_KEY.length, at);
  at = put(tokens, middle + 1, tokens.length, at);
  slab[at++] = QUOTE;
  if (!isEmpty) slab[at++] = COMMA;
  slab.set(payload.subarray(rest), at);
  return slab.subarray(from, slabUsed);
}

/** Takes room in the slab, or in a new one; returns where it begins. */
function reserve(length: number): number {
  if (slabUsed + length > slab.length) {
    slab = new Uint8Array(Math.max(SLAB_BYTES, length));
    slabUsed = 0;
  }
  slabUsed += length;
  return slabUsed - length;
}

function put(bytes: Uint8Array, start: number, end: number, target: number): number {
  let at = target;
  for (let i = start; i < end; i++) slab[at++] = bytes[i] as number;
  return at;
}

/** Whether these bytes stand for themselves in a JSON string: ASCII without quotes, backslashes and control characters. */
function isPlain(bytes: Uint8Array, start: number): boolean {
  for (let i = start; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) return false;
  }
  return true;
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}

function completeMessagePack(customer: string, type: string, payload: Uint8Array): Uint8Array {
  const [first, second] = payload as unknown as [number, number];
  writer.clear();
  if (first === RECORD_DEFINITION && second === RECORD_EXTENSION) return completeRecord(customer, type, payload);
  const entries = countAt(payload, 0, 0x80, 0xde);
  if (entries === null) return payload;
  putCount(entries.count + 2, 0x80, 0xde);
  putText('customer');
  putText(customer);
  putText('type');
  putText(type);
  writer.raw(payload.subarray(entries.end));
  return writer.copy();
}

/** `d4 72 <id> [keys] values…`: the names go before the keys, the values before the values. */
function completeRecord(customer: string, type: string, payload: Uint8Array): Uint8Array {
  const keys = countAt(payload, 3, 0x90, 0xdc);
  if (keys === null) return payload;
  let at = keys.end;
  for (let i = 0; i < keys.count; i++) {
    at = textEnd(payload, at);
    if (at > payload.length) return payload;
  }
  writer.raw(payload.subarray(0, 3));
  putCount(keys.count + 2, 0x90, 0xdc);
  putText('customer');
  putText('type');
  writer.raw(payload.subarray(keys.end, at));
  putText(customer);
  putText(type);
  writer.raw(payload.subarray(at));
  return writer.copy();
}

/** The count of a map or list that begins at `at`; `fix`: first byte of the short form, `long`: of the one with 16 bits. */
function countAt(bytes: Uint8Array, at: number, fix: number, long: number): { count: number; end: number } | null {
  const token = bytes[at] ?? 0;
  if (token >= fix && token < fix + 16) return { count: token - fix, end: at + 1 };
  const width = token === long ? 2 : token === long + 1 ? 4 : 0;
  const end = at + 1 + width;
  if (width === 0 || end > bytes.length) return null;
  let count = 0;
  for (let i = at + 1; i < end; i++) count = count * 256 + (bytes[i] as number);
  return { count, end };
}

/** Behind the string that begins at `at`; past the end of `bytes` if there is none. */
function textEnd(bytes: Uint8Array, at: number): number {
  const token = bytes[at] ?? 0;
  if (token >= 0xa0 && token <= 0xbf) return at + 1 + (token & 0x1f);
  if (token === 0xd9) return at + 2 + (bytes[at + 1] ?? 0);
  if (token === 0xda) return at + 3 + (bytes[at + 1] ?? 0) * 256 + (bytes[at + 2] ?? 0);
  return bytes.length + 1;
}

function putCount(count: number, fix: number, long: number): void {
  if (count < 16) {
    writer.u8(fix + count);
  } else if (count <= 0xffff) {
    writer.u8(long);
    writer.u8(count >>> 8);
    writer.u8(count & 0xff);
  } else {
    writer.u8(long + 1);
    for (const shift of [24, 16, 8, 0]) writer.u8((count >>> shift) & 0xff);
  }
}

function putText(text: string): void {
  const bytes = encoder.encode(text);
  if (bytes.length < 32) {
    writer.u8(0xa0 + bytes.length);
  } else if (bytes.length <= 0xff) {
    writer.u8(0xd9);
    writer.u8(bytes.length);
  } else {
    writer.u8(0xda);
    writer.u8(bytes.length >>> 8);
    writer.u8(bytes.length & 0xff);
  }
  writer.raw(bytes);
}
