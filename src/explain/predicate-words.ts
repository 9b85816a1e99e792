/** Of an expression what a person asks first: which of its parts made it false, and what they came to. */
import type { ExplainedExpression } from '../protocol/explanation.ts';
import { KEEP, listText, numberText, ofText, shorten } from './quantities.ts';
import type { Wording } from './wording.ts';

const TEXT_LENGTH_MAX = 96;
const VALUE_LENGTH_MAX = 40;
const ERROR_LENGTH_MAX = 160;
/** Parts told in one sentence. */
const PARTS_MAX = 4;

/** Why it was false, or had no value, part by part: `profile.receipts_30d >= 3 (is 1)`. */
export function whyFalse(expression: ExplainedExpression, wording: Wording): readonly string[] {
  const told = [...new Set(culprits(expression).map((part) => partText(part, wording)))];
  const shown = told.slice(0, PARTS_MAX);
  return shown.length < told.length ? [...shown, `and ${told.length - shown.length} more`] : shown;
}

/** The smallest parts that made it so: of && those that were false (or, where nothing was, had no value), of || all. */
function culprits(expression: ExplainedExpression): readonly ExplainedExpression[] {
  const { kind, value, parts } = expression;
  if (kind !== 'and' && kind !== 'or') return [expression];
  const inner =
    kind === 'or' ? parts : parts.filter((part) => (value === null ? part.error !== null : part.value === false));
  return inner.length === 0 ? [expression] : inner.flatMap(culprits);
}

/** A part that is not taken apart, with what it reads. */
export function partText(part: ExplainedExpression, wording: Wording): string {
  const text = shorten(part.text, TEXT_LENGTH_MAX);
  const [first] = part.parts;
  if (part.kind === 'segment' && first !== undefined) {
    if (part.value === false) return `${text}: ${whyFalse(first, wording).join(' and ')}`;
    if (part.value === null) return shorten(`${text}: ${part.error}`, ERROR_LENGTH_MAX);
  }
  if (part.error !== null) return shorten(part.error, ERROR_LENGTH_MAX);
  const held = part.kind === 'not' ? first?.held : part.held;
  if (held !== undefined && held !== null) return `${text} (${heldText(held)})`;
  // A constant.
  if (part.kind === 'call' && part.parts.length === 0) return text;
  if (part.parts.length === 0) return `${text} is ${valueText(part, wording)}`;
  return `${text} (${readText(part, wording)})`;
}

function heldText({ of, count }: { readonly of: number; readonly count: number }): string {
  if (of === 0) return 'the list is empty';
  const counted = count === 0 ? ['none', 'of', of].join(KEEP) : ofText(count, of);
  return ['true', 'for', counted].join(KEEP);
}

/** What its operands came to: of one at the beginning of the text without its name. */
function readText(part: ExplainedExpression, wording: Wording): string {
  const operands = part.kind === 'not' || part.kind === 'if' ? fieldsOf(part) : part.parts;
  const [only] = operands;
  if (operands.length === 1 && only !== undefined && part.text.startsWith(`${only.text} `))
    return `is${KEEP}${valueText(only, wording)}`;
  return listText(
    operands.map((operand) => `${shorten(operand.text, TEXT_LENGTH_MAX)} is ${valueText(operand, wording)}`),
    PARTS_MAX,
  );
}

/** Everything that it reads, each once. */
function fieldsOf(expression: ExplainedExpression): readonly ExplainedExpression[] {
  const fields = new Map<string, ExplainedExpression>();
  const visit = (part: ExplainedExpression): void => {
    if (part.kind === 'field' || part.kind === 'segment') fields.set(part.text, part);
    else part.parts.forEach(visit);
  };
  expression.parts.forEach(visit);
  return [...fields.values()];
}

export function valueText({ value, type, error }: ExplainedExpression, wording: Wording): string {
  if (error !== null) return 'missing';
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'string') return String(value);
  if (type === 'timestamp') return wording.when(value);
  return type === 'string' ? `"${shorten(value, VALUE_LENGTH_MAX)}"` : shorten(value, VALUE_LENGTH_MAX);
}
