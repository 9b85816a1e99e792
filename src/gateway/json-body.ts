/** The small JSON bodies of the control routes: an object with known members, or a problem that says what is wrong with it. */
import { isUtf8 } from 'node:buffer';
import { badRequest, type Problem } from './problem.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function parseObject(
  body: Buffer,
  members: readonly string[],
): { readonly object: JsonObject } | { readonly problem: Problem } {
  if (!isUtf8(body)) return { problem: badRequest('the body is not UTF-8') };
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    return { problem: badRequest(`the body is not JSON: ${error instanceof Error ? error.message : String(error)}`) };
  }
  if (!isObject(value)) return { problem: badRequest(`the body must be a JSON object with ${members.join(', ')}`) };
  const unknown = Object.keys(value).find((name) => !members.includes(name));
  if (unknown === undefined) return { object: value };
  return {
    problem: badRequest(`the body has "${unknown}", which is not known here: it may have ${members.join(', ')}`),
  };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** For routes that take JSON alone. Types that say nothing are taken for JSON: curl sends form data unless told otherwise. */
export function refuseOtherThanJson(contentType: string): Problem | null {
  const type = (contentType.split(';')[0] as string).trim().toLowerCase();
  if (type.endsWith('/json') || type.endsWith('+json') || generalTypes.has(type)) return null;
  return {
    status: 415,
    type: 'content-type',
    title: 'The content type is not supported',
    detail: `this route takes application/json, not ${contentType}`,
    headers: { Accept: 'application/json' },
  };
}

const generalTypes = new Set(['', 'text/plain', 'application/octet-stream', 'application/x-www-form-urlencoded']);
