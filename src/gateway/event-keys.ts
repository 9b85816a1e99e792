/** The members of an event that decide where it goes, and the one that no object may have, as bytes to compare with. */

export const customerKey: Uint8Array = new TextEncoder().encode('customer');
export const idKey: Uint8Array = new TextEncoder().encode('id');
export const protoKey: Uint8Array = new TextEncoder().encode('__proto__');

/** False for a start of −1, which no key has. */
export function spells(bytes: Uint8Array, start: number, end: number, key: Uint8Array): boolean {
  if (end - start !== key.length || start < 0) return false;
  for (let i = 0; i < key.length; i++) if (bytes[start + i] !== key[i]) return false;
  return true;
}
