/** Frames' names, and some more that stand for what other expressions give: a score over what a campaign is worth. */
import type { Environment } from './environment.ts';
import type { FrameEnvironment } from './frame-environment.ts';
import { didYouMean } from './suggest.ts';
import type { Binding } from './typed.ts';

export class BoundEnvironment implements Environment {
  readonly mode = 'strict';
  readonly refusesBadLiterals = true;
  readonly prefixes = [''];
  readonly roots: readonly string[];
  readonly #frames: FrameEnvironment;
  readonly #bindings: ReadonlyMap<string, Binding>;

  /**
   * The names are plain, without dots, and none of the frames' own. What they stand for reads no loop's variable but its own: these may be numbered as those around it, since a variable means the innermost loop
   * of its number.
   */
  constructor(frames: FrameEnvironment, bindings: ReadonlyMap<string, Binding>) {
    this.#frames = frames;
    this.#bindings = bindings;
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
