/** A general environment: declared variables of any CEL type, bound to boxed values. The same pipeline as for frames; the conformance suite runs in it. */
import type { Environment } from './environment.ts';
import { didYouMean } from './suggest.ts';
import type { Binding } from './typed.ts';
import type { CelType } from './types.ts';

export interface VariableScope {
  /** By name, which may be dotted. */
  readonly variables: ReadonlyMap<string, CelType>;
  /** Prefix under which names are looked for first: `a.b` means a.b.x, then a.x, then x. */
  readonly container: string;
  readonly mode: 'strict' | 'lenient';
}

export class VariableEnvironment implements Environment {
  readonly mode: 'strict' | 'lenient';
  readonly refusesBadLiterals = false;
  readonly prefixes: readonly string[];
  readonly roots: readonly string[];
  readonly #bindings = new Map<string, Binding>();

  constructor(scope: VariableScope) {
    this.mode = scope.mode;
    this.prefixes = prefixesOf(scope.container);
    this.roots = [...scope.variables.keys()].map((name) => name.split('.', 1)[0] as string);
    [...scope.variables].forEach(([name, type], index) => {
      this.#bindings.set(name, { type, read: { op: 'variable', index }, has: null });
    });
  }

  resolve(name: string): Binding | null {
    return this.#bindings.get(name) ?? null;
  }
  explain(name: string): string {
    return `undeclared reference to "${name}"${didYouMean(name, this.#bindings.keys())}`;
  }
  field(): null {
    return null;
  }
  explainField(_list: number, name: string): string {
    return `unknown field "${name}"`;
  }
}

function prefixesOf(container: string): string[] {
  const parts = container === '' ? [] : container.split('.');
  return parts.map((_, i) => `${parts.slice(0, parts.length - i).join('.')}.`).concat('');
}
