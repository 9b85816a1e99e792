/** The parser expands macros into comprehensions; this finds the macro again, so that it can be checked, bounded and compiled as the loop that it is. */
import type { Expr, Expr_Comprehension } from '@bufbuild/cel-spec/cel/expr/syntax_pb.js';

export interface Macro {
  readonly name: 'all' | 'exists' | 'existsOne' | 'map';
  readonly variable: string;
  readonly range: Expr;
  readonly predicate: Expr | null;
  /** null for filter: the item itself. */
  readonly transform: Expr | null;
}

/** null if it is no form that the standard macros expand to. */
export function recognizeMacro(comprehension: Expr_Comprehension): Macro | null {
  const { iterVar: variable, iterVar2, iterRange: range, accuInit, accuVar, loopStep } = comprehension;
  if (range === undefined || accuInit === undefined || loopStep === undefined || iterVar2 !== '') return null;
  const base = { variable, range };
  const init = accuInit.exprKind;
  if (init.case === 'constExpr') {
    if (init.value.constantKind.case === 'boolValue') {
      const args = callArgs(loopStep, init.value.constantKind.value ? '_&&_' : '_||_');
      if (args === null || args.length !== 2) return null;
      return {
        ...base,
        name: init.value.constantKind.value ? 'all' : 'exists',
        predicate: args[1] as Expr,
        transform: null,
      };
    }
    const args = callArgs(loopStep, '_?_:_');
    if (args === null || args.length !== 3) return null;
    return { ...base, name: 'existsOne', predicate: args[0] as Expr, transform: null };
  }
  if (init.case !== 'listExpr') return null;
  const conditional = callArgs(loopStep, '_?_:_');
  const item = appended(conditional === null ? loopStep : (conditional[1] as Expr));
  if (item === null) return null;
  const predicate = conditional === null ? null : (conditional[0] as Expr);
  const isItself = predicate !== null && item.exprKind.case === 'identExpr' && item.exprKind.value.name === variable;
  return accuVar === '' ? null : { ...base, name: 'map', predicate, transform: isItself ? null : item };
}

function callArgs(expr: Expr, name: string): readonly Expr[] | null {
  const kind = expr.exprKind;
  return kind.case === 'callExpr' && kind.value.function === name ? kind.value.args : null;
}

/** The x of `accumulator + [x]`. */
function appended(expr: Expr): Expr | null {
  const list = callArgs(expr, '_+_')?.[1]?.exprKind;
  return list?.case === 'listExpr' ? (list.value.elements[0] ?? null) : null;
}
