/** Sorts distinct small numbers in place, without garbage: few of them by insertion, many by way of a bitmap. */

/** Above this many, a bitmap is faster. */
const INSERTION_SORT_MAX = 64;

export class AscendingSort {
  readonly #words: Int32Array;

  /** Of numbers below `bound`, each at most once. */
  constructor(bound: number) {
    this.#words = new Int32Array((bound + 31) >> 5);
  }

  sort(values: Int32Array, count: number): void {
    for (let i = 1; i < count; i++) {
      if ((values[i] as number) > (values[i - 1] as number)) continue;
      if (count > INSERTION_SORT_MAX) this.#byBits(values, count);
      else byInsertion(values, count, i);
      return;
    }
  }

  #byBits(values: Int32Array, count: number): void {
    const words = this.#words;
    for (let i = 0; i < count; i++) {
      const value = values[i] as number;
      words[value >> 5] = (words[value >> 5] as number) | (1 << (value & 31));
    }
    let next = 0;
    for (let word = 0; word < words.length; word++) {
      let bits = words[word] as number;
      if (bits === 0) continue;
      words[word] = 0;
      while (bits !== 0) {
        // The lowest bit that is set.
        values[next++] = (word << 5) + 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
      }
    }
  }
}

/** The first `from` are in order. */
function byInsertion(values: Int32Array, count: number, from: number): void {
  for (let i = from; i < count; i++) {
    const value = values[i] as number;
    let j = i - 1;
    while (j >= 0 && (values[j] as number) > value) {
      values[j + 1] = values[j] as number;
      j--;
    }
    values[j + 1] = value;
  }
}
