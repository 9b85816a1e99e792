/**
 * Answers to tills whose event has winners that wait for units of a budget or limit: they are held back until these settle, which takes messages between partitions a few
 * milliseconds, or until DECIDE_HOLD_MS_MAX, and then say which campaigns still wait. Decisions that follow later go to subscribers alone.
 *
 * A repeat of such an event is answered with what was decided at once: that is what an event's id is remembered with.
 */
import { DECIDE_HOLD_MS_MAX } from '../constants.ts';
import type { Effects } from '../machine/effects.ts';

/** What one event has led to so far. */
export interface EventAnswer {
  /** JSON bytes of each decision, in the order in which they were made. */
  readonly decisions: readonly Uint8Array[];
  /** Campaigns of winners that wait for units. */
  readonly waiting: readonly string[];
}

interface Held {
  readonly decisions: Uint8Array[];
  /** Campaigns, by number of the pending entry. */
  readonly waiting: Map<number, string>;
  readonly answer: (answer: EventAnswer) => void;
  readonly timer: NodeJS.Timeout;
}

export class HeldAnswers {
  /** By partition and number of a pending entry. */
  readonly #held = new Map<string, Held>();
  readonly #onAnswered: () => void;

  /** `onAnswered`: an answer was given between two records, because its time was up. */
  constructor(onAnswered: () => void) {
    this.#onAnswered = onAnswered;
  }

  /** After each record, before `hold`: what it settled of earlier ones. */
  settle(partition: number, { settled }: Effects): void {
    if (this.#held.size === 0) return;
    for (const { number, decision } of settled) {
      const held = this.#held.get(`${partition}-${number}`);
      if (held === undefined) continue;
      if (decision !== null) held.decisions.push(decision.json);
      this.#held.delete(`${partition}-${number}`);
      held.waiting.delete(number);
      if (held.waiting.size === 0) finish(held);
    }
  }

  /** For the one event of a record: `answer` is called at once if nothing waits. */
  hold(partition: number, effects: Effects, answer: (answer: EventAnswer) => void): void {
    const own = effects.decisions.filter(({ eventIndex }) => eventIndex >= 0);
    const waiting = new Map<number, string>();
    for (const { eventIndex, number, campaign } of effects.waitingUnits)
      if (eventIndex >= 0) waiting.set(number, campaign);
    for (const { number, decision } of effects.settled) {
      if (waiting.delete(number) && decision !== null && !own.includes(decision)) own.push(decision);
    }
    const decisions = own.map(({ json }) => json);
    if (waiting.size === 0) {
      answer({ decisions, waiting: [] });
      return;
    }
    const timer = setTimeout(() => {
      this.#release(partition, held);
      this.#onAnswered();
    }, DECIDE_HOLD_MS_MAX);
    const held: Held = { decisions, waiting, answer, timer };
    for (const number of waiting.keys()) this.#held.set(`${partition}-${number}`, held);
  }

  /** Before an end: everybody is answered with what there is. */
  releaseAll(): void {
    for (const held of new Set(this.#held.values())) finish(held);
    this.#held.clear();
  }

  #release(partition: number, held: Held): void {
    for (const number of held.waiting.keys()) this.#held.delete(`${partition}-${number}`);
    finish(held);
  }
}

function finish({ decisions, waiting, answer, timer }: Held): void {
  clearTimeout(timer);
  answer({ decisions, waiting: [...waiting.values()] });
}
