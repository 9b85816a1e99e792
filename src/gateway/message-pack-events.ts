/**
 * Cuts a MessagePack body into events: one map, an array of them, or one after the other. Where a value is cut or no MessagePack, nothing tells
 * where the next one begins, so what is left of the body is one malformed event.
 */
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
    const list = inList ? scanner.list(0) : { inside: 0, count: Number.POSITIVE_INFINITY };
    let at = list.inside;
    let left = list.count;
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
    if (scanner.event(start) < 0 || scanner.idStart < 0) return 'null';
    return JSON.stringify(this.#table.body.toString('utf8', scanner.idStart, scanner.idEnd));
  }

  /** Returns where the next element begins; −1 if that cannot be known. */
  #addElement(start: number): number {
    const table = this.#table;
    const scanner = this.#scanner;
    const { body } = table;
    const end = scanner.event(start);
    if (scanner.records) return -1;
    if (end < 0) {
      table.addMalformed(start, body.length);
      return -1;
    }
    if (!scanner.isMap(start)) {
      table.addMalformed(start, end);
      return end;
    }
    const { customerStart, customerEnd, idStart, idEnd } = scanner;
    // An empty customer or id is as good as none.
    const hash =
      customerStart >= 0 && customerEnd > customerStart
        ? fnv1a32Bytes(body, customerStart, customerEnd)
        : idStart >= 0 && idEnd > idStart
          ? fnv1a32Bytes(body, idStart, idEnd)
          : fnv1a32Bytes(body, start, end);
    table.addEvent(start, end, hash, scanner.plain ? RowKind.whole : RowKind.alone);
    return end;
  }
}
