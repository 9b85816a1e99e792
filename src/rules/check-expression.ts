/** CEL text to a Program: parse → check → lower, and the bound on what an evaluation may cost. */
import { EXPRESSION_STEPS_MAX } from '../constants.ts';
import { check } from './check.ts';
import type { Environment } from './environment.ts';
import { evaluationCost } from './evaluation-cost.ts';
import { FrameEnvironment, type RuleScope } from './frame-environment.ts';
import type { Ir } from './ir.ts';
import { childrenOf } from './ir-traits.ts';
import { lower } from './lower.ts';
import { parseExpression } from './parse.ts';
import type { Program, ProgramResult, RuleIssue } from './program.ts';
import { typeName } from './types.ts';

/** Never throws, whatever the text. `expected`: the types that the result may have. */
export function checkExpression(
  source: string,
  scope: RuleScope,
  expected: readonly ProgramResult[],
): { readonly program: Program } | { readonly issues: readonly RuleIssue[] } {
  return checkIn(source, new FrameEnvironment(scope), expected);
}

/** The same with names that are bound by the caller. */
export function checkIn(
  source: string,
  environment: Environment,
  expected: readonly ProgramResult[],
): { readonly program: Program } | { readonly issues: readonly RuleIssue[] } {
  const parsed = parseExpression(source);
  if ('issues' in parsed) return parsed;
  const { typed, issues } = check(source, parsed, environment);
  if (issues.length > 0) return { issues };
  const result = expected.find((type) => type === typed.type.kind);
  if (result === undefined) {
    return {
      issues: [
        { line: 1, column: 1, message: `expected ${expected.join(' or ')}, but this is ${typeName(typed.type)}` },
      ],
    };
  }
  const ir = lower(typed, environment);
  const steps = evaluationCost(ir);
  if (steps > EXPRESSION_STEPS_MAX) {
    const message =
      `too expensive: up to ${Math.round(steps)} steps for one evaluation, at most ${EXPRESSION_STEPS_MAX}; ` +
      'loops inside loops over lists of an event multiply';
    return { issues: [{ line: 1, column: 1, message }] };
  }
  return { program: { source, result, ir, ...reads(ir) } };
}

function reads(root: Ir): { readonly profileSlots: readonly number[]; readonly segments: readonly number[] } {
  const slots = new Set<number>();
  const segments = new Set<number>();
  const visit = (ir: Ir): void => {
    if ((ir.op === 'slot' || ir.op === 'has') && ir.from === 'profile') slots.add(ir.slot);
    if (ir.op === 'segment') segments.add(ir.index);
    for (const child of childrenOf(ir)) visit(child);
  };
  visit(root);
  const ascending = (a: number, b: number): number => a - b;
  return { profileSlots: [...slots].sort(ascending), segments: [...segments].sort(ascending) };
}
