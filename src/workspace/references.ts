/** Names that one file declares and others refer to. */
import type { IssueList } from './issue-list.ts';
import { suggestion } from './suggest.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

export class Names {
  /** What they name, for messages: `offer`. */
  readonly what: string;
  /** Where they are declared: `offers.yaml`. */
  readonly where: string;
  /** False where their file is faulty: then nothing can be called unknown. */
  readonly complete: boolean;
  readonly #indices = new Map<string, number>();
  readonly #declared: number;

  /** `builtIn`: names that nobody declares, behind the others. */
  constructor(
    what: string,
    where: string,
    complete: boolean,
    names: Iterable<string> = [],
    builtIn: Iterable<string> = [],
  ) {
    this.what = what;
    this.where = where;
    this.complete = complete;
    for (const name of names) this.#add(name);
    this.#declared = this.#indices.size;
    for (const name of builtIn) this.#add(name);
  }

  #add(name: string): void {
    if (!this.#indices.has(name)) this.#indices.set(name, this.#indices.size);
  }

  get all(): Iterable<string> {
    return this.#indices.keys();
  }

  get size(): number {
    return this.#indices.size;
  }

  /** Index in the order of declaration; -1: no such name. */
  indexOf(name: string): number {
    return this.#indices.get(name) ?? -1;
  }

  /** The same for a reference that stands at `path`; an unknown one is reported. */
  resolve(name: string, file: YamlFile, path: YamlPath, issues: IssueList): number {
    const index = this.indexOf(name);
    if (index < 0 && this.complete)
      issues.report(file.name, file.valueMark(path), `unknown ${this.what} \`${name}\`${this.#hint(name)}`);
    return index;
  }

  /** The same for a reference that is a key of a mapping. */
  resolveKey(name: string, file: YamlFile, path: YamlPath, issues: IssueList): number {
    const index = this.indexOf(name);
    if (index < 0 && this.complete)
      issues.report(file.name, file.keyMark(path), `unknown ${this.what} \`${name}\`${this.#hint(name)}`);
    return index;
  }

  /** A list of references, each at most once. */
  resolveList(names: readonly string[], file: YamlFile, path: YamlPath, issues: IssueList): number[] {
    const indices: number[] = [];
    names.forEach((name, i) => {
      const index = this.resolve(name, file, [...path, i], issues);
      if (index < 0) return;
      if (indices.includes(index)) issues.report(file.name, file.valueMark([...path, i]), `\`${name}\` is given twice`);
      else indices.push(index);
    });
    return indices;
  }

  #hint(name: string): string {
    return this.#declared === 0 ? `: ${this.where} declares none` : suggestion(name, this.all);
  }
}
