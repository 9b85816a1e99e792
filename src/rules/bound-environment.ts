/** Frames' names, and some more that stand for what other expressions give: a score over what a campaign is worth. */
import type { Environment } from './environment.ts';
import type { FrameEnvironment } from './frame-environment.ts';
import type { Ir } from './ir.ts';
import { mapChildren } from './ir-traits.ts';
import { didYouMean } from './suggest.ts';
import type { Binding } from './typed.ts';

/** Loops of an expression number their variables from 0 by depth: those of one that is put into another must not meet the other's. More than any depth. */
const LOCALS_APART = 16;

export class BoundEnvironment implements Environment {
  readonly mode = 'strict';
  readonly refusesBadLiterals = true;
  readonly prefixes = [''];
  readonly roots: readonly string[];
  readonly #frames: FrameEnvironment;
  readonly #bindings: ReadonlyMap<string, Binding>;

  /** The names are plain, without dots, and none of the frames' own. */
  constructor(frames: FrameEnvironment, bindings: ReadonlyMap<string, Binding>) {
    this.#frames = frames;
    this.#bindings = new Map(
      [...bindings].map(([name, binding], i) => [
        name,
        { ...binding, read: withLocalsFrom(LOCALS_APART * (i + 1), binding.read) },
      ]),
    );
    this.roots = [...frames.roots, ...bindings.keys()];
  }

  resolve(name: string): Binding | null {
    return this.#bindings.get(name) ?? this.#frames.resolve(name);
  }

  explain(name: string): string {
    const [root] = name.split('.', 1) as [string];
    if (this.#bindings.has(root)) return `"${root}" has no fields`;
    return this.#frames.roots.includes(root)
      ? this.#frames.explain(name)
      : `unknown name "${root}"${didYouMean(root, this.roots)}`;
  }

  field(list: number, name: string): ReturnType<Environment['field']> {
    return this.#frames.field(list, name);
  }

  explainField(list: number, name: string): string {
    return this.#frames.explainField(list, name);
  }
}

function withLocalsFrom(first: number, ir: Ir): Ir {
  const mapped = mapChildren(ir, (child) => withLocalsFrom(first, child));
  return mapped.op === 'loop' || mapped.op === 'local' ? { ...mapped, local: first + mapped.local } : mapped;
}
