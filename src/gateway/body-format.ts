/** How a body of events is written, by its content type; a general one (curl sends form data unless told otherwise) leaves it to the first byte. */

import { isMessagePack } from '../protocol/payload-format.ts';

export type BodyFormat = 'json' | 'lines' | 'message-pack';

const formats: ReadonlyMap<string, BodyFormat | 'either'> = new Map([
  ['application/json', 'json'],
  ['text/json', 'json'],
  ['application/x-ndjson', 'lines'],
  ['application/ndjson', 'lines'],
  ['application/jsonl', 'lines'],
  ['application/x-jsonlines', 'lines'],
  ['application/msgpack', 'message-pack'],
  ['application/x-msgpack', 'message-pack'],
  ['application/vnd.msgpack', 'message-pack'],
  ['', 'either'],
  ['text/plain', 'either'],
  ['application/octet-stream', 'either'],
  ['application/x-www-form-urlencoded', 'either'],
]);

/** Named in 415 answers. */
export const acceptedFormats = 'application/json, application/x-ndjson or application/msgpack';

/** null: a content type that no events come in. */
export function declaredFormat(contentType: string): BodyFormat | 'either' | null {
  const semicolon = contentType.indexOf(';');
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  return formats.get(type) ?? (type.endsWith('+json') ? 'json' : null);
}

export function sniffFormat(body: Uint8Array): BodyFormat {
  return isMessagePack(body) ? 'message-pack' : 'json';
}
