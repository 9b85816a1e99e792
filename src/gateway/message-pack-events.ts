/**
 * Cuts a MessagePack body into events: one map, an array of them, or one after the other. Where a value is cut or no MessagePack, nothing tells
 * where the next one begins, so what is left of the body is one malformed event.
 */
import { isUtf8 } from 'node:buffer';
import { RejectReason } from '../protocol/rejection.ts';
import { fnv1a32Bytes } from '../stdx/hash.ts';
import { type EventTable, RowKind } from './event-table.ts';
import { MessagePackScanner } from './message-pack-scanner.ts';

export class MessagePackSplitter {
  readonly #table: EventTable;
  readonly #scanner = new MessagePackScanner();

  /** Fills this table. */
  constructor(table: EventTable) {
    this.#table = table;
  }

  /** Adds the events of the table's body. False: the body uses msgpackr's records; the table is of no use then. */
  split(): boolean {
    const table = this.#table;
    const scanner = this.#scanner;
    const { body } = table;
    scanner.open(body);
    const inList = scanner.isList(0);
    let at = inList ? scanner.enter(0) : 0;
    let left = inList ? scanner.count : Number.POSITIVE_INFINITY;
    if (at < 0) table.addMalformed(0, body.length);
    for (; at >= 0 && at < body.length && left > 0 && !table.overflow; left--) at = this.#addElement(at);
    if (scanner.records) return false;
    if (at >= 0 && at < body.length && !table.overflow) table.addMalformed(at, body.length);
    else if (at === body.length && inList && left > 0) {
      const error = `the array announces ${left} more events than the body holds`;
      table.refuse(at, at, RejectReason.syntax, error);
    }
    return true;
  }

  /** The `id` of the event in this row, as JSON. */
  eventId(row: number): string {
    const scanner = this.#scanner;
    const start = this.#table.starts[row] as number;
    if (!scanner.isMap(start) || scanner.map(start) < 0 || scanner.idStart < 0) return 'null';
    return JSON.stringify(this.#table.body.toString('utf8', scanner.idStart, scanner.idEnd));
  }

  /** Returns where the next element begins; −1 if that cannot be known. */
  #addElement(start: number): number {
    const table = this.#table;
    const scanner = this.#scanner;
    const { body } = table;
    const isMap = scanner.isMap(start);
    const end = isMap ? scanner.map(start) : scanner.skip(start);
    if (scanner.records) return -1;
    if (end < 0) {
      table.addMalformed(start, body.length);
      return -1;
    }
    const { customerStart, customerEnd, idStart, idEnd } = scanner;
    const hasCustomer = isMap && customerStart >= 0 && customerEnd > customerStart;
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
}
