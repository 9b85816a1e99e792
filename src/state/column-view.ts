/**
 * Read access to whole columns by profile slot, for audience scans (also from other threads, over the same shared
 * memory). Rows 1 … customers are meaningful, where present.
 */

import { AllTimeCount, AllTimeEdge, AllTimeFold } from './aggregate-all-time.ts';
import { DoubleColumn } from './column.ts';
import type { ProfileTable } from './profile-table.ts';

/** `presence`: one bit per row, bit row & 7 of byte row >>> 3. Which array holds the values, by `kind`. */
export type ColumnView =
  | { readonly kind: 'double'; readonly presence: Uint8Array; readonly values: Float64Array }
  /** Dictionary codes. */
  | { readonly kind: 'code'; readonly presence: Uint8Array; readonly values: Int32Array }
  /** Where `values` is WIDE (column.ts), the value is in `wide`. */
  | { readonly kind: 'int'; readonly presence: Uint8Array; readonly values: Int32Array; readonly wide: Float64Array }
  /** One bit per row. */
  | { readonly kind: 'bool'; readonly presence: Uint8Array; readonly values: Uint8Array };

/**
 * null: the slot's values are not in one column. An absent count or sum reads as 0, other absent values as the
 * attribute's default or nothing.
 */
export function viewColumn(profile: ProfileTable, slot: number): ColumnView | null {
  const attribute = profile.attributes.find((field) => field.layout.slot === slot)?.column;
  if (attribute !== undefined) {
    const presence = attribute.presence.bytes;
    if (attribute.doubles !== null) return { kind: 'double', presence, values: attribute.doubles.values };
    if (attribute.ints !== null)
      return { kind: 'int', presence, values: attribute.ints.narrow, wide: attribute.ints.wide };
    if (attribute.codes !== null) return { kind: 'code', presence, values: attribute.codes.values };
    return attribute.bits === null ? null : { kind: 'bool', presence, values: attribute.bits.bytes };
  }
  const store = profile.aggregate(slot);
  if (store instanceof AllTimeCount) {
    const { presence, values } = store;
    return { kind: 'int', presence: presence.bytes, values: values.narrow, wide: values.wide };
  }
  if (store instanceof AllTimeFold)
    return { kind: 'double', presence: store.presence.bytes, values: store.values.values };
  if (!(store instanceof AllTimeEdge)) return null;
  const presence = store.presence.bytes;
  return store.values instanceof DoubleColumn
    ? { kind: 'double', presence, values: store.values.values }
    : { kind: 'code', presence, values: store.values.values };
}
