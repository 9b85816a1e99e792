/** CEL text over declared variables to a function from their values to a value. */
import { check } from './check.ts';
import { valueFunction } from './generate-function.ts';
import { lower } from './lower.ts';
import { box } from './lower-values.ts';
import { parseExpression } from './parse.ts';
import type { RuleIssue } from './program.ts';
import { liftConstants, vectorsOf } from './shapes.ts';
import type { CelType } from './types.ts';
import type { Failure, Value } from './values.ts';
import { VariableEnvironment, type VariableScope } from './variable-environment.ts';

export interface CompiledValue {
  readonly type: CelType;
  /** undefined: the expression ended in an error. A variable without a binding is one where it is read. */
  evaluate(bindings: ReadonlyMap<string, Value>): Value | Failure;
}

export function compileValue(
  source: string,
  scope: VariableScope,
): { readonly compiled: CompiledValue } | { readonly issues: readonly RuleIssue[] } {
  const parsed = parseExpression(source);
  if ('issues' in parsed) return parsed;
  const environment = new VariableEnvironment(scope);
  const { typed, issues } = check(source, parsed, environment);
  if (issues.length > 0) return { issues };
  const { shape, constants } = liftConstants(box(lower(typed, environment)), null);
  const run = valueFunction(shape, vectorsOf(shape.kinds, [constants]));
  const names = [...scope.variables.keys()];
  return { compiled: { type: typed.type, evaluate: (bindings) => run(names.map((name) => bindings.get(name))) } };
}
