/**
 * Where a profile slot's values lie in the partition's memory, for scans from other threads. Plain data, so that it can
 * be posted: byte offsets, valid until the columns change (a workspace is activated).
 *
 * The memory has one writer, which does not wait for readers. What a reader may count on: rows 1 … customers, as many
 * as there were when the description was made, keep their places; no value of 4 or 8 aligned bytes is ever half
 * written; where a first value comes into a row, the value is stored before the bit that says it is there, and a wide
 * int before the WIDE that points to it (column.ts).
 */

import { AllTimeCount, AllTimeEdge, AllTimeFold } from './aggregate-all-time.ts';
import type { AttributeColumn } from './attribute-column.ts';
import { Bitmap, CodeColumn, DoubleColumn, IntColumn, type StoredColumn } from './column.ts';
import type { ProfileTable } from './profile-table.ts';

/**
 * `presence`: one bit per row, bit row & 7 of byte row >>> 3. `empty`: what reading finds in a row without it; null:
 * nothing. A bool's is 0 or 1.
 */
export type ScanColumn =
  | ScanNumbers
  /** i32 dictionary codes. */
  | { readonly kind: 'code'; readonly presence: number; readonly values: number; readonly empty: string | null }
  /** One bit per row. */
  | { readonly kind: 'bool'; readonly presence: number; readonly values: number; readonly empty: number | null }
  /** The values are not in one column (lists, averages). */
  | { readonly kind: 'other'; readonly presence: number; readonly hasEmpty: boolean }
  /** Windows and sets are kept in blocks: a row without a directory (ScanMemory) has none and reads `empty`. */
  | { readonly kind: 'blocks'; readonly empty: number | null };

export type ScanNumbers =
  | { readonly kind: 'double'; readonly presence: number; readonly values: number; readonly empty: number | null }
  /** i32; where it is WIDE (column.ts), the value is the double in `wide`. */
  | {
      readonly kind: 'int';
      readonly presence: number;
      readonly values: number;
      readonly wide: number;
      readonly empty: number | null;
    };

/** What does not depend on the columns. */
export interface ScanMemory {
  readonly memory: WebAssembly.Memory;
  /** Offset of the rows' directories, u32 each: 0 where a row has no blocks (row-blocks.ts). */
  readonly directories: number;
  /** Offset of SCAN_SCRATCH_BYTES that belong to whoever scans, one at a time. */
  readonly scratch: number;
}

export function scanColumn(profile: ProfileTable, slot: number): ScanColumn {
  const attribute = profile.attributes.find((field) => field.layout.slot === slot);
  if (attribute !== undefined) return attributeColumn(attribute.column, attribute.layout.default);
  const aggregate = profile.aggregates.find((field) => field.layout.slot === slot);
  const { fn } = aggregate?.layout ?? {};
  const store = profile.aggregate(slot);
  const zeroWhenEmpty = fn === 'count' || fn === 'sum' || fn === 'distinct';
  const empty = zeroWhenEmpty ? 0 : null;
  if (store.ordinal >= 0) return { kind: 'blocks', empty };
  const isSingle = store instanceof AllTimeCount || store instanceof AllTimeFold || store instanceof AllTimeEdge;
  const presence = offsetOf(store.columns[0]);
  return isSingle ? scalarColumn(presence, store.values, empty) : { kind: 'other', presence, hasEmpty: zeroWhenEmpty };
}

function attributeColumn(column: AttributeColumn, empty: unknown): ScanColumn {
  const presence = offsetOf(column.presence);
  const values = column.columns[1];
  if (values === undefined) return { kind: 'other', presence, hasEmpty: empty !== null };
  return scalarColumn(presence, values, typeof empty === 'boolean' ? Number(empty) : (empty as number | string | null));
}

function scalarColumn(presence: number, column: StoredColumn, empty: number | string | null): ScanColumn {
  const values = offsetOf(column);
  if (column instanceof CodeColumn) return { kind: 'code', presence, values, empty: empty as string | null };
  const number = empty as number | null;
  if (column instanceof DoubleColumn) return { kind: 'double', presence, values, empty: number };
  if (column instanceof IntColumn)
    return { kind: 'int', presence, values, wide: column.wide.byteOffset, empty: number };
  return { kind: 'bool', presence, values, empty: number };
}

function offsetOf(column: StoredColumn | undefined): number {
  if (column instanceof Bitmap) return column.bytes.byteOffset;
  if (column instanceof IntColumn) return column.narrow.byteOffset;
  return (column as CodeColumn | DoubleColumn).values.byteOffset;
}
