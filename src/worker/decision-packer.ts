/** Packs decisions of one partition into the bytes of a DecisionBatch, so that a message carries one buffer and not thousands. */
import type { EncodedDecision } from '../protocol/decision.ts';
import { assert } from '../stdx/assert.ts';
import { ByteWriter } from '../stdx/bytes.ts';
import { encodeDecisionEntry } from '../storage/decision-entry.ts';
import type { DecisionBatch } from './messages.ts';

export class DecisionPacker {
  readonly #partition: number;
  readonly #bytes = new ByteWriter();
  #first = 0;
  #count = 0;

  constructor(partition: number) {
    this.#partition = partition;
  }

  /** Their numbers go on where the last ones ended. */
  add(decisions: readonly EncodedDecision[]): void {
    for (const decision of decisions) {
      if (this.#count === 0) this.#first = decision.number;
      assert(
        decision.number === this.#first + this.#count,
        `partition ${this.#partition}: decision ${decision.number} out of order`,
      );
      const entry = encodeDecisionEntry(decision);
      this.#bytes.u32(entry.length);
      this.#bytes.raw(entry);
      this.#count += 1;
    }
  }

  batch(): DecisionBatch {
    return { partition: this.#partition, first: this.#first, count: this.#count, bytes: this.#bytes.copy() };
  }
}
