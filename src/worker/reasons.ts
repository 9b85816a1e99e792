/**
 * Reasons, on the main thread: the shard says how far the customer's partition is, and a thread in the background replays its files up to there. So an answer covers everything that was
 * acknowledged before the question, and the shard goes on meanwhile.
 */
import { WHY_WAITING_MAX } from '../constants.ts';
import type { WhyFormat, WhyOutcome, WhyQuestion } from '../protocol/why.ts';
import type { WhyStanding } from '../replay/why/standing.ts';
import { partitionOf } from '../stdx/hash.ts';
import type { Shards } from './shards.ts';

export interface ReasonParts {
  readonly shards: Shards;
  readonly partitions: number;
  readonly dataDirectory: string;
  /** In the background. */
  readonly explain: (
    task: {
      readonly dataDirectory: string;
      readonly partition: number;
      readonly question: WhyQuestion;
      readonly format: WhyFormat;
      readonly standing: WhyStanding;
    },
    signal: AbortSignal,
  ) => Promise<WhyOutcome>;
}

export class Reasons {
  readonly #parts: ReasonParts;
  #waiting = 0;

  constructor(parts: ReasonParts) {
    this.#parts = parts;
  }

  /** null: as many as may be are under way. Rejects once `signal` is aborted: nobody waits for it any more, and its place is free. */
  why(question: WhyQuestion, format: WhyFormat, signal: AbortSignal): Promise<WhyOutcome> | null {
    return this.#waiting >= WHY_WAITING_MAX ? null : this.#explain(question, format, signal);
  }

  async #explain(question: WhyQuestion, format: WhyFormat, signal: AbortSignal): Promise<WhyOutcome> {
    const { shards, partitions, dataDirectory, explain } = this.#parts;
    const { customer, campaign } = question;
    const partition = partitionOf(customer, partitions);
    this.#waiting++;
    try {
      const standing = await shards.standing(partition, customer, campaign);
      signal.throwIfAborted();
      return await explain({ dataDirectory, partition, question, format, standing }, signal);
    } finally {
      this.#waiting--;
    }
  }
}
