/**
 * What is on the screen while the events go in. On a terminal: a line of progress that stays at the bottom, and above it as many decisions as an eye can
 * follow. Into a pipe: plain lines, one of so many decisions, no progress. Of those that could be shown, the one whose campaign was shown least.
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
  readonly #shown = new Map<string, number>();
  #next: SeenDecision | null = null;
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
    if (this.#next === null || this.#timesShown(decision) < this.#timesShown(this.#next)) this.#next = decision;
    const due = this.#out.isTTY
      ? performance.now() - this.#shownAt >= 1000 / LINES_PER_SECOND
      : nth % PLAIN_EVERY === 0;
    if (due) this.#show(this.#next);
  }

  #timesShown({ campaign }: SeenDecision): number {
    return this.#shown.get(campaign) ?? 0;
  }

  #show(decision: SeenDecision): void {
    this.#next = null;
    this.#shownAt = performance.now();
    this.#shown.set(decision.campaign, this.#timesShown(decision) + 1);
    if (this.#out.isTTY)
      this.#out.write(`\r\x1b[K${narrate(decision, (this.#out.columns ?? 100) - 1)}\n${this.#progress}`);
    else this.#out.write(`${narrate(decision, PLAIN_WIDTH)}\n`);
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
