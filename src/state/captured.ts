/**
 * What generated source knows by name: the arrays and objects it works on, as parameters of the function around it,
 * where the compiler takes them for the constants that they are. That is what makes generated code faster than the same
 * written out: an event's aggregates in 20 ns instead of 50. The source itself is made of names and numbers only;
 * nothing that a person wrote is part of it.
 */
export class Captured {
  readonly #values: unknown[] = [];

  /** The name under which the source finds `value`. */
  name(value: object): string {
    let index = this.#values.indexOf(value);
    if (index < 0) index = this.#values.push(value) - 1;
    return `captured${index}`;
  }

  /** Runs `source`, which returns something. */
  run(source: string): unknown {
    const make = new Function(...this.#values.map((_, index) => `captured${index}`), `'use strict';\n${source}`);
    return make(...this.#values);
  }
}
