/** Why a part of an expression has no value: an absent field where there is one at the bottom of it, the operation that has none for such values elsewhere. */
import type { ExplainedExpression } from '../protocol/explanation.ts';
import type { Typed } from './typed.ts';

/** `of`: what the operands and other parts came to; none of what is not told. */
export function explainFailure(typed: Typed, text: string, of: ReadonlyMap<Typed, ExplainedExpression>): string {
  if (typed.node === 'read') return readFailure(typed.binding.read.op, text, of);
  for (const part of typed.node === 'if' ? branches(typed, of) : of.keys()) {
    const error = of.get(part)?.error;
    if (error !== undefined && error !== null) return error;
  }
  return ownFailure(typed, text);
}

function readFailure(op: string, text: string, of: ReadonlyMap<Typed, ExplainedExpression>): string {
  if (op === 'segment') return [...of.values()][0]?.error ?? `${text} ended in an error`;
  const [root] = text.split('.', 1);
  if (root === 'profile') return `${text} has no value for this customer`;
  return `${text} is not in the ${root === 'trigger' ? 'triggering event' : 'event'}`;
}

/** What of a conditional was evaluated. */
function branches(
  typed: Extract<Typed, { readonly node: 'if' }>,
  of: ReadonlyMap<Typed, ExplainedExpression>,
): Typed[] {
  const { condition, whenTrue, whenFalse } = typed;
  const held = condition.node === 'literal' ? condition.value : of.get(condition)?.value;
  return [condition, held === true ? whenTrue : whenFalse];
}

function ownFailure(typed: Typed, text: string): string {
  switch (typed.node) {
    case 'loop':
      return `${text}: its condition cannot be told of every element`;
    case 'index':
      return `${text}: there is no such element`;
    case 'field':
      return `${text}: there is no such field`;
    case 'call':
      return `${text}: ${callFailure(typed.overload.id, typed.overload.name)}`;
    default:
      return `${text}: the values do not fit`;
  }
}

function callFailure(id: string, name: string): string {
  if (/^(divide|remainder)_u?int/.test(id)) return 'divided by zero, or out of range';
  if (/^(add|subtract|multiply|negate)_/.test(id)) return 'out of range';
  return /_to_/.test(id) ? `cannot be read as ${name}` : 'no result for these values';
}
