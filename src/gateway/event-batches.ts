/**
 * Puts the events of a table together into records: per partition, in the caller's order, as arrays of the slices exactly as they came, each at
 * most RECORD_BYTES_MAX long. Every payload is the whole of an ArrayBuffer of its own, so that it can be handed to another thread.
 */
import { RECORD_BYTES_MAX } from '../constants.ts';
import type { EventBatch } from '../protocol/ingest.ts';
import { assert } from '../stdx/assert.ts';
import { type EventTable, RowKind } from './event-table.ts';

const LIST_HEAD_BYTES_MAX = 5;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const COMMA = 0x2c;

export interface IndexedBatches {
  readonly batches: readonly EventBatch[];
  /** For each batch, the caller's index of each of its events. */
  readonly indices: readonly Uint32Array[];
}

export function buildBatches(table: EventTable, isMessagePack: boolean): IndexedBatches {
  const batches: EventBatch[] = [];
  const indices: Uint32Array[] = [];
  const { partitionCount, starts, ends, kinds } = table;
  if (table.rows === 1 && kinds[0] !== RowKind.refused) return single(table, isMessagePack);
  const order = rowsByPartition(table);
  for (let partition = 0, first = 0; partition < partitionCount; partition++) {
    const end = order.ends[partition] as number;
    while (first < end) {
      let last = first;
      let bytes = 0;
      while (last < end) {
        const row = order.rows[last] as number;
        const length = (ends[row] as number) - (starts[row] as number);
        if (kinds[row] === RowKind.alone && last > first) break;
        if (LIST_HEAD_BYTES_MAX + bytes + last - first + length > RECORD_BYTES_MAX && last > first) break;
        bytes += length;
        last++;
        if (kinds[row] === RowKind.alone) break;
      }
      const rows = order.rows.slice(first, last);
      const payload = isMessagePack ? messagePackPayload(table, rows, bytes) : jsonPayload(table, rows, bytes);
      assert(payload.length <= RECORD_BYTES_MAX, 'a batch fits one record');
      batches.push({ partition, payload, events: rows.length });
      indices.push(rows);
      first = last;
    }
  }
  return { batches, indices };
}

/** What a till sends: without the sorting. */
function single(table: EventTable, isMessagePack: boolean): IndexedBatches {
  const rows = Uint32Array.of(0);
  const bytes = (table.ends[0] as number) - (table.starts[0] as number);
  const payload = isMessagePack ? messagePackPayload(table, rows, bytes) : jsonPayload(table, rows, bytes);
  return { batches: [{ partition: table.partitions[0] as number, payload, events: 1 }], indices: [rows] };
}

/** Rows that are passed on, sorted by partition, in the caller's order within each; `ends` says where each partition's rows end. */
function rowsByPartition(table: EventTable): { rows: Uint32Array; ends: Uint32Array } {
  const { rows: count, kinds, partitions, partitionCount } = table;
  const ends = new Uint32Array(partitionCount);
  for (let row = 0; row < count; row++) {
    if (kinds[row] !== RowKind.refused) (ends[partitions[row] as number] as number)++;
  }
  let total = 0;
  for (let p = 0; p < partitionCount; p++) {
    const size = ends[p] as number;
    ends[p] = total;
    total += size;
  }
  const rows = new Uint32Array(total);
  // Each partition's start moves on to its end while its rows are put in.
  for (let row = 0; row < count; row++) {
    if (kinds[row] !== RowKind.refused) rows[(ends[partitions[row] as number] as number)++] = row;
  }
  return { rows, ends };
}

/** One event as it is, several as an array. `bytes` is the length of the slices together. */
function jsonPayload(table: EventTable, rows: Uint32Array, bytes: number): Uint8Array {
  const { body, starts, ends, kinds } = table;
  const only = rows.length === 1 ? (rows[0] as number) : -1;
  // What is no event, but begins like an array of them, must not be taken for one.
  const asList = only < 0 || (kinds[only] === RowKind.alone && body[starts[only] as number] === OPEN_LIST);
  const payload = Buffer.allocUnsafeSlow(bytes + (asList ? rows.length + 1 : 0));
  let at = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    if (asList) payload[at++] = i === 0 ? OPEN_LIST : COMMA;
    at += body.copy(payload, at, starts[row], ends[row]);
  }
  if (asList) payload[at] = CLOSE_LIST;
  return payload;
}

function messagePackPayload(table: EventTable, rows: Uint32Array, bytes: number): Uint8Array {
  const { body, starts, ends, kinds } = table;
  const count = rows.length;
  const asList = count > 1 || kinds[rows[0] as number] === RowKind.alone;
  const payload = Buffer.allocUnsafeSlow(bytes + (asList ? listHeadBytes(count) : 0));
  let at = asList ? putListHead(payload, count) : 0;
  for (const row of rows) at += body.copy(payload, at, starts[row], ends[row]);
  return payload;
}

function listHeadBytes(count: number): number {
  return count < 16 ? 1 : count < 65_536 ? 3 : 5;
}

function putListHead(payload: Buffer, count: number): number {
  if (count < 16) return payload.writeUInt8(0x90 | count, 0);
  if (count < 65_536) return payload.writeUInt16BE(count, payload.writeUInt8(0xdc, 0));
  return payload.writeUInt32BE(count, payload.writeUInt8(0xdd, 0));
}
