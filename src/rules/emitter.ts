/** Where generated JavaScript is put together. Names come from counters only: nothing that a person wrote ever becomes source text. */

export class Emitter {
  #lines: string[] = [];
  #names = 0;
  #loopDepth = 0;
  /** Constants that the outermost loop in the making reads: vector → name. */
  readonly #loopConstants = new Map<number, string>();
  /** What the function reads of the frames, loaded at its start, in this order: name → expression. */
  readonly aliases = new Map<string, string>();
  /** Vectors whose constant is the same for all rules. */
  readonly uniforms = new Set<number>();
  /** Added to the numbers of vectors: functions for several shapes have all of their vectors in one list. */
  vectorBase = 0;

  /** A name that is used nowhere else in the function. */
  name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  emit(line: string): void {
    this.#lines.push(line);
  }

  /** What `make` emits, kept apart. */
  capture<T>(make: () => T): { readonly lines: readonly string[]; readonly result: T } {
    const outer = this.#lines;
    this.#lines = [];
    const result = make();
    const lines = this.#lines;
    this.#lines = outer;
    return { lines, result };
  }

  append(lines: readonly string[]): void {
    for (const line of lines) this.#lines.push(line);
  }

  /** Emits a loop; the constants that it reads are loaded once, before the outermost one. */
  loop(make: () => void): void {
    this.#loopDepth++;
    const { lines } = this.capture(make);
    this.#loopDepth--;
    if (this.#loopDepth === 0) {
      for (const [vector, name] of this.#loopConstants) this.emit(`const ${name} = ${this.vector(vector)}[r];`);
      this.#loopConstants.clear();
    }
    this.append(lines);
  }

  vector(vector: number): string {
    return `V${this.vectorBase + vector}`;
  }

  /** Where each rule's items begin in a vector of lists. */
  starts(vector: number): string {
    return `W${this.vectorBase + vector}`;
  }

  /** The rule's constant in a vector. */
  constant(vector: number): string {
    if (this.#loopDepth === 0) return `${this.vector(vector)}[r]`;
    const name = this.#loopConstants.get(vector) ?? this.name('c');
    this.#loopConstants.set(vector, name);
    return name;
  }

  /** The constant of all rules. */
  uniform(vector: number): string {
    this.uniforms.add(this.vectorBase + vector);
    return `U${this.vectorBase + vector}`;
  }

  alias(name: string, expression: string): string {
    this.aliases.set(name, expression);
    return name;
  }

  text(): string {
    return this.#lines.join('\n');
  }
}
