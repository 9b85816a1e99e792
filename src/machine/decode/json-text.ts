/**
 * A strict JSON scanner over bytes (RFC 8259). JSON.parse reads every good message; this one is for the others: it says
 * where a text stops being JSON (the runtime's messages differ between versions, and rejections must not), and where
 * each element of an array begins and ends, so that one malformed event is set aside alone. It never recurses on input:
 * nesting is a counter.
 */
import { EVENT_DEPTH_MAX } from '../../constants.ts';

export const JsonProblem = { none: 0, syntax: 1, depth: 2 } as const;
export type JsonProblem = (typeof JsonProblem)[keyof typeof JsonProblem];

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

export class JsonScanner {
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  /** Where the last call stopped: after the value, or at the byte that is wrong. */
  at = 0;
  /** Per open container: true for an object. */
  readonly #isObject: boolean[] = [];
  /** Set by #openOrScalar when it stopped inside a container that is not empty. */
  #opened = false;

  open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#end = bytes.length;
    this.at = 0;
  }

  /** -1 at the end. */
  peek(): number {
    return this.at < this.#end ? (this.#bytes[this.at] as number) : -1;
  }

  skipSpace(): void {
    for (; this.at < this.#end; this.at++) {
      const c = this.#bytes[this.at];
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
    }
  }

  /** Checks one value from `at` (no leading space) and stops behind it. */
  value(): JsonProblem {
    const stack = this.#isObject;
    stack.length = 0;
    for (;;) {
      const problem = this.#openOrScalar();
      if (problem !== JsonProblem.none) return problem;
      // A value has just ended, or a container was opened (`#opened`): close what closes, then stand before the next
      // value.
      if (this.#opened) {
        this.#opened = false;
        continue;
      }
      for (;;) {
        if (stack.length === 0) return JsonProblem.none;
        this.skipSpace();
        const c = this.peek();
        const inObject = stack[stack.length - 1] as boolean;
        if (c === COMMA) {
          this.at++;
          this.skipSpace();
          if (inObject && !this.#key()) return JsonProblem.syntax;
          break;
        }
        if (c !== (inObject ? CLOSE_OBJECT : CLOSE_LIST)) return JsonProblem.syntax;
        this.at++;
        stack.pop();
      }
    }
  }

  /**
   * From `start`, goes to the comma or the closing bracket that ends this element of the outer list, trusting only
   * quotes and brackets; false at the end of the text. For resuming behind an element that is not JSON.
   */
  skipElement(start: number): boolean {
    let depth = 0;
    for (this.at = start; this.at < this.#end; this.at++) {
      const c = this.#bytes[this.at] as number;
      if (c === QUOTE) {
        if (!this.#skipString()) return false;
      } else if (c === OPEN_LIST || c === OPEN_OBJECT) {
        depth++;
      } else if (c === CLOSE_LIST || c === CLOSE_OBJECT) {
        if (depth === 0 && c === CLOSE_LIST) return true;
        if (depth > 0) depth--;
      } else if (c === COMMA && depth === 0) {
        return true;
      }
    }
    return false;
  }

  #openOrScalar(): JsonProblem {
    const c = this.peek();
    if (c === OPEN_OBJECT || c === OPEN_LIST) {
      const isObject = c === OPEN_OBJECT;
      this.at++;
      this.skipSpace();
      if (this.peek() === (isObject ? CLOSE_OBJECT : CLOSE_LIST)) {
        this.at++;
        return JsonProblem.none;
      }
      if (this.#isObject.length === EVENT_DEPTH_MAX) return JsonProblem.depth;
      this.#isObject.push(isObject);
      this.#opened = true;
      return isObject && !this.#key() ? JsonProblem.syntax : JsonProblem.none;
    }
    if (c === QUOTE) return this.#string() ? JsonProblem.none : JsonProblem.syntax;
    if (c === 0x74) return this.#word('true');
    if (c === 0x66) return this.#word('false');
    if (c === 0x6e) return this.#word('null');
    return this.#number() ? JsonProblem.none : JsonProblem.syntax;
  }

  /** `"key" :` and the space behind it. */
  #key(): boolean {
    if (this.peek() !== QUOTE || !this.#string()) return false;
    this.skipSpace();
    if (this.peek() !== COLON) return false;
    this.at++;
    this.skipSpace();
    return true;
  }

  #string(): boolean {
    for (this.at++; this.at < this.#end; this.at++) {
      const c = this.#bytes[this.at] as number;
      if (c === QUOTE) {
        this.at++;
        return true;
      }
      if (c < 0x20) return false;
      if (c === BACKSLASH && !this.#escape()) return false;
    }
    return false;
  }

  /** From the backslash to the last byte of the escape. */
  #escape(): boolean {
    this.at++;
    const c = this.peek();
    if (c === 0x75) {
      for (let i = 0; i < 4; i++) {
        this.at++;
        const h = this.peek();
        if (!((h >= 0x30 && h <= 0x39) || (h >= 0x41 && h <= 0x46) || (h >= 0x61 && h <= 0x66))) return false;
      }
      return true;
    }
    return (
      c === QUOTE || c === BACKSLASH || c === 0x2f || c === 0x62 || c === 0x66 || c === 0x6e || c === 0x72 || c === 0x74
    );
  }

  #skipString(): boolean {
    for (this.at++; this.at < this.#end; this.at++) {
      const c = this.#bytes[this.at];
      if (c === BACKSLASH) this.at++;
      else if (c === QUOTE) return true;
    }
    return false;
  }

  #word(word: string): JsonProblem {
    for (let i = 0; i < word.length; i++, this.at++) {
      if (this.peek() !== word.charCodeAt(i)) return JsonProblem.syntax;
    }
    return JsonProblem.none;
  }

  #number(): boolean {
    if (this.peek() === 0x2d) this.at++;
    if (this.peek() === 0x30) this.at++;
    else if (!this.#digits()) return false;
    if (this.peek() === 0x2e) {
      this.at++;
      if (!this.#digits()) return false;
    }
    if ((this.peek() | 0x20) === 0x65) {
      this.at++;
      if (this.peek() === 0x2b || this.peek() === 0x2d) this.at++;
      if (!this.#digits()) return false;
    }
    return true;
  }

  #digits(): boolean {
    const start = this.at;
    while (this.peek() >= 0x30 && this.peek() <= 0x39) this.at++;
    return this.at > start;
  }
}
