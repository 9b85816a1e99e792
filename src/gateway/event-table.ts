/**
 * The events of one request body as slices of it: typed arrays, one row per event in the caller's order, and no object per event.
 * The row number is the caller's index. One table serves request after request.
 */
import { EVENT_BYTES_MAX } from '../constants.ts';
import { RejectReason } from '../protocol/rejection.ts';
import { fnv1a32Bytes } from '../stdx/hash.ts';

export const RowKind = {
  /** A complete event: shares a batch with its neighbours. */
  whole: 0,
  /** Cannot be parsed, is too deep, or is unusual MessagePack: travels alone, so that it can endanger nobody; the machine says why it is refused and keeps it. */
  alone: 1,
  /** Refused here; `refused` says why. */
  refused: 2,
} as const;
export type RowKind = (typeof RowKind)[keyof typeof RowKind];

export interface RefusedRow {
  readonly reason: RejectReason;
  readonly error: string;
}

export interface EventTableLimits {
  readonly eventsMax: number;
  /** Events that travel alone and are passed on; those after them are only reported. */
  readonly malformedMax: number;
}

const ROWS_AT_FIRST = 64;
const noBody = Buffer.alloc(0);
const noneRefused: ReadonlyMap<number, RefusedRow> = new Map();

export class EventTable {
  readonly partitionCount: number;
  body: Buffer = noBody;
  rows = 0;
  /** There are more events than the table may take; those beyond it are missing. */
  overflow = false;
  starts = new Uint32Array(ROWS_AT_FIRST);
  ends = new Uint32Array(ROWS_AT_FIRST);
  partitions = new Uint16Array(ROWS_AT_FIRST);
  kinds = new Uint8Array(ROWS_AT_FIRST);
  /** By row; a new one for each body. */
  refused: ReadonlyMap<number, RefusedRow> = noneRefused;
  readonly #limits: EventTableLimits;
  #malformed = 0;

  constructor(partitionCount: number, limits: EventTableLimits) {
    this.partitionCount = partitionCount;
    this.#limits = limits;
  }

  /** Empties the table for the events of this body. */
  open(body: Buffer): void {
    this.body = body;
    this.rows = 0;
    this.overflow = false;
    this.refused = noneRefused;
    this.#malformed = 0;
  }

  /** An event that was read through; `hash` says where it belongs. */
  addEvent(start: number, end: number, hash: number, kind: RowKind): void {
    if (end - start > EVENT_BYTES_MAX) this.#refuseTooLarge(start, end, 'the event');
    else if (kind === RowKind.alone) this.#addAlone(start, end, hash);
    else this.#add(start, end, hash % this.partitionCount, kind);
  }

  /** What stands where an event should; goes to the partition that its bytes choose. */
  addMalformed(start: number, end: number): void {
    if (end - start > EVENT_BYTES_MAX) {
      this.#refuseTooLarge(
        start,
        end,
        'this event cannot be parsed and, with all behind it that cannot be told apart from it,',
      );
    } else {
      this.#addAlone(start, end, fnv1a32Bytes(this.body, start, end));
    }
  }

  refuse(start: number, end: number, reason: RejectReason, error: string): void {
    if (this.refused === noneRefused) this.refused = new Map();
    (this.refused as Map<number, RefusedRow>).set(this.rows, { reason, error });
    this.#add(start, end, 0, RowKind.refused);
  }

  /** Each is a record of its own, so their number is bounded. */
  #addAlone(start: number, end: number, hash: number): void {
    if (this.#malformed < this.#limits.malformedMax) {
      this.#malformed++;
      this.#add(start, end, hash % this.partitionCount, RowKind.alone);
      return;
    }
    const error = `cannot be read as an event; not kept, because this request already has ${this.#malformed} like it`;
    this.refuse(start, end, RejectReason.syntax, error);
  }

  #refuseTooLarge(start: number, end: number, what: string): void {
    this.refuse(start, end, RejectReason.tooLarge, `${what} has ${end - start} bytes, ${EVENT_BYTES_MAX} are allowed`);
  }

  #add(start: number, end: number, partition: number, kind: RowKind): void {
    if (this.rows === this.#limits.eventsMax) {
      this.overflow = true;
      return;
    }
    if (this.rows === this.starts.length) this.#grow();
    this.starts[this.rows] = start;
    this.ends[this.rows] = end;
    this.partitions[this.rows] = partition;
    this.kinds[this.rows] = kind;
    this.rows++;
  }

  #grow(): void {
    const room = this.starts.length * 4;
    this.starts = copied(this.starts, new Uint32Array(room));
    this.ends = copied(this.ends, new Uint32Array(room));
    this.partitions = copied(this.partitions, new Uint16Array(room));
    this.kinds = copied(this.kinds, new Uint8Array(room));
  }
}

function copied<Column extends Uint8Array | Uint16Array | Uint32Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}
