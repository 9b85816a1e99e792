/** What values are to templates: as text, as a number, as a list; and how much of them one message may make. */
import { MESSAGE_WORK_MAX } from '../constants.ts';

/** A template did what it must not, such as dividing by zero or making a million characters; the message is not rendered, and that is counted. */
export class RenderFault extends Error {
  override readonly name = 'RenderFault';
}

/** Bounds the work of rendering one message field, by counting: the same count on every machine, unlike a clock. */
export class WorkMeter {
  #left = MESSAGE_WORK_MAX;

  use(work: number): void {
    this.#left -= work;
    if (this.#left < 0) throw new RenderFault('the template does too much');
  }
}

/** As `{{ }}` prints it: absent is empty, the entries of a list follow each other, objects print as nothing. */
export function toText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(toFinite(value));
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return Array.isArray(value) ? value.map(toText).join('') : '';
}

const NUMBER_PATTERN = /^\s*-?\d+(?:\.\d+)?\s*$/;

/** Numbers, and texts that are written like one; anything else is 0. */
export function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.length < 40 && NUMBER_PATTERN.test(value) ? Number(value) : 0;
}

/** "Infinity" and "NaN" are nothing to print to a customer. */
export function toFinite(value: number): number {
  if (!Number.isFinite(value)) throw new RenderFault('a number is not finite');
  return value + 0;
}

export function toList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

/** Nothing, false, and empty texts and lists: what `default` stands in for. */
export function isBlank(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === false ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  );
}

/** A property of a list's element; never one that it inherits. */
export function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
