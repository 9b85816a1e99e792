/**
 * What is on the screen while the events go in. On a terminal: a line of progress that stays at the bottom, and above it as many decisions as an eye can
 * follow. Into a pipe: plain lines, every so-manieth decision, no progress.
 */
import type { SeenDecision } from './decision-watch.ts';
import { formatMoment, narrate } from './narrate.ts';

interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const LINES_PER_SECOND = 6;
const PROGRESS_PER_SECOND = 15;
const PLAIN_EVERY = 50;
const PLAIN_WIDTH = 160;
const BAR = 24;

export class Tail {
  readonly #out: Output;
  readonly #total: number;
  #decisions = 0;
  #shownAt = 0;
  #drawnAt = 0;
  #progress = '';

  constructor(out: Output, total: number) {
    this.#out = out;
    this.#total = total;
  }

  decision(decision: SeenDecision): void {
    const nth = this.#decisions++;
    if (!this.#out.isTTY) {
      if (nth % PLAIN_EVERY === 0) this.#out.write(`${narrate(decision, PLAIN_WIDTH)}\n`);
      return;
    }
    const now = performance.now();
    if (now - this.#shownAt < 1000 / LINES_PER_SECOND) return;
    this.#shownAt = now;
    this.#out.write(`\r\x1b[K${narrate(decision, (this.#out.columns ?? 100) - 1)}\n${this.#progress}`);
  }

  progress(sent: number, ts: string): void {
    if (!this.#out.isTTY) return;
    const now = performance.now();
    if (now - this.#drawnAt < 1000 / PROGRESS_PER_SECOND && sent < this.#total) return;
    this.#drawnAt = now;
    const done = Math.round((sent / this.#total) * BAR);
    const text = `${'█'.repeat(done)}${'░'.repeat(BAR - done)}  ${formatMoment(ts)}  ${sent.toLocaleString('en-GB')} events, ${this.#decisions.toLocaleString('en-GB')} decisions`;
    this.#progress = text.slice(0, (this.#out.columns ?? 100) - 1);
    this.#out.write(`\r\x1b[K${this.#progress}`);
  }

  finish(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }
}
