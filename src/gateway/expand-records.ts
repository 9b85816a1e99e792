/**
 * MessagePack with msgpackr's records names a shape once and refers to it afterwards, so its events cannot be taken apart by bytes. They are
 * decoded and written again as plain maps, one after the other.
 */
import { Packr, Unpackr } from 'msgpackr';

export type Expansion =
  | { readonly events: Buffer }
  /** unreadable: not MessagePack, or an extension that is not known; too_large: the plain form is longer than allowed. */
  | { readonly fault: 'unreadable' | 'too_large' };

export function expandRecords(body: Buffer, bytesMax: number): Expansion {
  // Both for this body alone: shapes must not leak from one producer's message into another's.
  const unpackr = new Unpackr({ mapsAsObjects: true, useRecords: true });
  const packr = new Packr({ useRecords: false, variableMapSize: true });
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    const values: readonly unknown[] = unpackr.unpackMultiple(body);
    const [first] = values;
    for (const event of values.length === 1 && Array.isArray(first) ? first : values) {
      const packed = Uint8Array.prototype.slice.call(packr.pack(event));
      bytes += packed.length;
      if (bytes > bytesMax) return { fault: 'too_large' };
      parts.push(packed);
    }
  } catch {
    return { fault: 'unreadable' };
  }
  return { events: Buffer.concat(parts, bytes) };
}
