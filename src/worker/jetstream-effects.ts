/** The effects of one partition on NATS: its decision stream and its dead letters. Both publishers number, fence and resend; nothing here waits. */
import type { DeadLetterPublisher } from '../log/jetstream/dead-letter-publisher.ts';
import type { DecisionPublisher } from '../log/jetstream/decision-publisher.ts';
import type { Effects } from '../machine/effects.ts';
import type { EncodedDecision } from '../protocol/decision.ts';
import type { EffectSink } from './effect-sink.ts';

export class JetStreamEffects implements EffectSink {
  readonly #decisions: DecisionPublisher;
  readonly #deadLetters: DeadLetterPublisher;
  #added: EncodedDecision[] = [];

  constructor(decisions: DecisionPublisher, deadLetters: DeadLetterPublisher) {
    this.#decisions = decisions;
    this.#deadLetters = deadLetters;
  }

  /** False: too much waits to be stored; pause the reader until something is. */
  get hasRoom(): boolean {
    return this.#decisions.hasRoom && this.#deadLetters.hasRoom;
  }

  /** Every decision up to this number is stored. */
  get decisionsStoredUpTo(): number {
    return this.#decisions.durableUpTo;
  }

  /** Nothing waits to be stored. */
  get settled(): boolean {
    return this.#decisions.inFlight === 0 && this.#deadLetters.inFlight === 0;
  }

  add(recordTs: number, effects: Effects): void {
    this.#added.push(...effects.decisions);
    if (effects.deadLetters.length === 0) return;
    this.#deadLetters.publish(effects.deadLetters.map((letter) => ({ ...letter, ts: recordTs })));
  }

  flush(): void {
    if (this.#added.length === 0) return;
    this.#decisions.publish(this.#added);
    this.#added = [];
  }

  /** Dead letters may have been purged, and then their stream cannot tell numbers: all that were offered are stored when none is on its way. */
  durable(decision: number, deadLetter: number): boolean {
    const lettersStored = this.#deadLetters.inFlight === 0 || this.#deadLetters.durableUpTo >= deadLetter;
    return lettersStored && this.#decisions.durableUpTo >= decision;
  }

  close(): void {
    void this.#decisions.close();
    void this.#deadLetters.close();
  }
}
