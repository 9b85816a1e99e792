/**
 * A queue of (due time, number) pairs with their rows, earliest first and lowest number first among equals: a binary
 * heap in typed arrays that grow by doubling. Numbers are unique, so the order of taking out is total and does not
 * depend on the order of putting in. Due times may be Infinity.
 */
const PLACES_MIN = 64;

export class TimerHeap {
  size = 0;
  #dues = new Float64Array(PLACES_MIN);
  #numbers = new Float64Array(PLACES_MIN);
  #rows = new Int32Array(PLACES_MIN);

  get bytes(): number {
    return this.#dues.byteLength + this.#numbers.byteLength + this.#rows.byteLength;
  }

  /** Of the pair at `place`; place 0 is the first. */
  due(place: number): number {
    return this.#dues[place] as number;
  }
  number(place: number): number {
    return this.#numbers[place] as number;
  }
  row(place: number): number {
    return this.#rows[place] as number;
  }

  push(due: number, number: number, row: number): void {
    if (this.size === this.#dues.length) this.#resize(this.size * 2);
    this.#rise(this.size++, due, number, row);
  }

  /** Takes out the first pair. */
  pop(): void {
    const last = --this.size;
    if (last > 0) this.#sink(0, this.due(last), this.number(last), this.row(last));
  }

  /** Keeps the pairs that `keep` wants, and gives back what memory they no longer need. */
  retain(keep: (row: number, number: number) => boolean): void {
    let kept = 0;
    for (let place = 0; place < this.size; place++) {
      if (keep(this.row(place), this.number(place)))
        this.#put(kept++, this.due(place), this.number(place), this.row(place));
    }
    this.size = kept;
    if (kept * 4 < this.#dues.length && this.#dues.length > PLACES_MIN) this.#resize(Math.max(PLACES_MIN, kept * 2));
    for (let place = (kept >>> 1) - 1; place >= 0; place--) {
      this.#sink(place, this.due(place), this.number(place), this.row(place));
    }
  }

  #rise(from: number, due: number, number: number, row: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      if (!this.#before(due, number, parent)) break;
      this.#put(place, this.due(parent), this.number(parent), this.row(parent));
      place = parent;
    }
    this.#put(place, due, number, row);
  }

  #sink(from: number, due: number, number: number, row: number): void {
    let place = from;
    for (;;) {
      let child = place * 2 + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && this.#before(this.due(child + 1), this.number(child + 1), child)) child++;
      if (this.#before(due, number, child)) break;
      this.#put(place, this.due(child), this.number(child), this.row(child));
      place = child;
    }
    this.#put(place, due, number, row);
  }

  #before(due: number, number: number, place: number): boolean {
    const other = this.due(place);
    return due < other || (due === other && number < this.number(place));
  }

  #put(place: number, due: number, number: number, row: number): void {
    this.#dues[place] = due;
    this.#numbers[place] = number;
    this.#rows[place] = row;
  }

  #resize(places: number): void {
    const [dues, numbers, rows] = [this.#dues, this.#numbers, this.#rows];
    this.#dues = new Float64Array(places);
    this.#numbers = new Float64Array(places);
    this.#rows = new Int32Array(places);
    this.#dues.set(dues.subarray(0, this.size));
    this.#numbers.set(numbers.subarray(0, this.size));
    this.#rows.set(rows.subarray(0, this.size));
  }
}
