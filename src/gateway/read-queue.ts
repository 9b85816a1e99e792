/**
 * Readings of stored decisions for subscribers that are behind the tail: a few at a time for all of them together, first come first served, so
 * that a crowd that catches up takes neither the disk nor the memory from the others.
 */
import type { EncodedDecision } from '../protocol/decision.ts';
import type { DecisionSource } from '../protocol/decision-source.ts';

export class ReadQueue {
  readonly #source: DecisionSource;
  readonly #inFlightMax: number;
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;

  constructor(source: DecisionSource, inFlightMax: number) {
    this.#source = source;
    this.#inFlightMax = inFlightMax;
  }

  /** `isWanted` is asked when its turn comes: a subscriber that has gone by then costs nothing, and gets nothing. */
  async read(
    partition: number,
    from: number,
    bytesMax: number,
    isWanted: () => boolean,
  ): Promise<readonly EncodedDecision[]> {
    if (this.#inFlight === this.#inFlightMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inFlight++;
    try {
      return isWanted() ? await this.#source.read(partition, from, bytesMax) : [];
    } finally {
      // The place passes on to the one that waits longest.
      const next = this.#waiting.shift();
      if (next !== undefined) next();
      else this.#inFlight--;
    }
  }
}
