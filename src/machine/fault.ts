/**
 * What is wrong with the event in hand: set by the step that refuses it, read by the one that reports it. One object
 * per decoder, so that refusing is a return value.
 */
import { RejectReason } from '../protocol/rejection.ts';

export class Fault {
  reason: RejectReason = RejectReason.syntax;
  error = '';

  /** Always false, so that a check can end in `return fault.set(…)`. */
  set(reason: RejectReason, error: string): false {
    this.reason = reason;
    this.error = error;
    return false;
  }
}

const SHOWN_LENGTH_MAX = 40;

/** Names a decoded value for an error message: `string "12,50"`, `double 1.5`, `list`, `null`. Long strings are cut. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return 'string ' + quoted(value);
  if (typeof value === 'number') return (Number.isInteger(value) ? 'int ' : 'double ') + String(value);
  if (typeof value === 'boolean') return 'bool ' + String(value);
  return 'object';
}

/** JSON quoting shows control characters and lone surrogates as escapes. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > SHOWN_LENGTH_MAX ? text.slice(0, SHOWN_LENGTH_MAX) + '…' : text);
}
