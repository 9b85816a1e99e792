/**
 * Cuts a MessagePack body into events: one map, an array of them, or one after the other. Where a value is cut or no MessagePack, nothing tells
 * where the next one begins, so what is left of the body is one malformed event.
 */
import { isUtf8 } from 'node:buffer';
import { RejectReason } from '../protocol/rejection.ts';
import { fnv1a32Bytes } from '../stdx/hash.ts';
import { type EventTable, RowKind } from './event-table.ts';
import { MessagePackScanner } from './message-pack-scanner.ts';

/** False: the body uses msgpackr's records; the table is of no use then. */
export function splitMessagePack(table: EventTable): boolean {
  const { body } = table;
  const scanner = new MessagePackScanner(body);
  const inList = scanner.isList(0);
  let at = inList ? scanner.enter(0) : 0;
  let left = inList ? scanner.count : Number.POSITIVE_INFINITY;
  if (at < 0) table.addMalformed(0, body.length);
  for (; at >= 0 && at < body.length && left > 0 && !table.overflow; left--) at = addElement(table, scanner, at);
  if (scanner.records) return false;
  if (at >= 0 && at < body.length && !table.overflow) table.addMalformed(at, body.length);
  else if (at === body.length && inList && left > 0) {
    table.refuse(at, at, RejectReason.syntax, `the array announces ${left} more events than the body holds`);
  }
  return true;
}

/** The `id` of the event in this row, as JSON. */
export function messagePackEventId(table: EventTable, row: number): string {
  const scanner = new MessagePackScanner(table.body);
  const start = table.starts[row] as number;
  if (!scanner.isMap(start) || scanner.map(start) < 0 || scanner.idStart < 0) return 'null';
  return JSON.stringify(table.body.toString('utf8', scanner.idStart, scanner.idEnd));
}

/** Returns where the next element begins; −1 if that cannot be known. */
function addElement(table: EventTable, scanner: MessagePackScanner, start: number): number {
  const isMap = scanner.isMap(start);
  const end = isMap ? scanner.map(start) : scanner.skip(start);
  if (scanner.records) return -1;
  if (end < 0) {
    table.addMalformed(start, table.body.length);
    return -1;
  }
  const { body } = table;
  const { customerStart, customerEnd, idStart, idEnd } = scanner;
  const hasCustomer = customerStart >= 0 && customerEnd > customerStart;
  if (!isMap || (hasCustomer && !isUtf8(body.subarray(customerStart, customerEnd)))) {
    table.addMalformed(start, end);
    return end;
  }
  // An empty customer or id is as good as none.
  const hash = hasCustomer
    ? fnv1a32Bytes(body, customerStart, customerEnd)
    : idStart >= 0 && idEnd > idStart
      ? fnv1a32Bytes(body, idStart, idEnd)
      : fnv1a32Bytes(body, start, end);
  table.addEvent(start, end, hash, RowKind.whole);
  return end;
}
