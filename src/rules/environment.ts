/** Where the names of an expression come from. */

import type { Binding } from './typed.ts';
import type { CelType } from './types.ts';

export interface Environment {
  /**
   * strict: what can be told to fail before evaluation is refused. lenient: it becomes an evaluation error, as in CEL without a type checker
   * (for the conformance suite). What is not supported is refused either way.
   */
  readonly mode: 'strict' | 'lenient';
  /** Whether a literal that can only fail, such as duration('5d'), is refused; CEL itself makes it an evaluation error. */
  readonly refusesBadLiterals: boolean;
  /** Prefixes under which a name is looked for, longest first, '' among them. */
  readonly prefixes: readonly string[];
  /** Names that others may start with, for telling an unknown field from an unknown name. */
  readonly roots: readonly string[];
  resolve(name: string): Binding | null;
  /** Message for a dotted name that stands for nothing. */
  explain(name: string): string;
  /** The field of an element of the list of objects that `operand` is an element of; null if it has none of this name. */
  field(list: number, name: string): { readonly type: CelType; readonly column: number } | null;
  explainField(list: number, name: string): string;
}
