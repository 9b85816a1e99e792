/**
 * Messages of events are JSON or MessagePack, told apart by the first byte: 0x80 and above begin MessagePack's maps, lists and records; 0xef begins a UTF-8
 * byte order mark.
 */
export function isMessagePack(payload: Uint8Array): boolean {
  const first = payload[0] ?? 0;
  return first >= 0x80 && first !== 0xef;
}
