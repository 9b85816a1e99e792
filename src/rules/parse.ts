/**
 * CEL text to the library's syntax tree, within limits that hold before anything recurses: length, then nodes and depth (the parser itself gives a RangeError where its recursion is too deep). Positions are turned into
 * lines and columns (both from 1, columns in code points).
 */
import { parse as parseCel } from '@bufbuild/cel';
import type { Expr } from '@bufbuild/cel-spec/cel/expr/syntax_pb.js';
import { EXPRESSION_DEPTH_MAX, EXPRESSION_LENGTH_MAX, EXPRESSION_NODES_MAX } from '../constants.ts';
import type { RuleIssue } from './program.ts';
import { explainSyntax } from './syntax-problem.ts';

export interface Parsed {
  readonly expr: Expr;
  /** UTF-16 offset of a node in the source. */
  offsetOf(expr: Expr): number;
}

export function parseExpression(source: string): Parsed | { readonly issues: readonly RuleIssue[] } {
  const early = refuseEarly(source);
  if (early !== null) return { issues: [early] };
  let parsed: ReturnType<typeof parseCel>;
  try {
    parsed = parseCel(source);
  } catch (error) {
    return { issues: [syntaxIssue(source, error)] };
  }
  const positions = parsed.sourceInfo?.positions as Readonly<Record<string, number>> | undefined;
  const offsetOf = (expr: Expr): number => positions?.[String(expr.id)] ?? 0;
  const tooLarge = measure(parsed.expr);
  if (tooLarge !== null) return { issues: [{ line: 1, column: 1, message: tooLarge }] };
  return { expr: parsed.expr, offsetOf };
}

function refuseEarly(source: string): RuleIssue | null {
  if (source.length > EXPRESSION_LENGTH_MAX) {
    const message = `expression too long: ${source.length} characters, at most ${EXPRESSION_LENGTH_MAX}`;
    return { line: 1, column: 1, message };
  }
  return source.trim() === '' ? { line: 1, column: 1, message: 'empty expression' } : null;
}

/** Counts nodes and depth without recursion. A chain of && or || is one level, however long. */
function measure(root: Expr): string | null {
  let nodes = 0;
  const stack: { expr: Expr; depth: number }[] = [{ expr: root, depth: 1 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { expr, depth } = top;
    if (++nodes > EXPRESSION_NODES_MAX)
      return `expression too large: more than ${EXPRESSION_NODES_MAX} operations and literals`;
    if (depth > EXPRESSION_DEPTH_MAX) return `expression nested too deeply: more than ${EXPRESSION_DEPTH_MAX} levels`;
    for (const child of childrenOf(expr))
      stack.push({ expr: child, depth: continuesChain(expr, child) ? depth : depth + 1 });
  }
  return null;
}

function continuesChain(parent: Expr, child: Expr): boolean {
  if (parent.exprKind.case !== 'callExpr' || child.exprKind.case !== 'callExpr') return false;
  const name = parent.exprKind.value.function;
  return (name === '_&&_' || name === '_||_') && child.exprKind.value.function === name;
}

function childrenOf(expr: Expr): Expr[] {
  const kind = expr.exprKind;
  const children: (Expr | undefined)[] = [];
  switch (kind.case) {
    case 'selectExpr':
      children.push(kind.value.operand);
      break;
    case 'callExpr':
      children.push(kind.value.target, ...kind.value.args);
      break;
    case 'listExpr':
      children.push(...kind.value.elements);
      break;
    case 'structExpr':
      for (const entry of kind.value.entries) {
        children.push(entry.value, entry.keyKind.case === 'mapKey' ? entry.keyKind.value : undefined);
      }
      break;
    case 'comprehensionExpr':
      children.push(kind.value.iterRange, kind.value.loopStep);
      break;
  }
  return children.filter((child) => child !== undefined);
}

function syntaxIssue(source: string, error: unknown): RuleIssue {
  if (error instanceof RangeError) return { line: 1, column: 1, message: 'expression nested too deeply' };
  const quoted = source.search(/\.\s*`/);
  if (quoted >= 0) return issueAt(source, quoted, 'not supported: field names in back quotes');
  const { location, message } = error as SyntaxProblem;
  const found = location?.start?.offset;
  // Errors without a place are about what a literal says: a surrogate, an octal escape out of range.
  if (found === undefined) return { line: 1, column: 1, message: `syntax error: ${message ?? 'unreadable'}` };
  return issueAt(source, found, explainSyntax(source, found));
}

/** What the parser throws. */
interface SyntaxProblem {
  readonly location?: { readonly start?: { readonly offset?: number } };
  readonly message?: string;
}

/** Line and column of a UTF-16 offset. */
export function issueAt(source: string, offset: number, message: string): RuleIssue {
  const before = source.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  const line = before.split('\n').length;
  return { line, column: [...before.slice(lineStart)].length + 1, message };
}
