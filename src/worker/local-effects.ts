/**
 * The effects of one partition in embedded mode: the decision log and the dead-letter log on disk, and what the main thread has to announce.
 * Law: a decision is in its log, flushed, before it is announced, so that a reader that falls behind finds it there.
 */
import type { Effects } from '../machine/effects.ts';
import { ByteWriter } from '../stdx/bytes.ts';
import { encodeDeadLetterEntry } from '../storage/dead-letter-entry.ts';
import { encodeDecisionEntry } from '../storage/decision-entry.ts';
import type { NumberedLog } from '../storage/numbered-log.ts';
import type { EffectSink } from './effect-sink.ts';
import type { DecisionBatch } from './messages.ts';

export class LocalEffects implements EffectSink {
  readonly #partition: number;
  readonly #decisions: NumberedLog;
  readonly #deadLetters: NumberedLog;
  /** Replay derives decisions again that were announced when they were made; subscribers find them in the log. */
  #announcing = false;
  /** Flushed, not announced yet: (u32 length, entry) repeated. */
  readonly #packed = new ByteWriter();
  #packedCount = 0;

  constructor(partition: number, decisions: NumberedLog, deadLetters: NumberedLog) {
    this.#partition = partition;
    this.#decisions = decisions;
    this.#deadLetters = deadLetters;
  }

  /** Number of the decision to come. */
  get next(): number {
    return this.#decisions.next;
  }

  add(recordTs: number, effects: Effects): void {
    for (const decision of effects.decisions) {
      const entry = encodeDecisionEntry(decision);
      this.#decisions.append(decision.number, entry);
      if (!this.#announcing) continue;
      this.#packed.u32(entry.length);
      this.#packed.raw(entry);
      this.#packedCount += 1;
    }
    for (const { number, reason, error, raw } of effects.deadLetters) {
      this.#deadLetters.append(number, encodeDeadLetterEntry({ ts: recordTs, reason, error, raw }));
    }
  }

  flush(): void {
    this.#decisions.flush();
    this.#deadLetters.flush();
  }

  /** After recovery. */
  startAnnouncing(): void {
    this.#announcing = true;
  }

  /** What was added since it was last asked, to be announced; null if there is nothing. Flush first. */
  takeBatch(): DecisionBatch | null {
    if (this.#packedCount === 0) return null;
    const count = this.#packedCount;
    const batch = { partition: this.#partition, first: this.next - count, count, bytes: this.#packed.copy() };
    this.#packed.clear();
    this.#packedCount = 0;
    return batch;
  }

  durable(): boolean {
    this.#decisions.sync();
    this.#deadLetters.sync();
    return true;
  }

  close(): void {
    this.#decisions.close();
    this.#deadLetters.close();
  }
}
