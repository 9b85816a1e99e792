/**
 * What new aggregates saw since their filling began, in order: it is added behind what history gives, because sums of doubles depend on their order. Transient: it is
 * no part of the state, and follows from the log from the beginning of the filling on. Bounded; a distinct text is kept once.
 */
import { FILL_JOURNAL_OBSERVATIONS_MAX, FILL_JOURNAL_TEXT_LENGTH_MAX } from '../../constants.ts';

const OBSERVATIONS_FIRST = 1024;

export class FillJournal {
  #capacity = 0;
  count = 0;
  /** Of them, given by `drain`. */
  #drained = 0;
  /** By observation: which aggregate, whose, the event's own time, log time, the value; the text's number, -1 where it is none. */
  #aggregates = new Uint8Array(0);
  #rows = new Int32Array(0);
  #times = new Float64Array(0);
  #logTimes = new Float64Array(0);
  #numbers = new Float64Array(0);
  #textNumbers = new Int32Array(0);
  readonly #texts: string[] = [];
  readonly #textNumber = new Map<string, number>();
  #textLength = 0;

  /** False: it is full, and nothing was added. `text` is null where the value is a number. */
  add(aggregate: number, row: number, time: number, logTime: number, number: number, text: string | null): boolean {
    if (this.count === FILL_JOURNAL_OBSERVATIONS_MAX) return false;
    const textNumber = text === null ? -1 : this.#keep(text);
    if (textNumber === -2) return false;
    if (this.count === this.#capacity) this.#grow();
    const at = this.count++;
    this.#aggregates[at] = aggregate;
    this.#rows[at] = row;
    this.#times[at] = time;
    this.#logTimes[at] = logTime;
    this.#numbers[at] = number;
    this.#textNumbers[at] = textNumber;
    return true;
  }

  /** Everything was given. */
  get drained(): boolean {
    return this.#drained === this.count;
  }

  /** Gives the observations that follow those it gave before, in order, `max` at most, until one is not taken: false then. */
  drain(
    max: number,
    take: (aggregate: number, row: number, time: number, logTime: number, number: number, text: string) => boolean,
  ): boolean {
    const end = Math.min(this.count, this.#drained + max);
    for (let at = this.#drained; at < end; at++) {
      const textNumber = this.#textNumbers[at] as number;
      const text = textNumber < 0 ? '' : (this.#texts[textNumber] as string);
      const [aggregate, row] = [this.#aggregates[at] as number, this.#rows[at] as number];
      const [time, logTime] = [this.#times[at] as number, this.#logTimes[at] as number];
      if (!take(aggregate, row, time, logTime, this.#numbers[at] as number, text)) return false;
    }
    this.#drained = end;
    return true;
  }

  /** Its number; -2 where there is no room for another text. */
  #keep(text: string): number {
    const known = this.#textNumber.get(text);
    if (known !== undefined) return known;
    if (this.#textLength + text.length > FILL_JOURNAL_TEXT_LENGTH_MAX) return -2;
    this.#textLength += text.length;
    const number = this.#texts.push(text) - 1;
    this.#textNumber.set(text, number);
    return number;
  }

  #grow(): void {
    const capacity = Math.min(FILL_JOURNAL_OBSERVATIONS_MAX, Math.max(OBSERVATIONS_FIRST, this.#capacity * 2));
    this.#aggregates = grown(this.#aggregates, new Uint8Array(capacity));
    this.#rows = grown(this.#rows, new Int32Array(capacity));
    this.#times = grown(this.#times, new Float64Array(capacity));
    this.#logTimes = grown(this.#logTimes, new Float64Array(capacity));
    this.#numbers = grown(this.#numbers, new Float64Array(capacity));
    this.#textNumbers = grown(this.#textNumbers, new Int32Array(capacity));
    this.#capacity = capacity;
  }
}

function grown<Values extends Uint8Array | Int32Array | Float64Array>(values: Values, into: Values): Values {
  into.set(values);
  return into;
}
