/** What must stay in order, as the number that partitions go by: events of a customer; an anonymous event goes by its id, or by its bytes if it has none. */
import { fnv1a32, fnv1a32Bytes } from '../stdx/hash.ts';

/** `line` is one event as JSON. One that cannot be read is its own kind; the node says what is wrong with it. */
export function orderHashOf(line: Uint8Array): number {
  const { customer, id } = readIdentity(line);
  if (customer !== undefined && customer !== null) return fnv1a32(String(customer));
  if (id !== undefined && id !== null) return fnv1a32(String(id));
  return fnv1a32Bytes(line);
}

function readIdentity(line: Uint8Array): { readonly customer?: unknown; readonly id?: unknown } {
  try {
    const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
    return (JSON.parse(text) as { customer?: unknown; id?: unknown } | null) ?? {};
  } catch {
    return {};
  }
}
