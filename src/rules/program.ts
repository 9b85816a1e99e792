/**
 * The intermediate form of one checked CEL expression. Made on the control plane (parse → check → lower), plain JSON, travels inside the
 * workspace version; shard workers compile it to functions when the version is activated.
 */
import type { Ir } from './ir.ts';

/** What a program's value is used as. */
export type ProgramResult = 'bool' | 'int' | 'double' | 'string' | 'timestamp';

export interface Program {
  /** The CEL text, for people. */
  readonly source: string;
  readonly result: ProgramResult;
  readonly ir: Ir;
  /** Slots of ProfileFrame that an evaluation may read itself (those read by the segments it names are not included). */
  readonly profileSlots: readonly number[];
  /** Indices into Schema.segments that it may read. */
  readonly segments: readonly number[];
}

/** A problem in an expression. line and column are 1-based within the expression's own text; column counts code points. */
export interface RuleIssue {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}
