/** The checked tree: every name resolved, every type known, macros as loops again. Lowered to the intermediate form right away; it never leaves this thread. */
import type { Overload } from './functions.ts';
import type { Ir } from './ir.ts';
import type { CelType } from './types.ts';

/** What a dotted name stands for. */
export interface Binding {
  readonly type: CelType;
  /** Reads the value. */
  readonly read: Ir;
  /** Tells whether there is one; null: always. */
  readonly has: Ir | null;
}

/** bigint for int and uint, as told apart by the type. */
export type LiteralValue = null | boolean | bigint | number | string | Uint8Array;

export type Comparison = '<' | '<=' | '>' | '>=';

export type Typed = { readonly type: CelType; readonly offset: number } & (
  | { readonly node: 'literal'; readonly value: LiteralValue }
  | { readonly node: 'read'; readonly binding: Binding }
  | { readonly node: 'has'; readonly binding: Binding }
  | { readonly node: 'local'; readonly local: number }
  | { readonly node: 'field' | 'hasField'; readonly operand: Typed; readonly field: string }
  | { readonly node: 'and' | 'or'; readonly items: readonly Typed[] }
  | { readonly node: 'not' | 'size' | 'dyn'; readonly operand: Typed }
  | { readonly node: 'if'; readonly condition: Typed; readonly whenTrue: Typed; readonly whenFalse: Typed }
  | { readonly node: 'compare'; readonly operator: Comparison; readonly left: Typed; readonly right: Typed }
  | { readonly node: 'equal'; readonly negated: boolean; readonly left: Typed; readonly right: Typed }
  | { readonly node: 'in'; readonly item: Typed; readonly container: Typed }
  | { readonly node: 'index'; readonly operand: Typed; readonly index: Typed }
  | { readonly node: 'call'; readonly overload: Overload; readonly args: readonly Typed[] }
  | { readonly node: 'dispatch'; readonly overloads: readonly Overload[]; readonly args: readonly Typed[] }
  | { readonly node: 'matches'; readonly text: Typed; readonly pattern: string; readonly instructions: number }
  | { readonly node: 'list'; readonly items: readonly Typed[] }
  | { readonly node: 'map'; readonly entries: readonly (readonly [Typed, Typed])[] }
  | {
      readonly node: 'loop';
      readonly macro: 'all' | 'exists' | 'existsOne' | 'map';
      readonly range: Typed;
      readonly local: number;
      readonly predicate: Typed | null;
      /** null: the item itself (filter). */
      readonly transform: Typed | null;
    }
  | { readonly node: 'fail' }
);
