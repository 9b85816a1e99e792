/**
 * Producers may publish an event to `beckon.events.<p>.<customer>.<type>` and leave customer and type out of its payload. The machine knows no subjects, so
 * they are written into the payload before anything else is done with it: the record in the write-ahead log is complete, and replay needs no stream.
 *
 * They go in front, as the first two keys, without looking for keys of the same name behind them: in JSON as in MessagePack the machine takes the last of
 * equal keys, so what the payload says itself counts. Which bytes come out depends on subject and payload alone.
 *
 * JSON objects, MessagePack maps, and msgpackr records are completed; anything else (a list of events, no event at all) stays as it is.
 */
import { ByteWriter } from '../../stdx/bytes.ts';

const DOT = 0x2e;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const writer = new ByteWriter(64 * 1024);
const RECORD_DEFINITION = 0xd4;
const RECORD_EXTENSION = 0x72;

/** `customerAt`: where the customer's token begins in `subject`. */
export function completeEvent(subject: Uint8Array, customerAt: number, payload: Uint8Array): Uint8Array {
  const customerEnd = subject.indexOf(DOT, customerAt);
  const exact =
    customerEnd > customerAt && customerEnd + 1 < subject.length && subject.indexOf(DOT, customerEnd + 1) < 0;
  if (!exact || payload.length === 0) return payload;
  const customer = decoder.decode(subject.subarray(customerAt, customerEnd));
  const type = decoder.decode(subject.subarray(customerEnd + 1));
  const first = payload[0] as number;
  if (first >= 0x80 && first !== 0xef) return completeMessagePack(customer, type, payload);
  return completeJson(customer, type, payload);
}

function completeJson(customer: string, type: string, payload: Uint8Array): Uint8Array {
  const isMarked = payload[0] === 0xef && payload[1] === 0xbb && payload[2] === 0xbf;
  const open = skipSpace(payload, isMarked ? 3 : 0);
  if (payload[open] !== 0x7b) return payload;
  const rest = skipSpace(payload, open + 1);
  const comma = payload[rest] === 0x7d ? '' : ',';
  const head = encoder.encode(`{"customer":${JSON.stringify(customer)},"type":${JSON.stringify(type)}${comma}`);
  const whole = new Uint8Array(head.length + payload.length - rest);
  whole.set(head);
  whole.set(payload.subarray(rest), head.length);
  return whole;
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
