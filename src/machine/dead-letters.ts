/** What is refused: numbered in the partition, counted, and told with what was wrong. */
import type { LogRecord } from '../protocol/record.ts';
import { RejectReason } from '../protocol/rejection.ts';
import { type Effects, UNKNOWN_TYPE } from './effects.ts';
import type { Fault } from './fault.ts';

/** Where the partition counts them: the machine's globals. */
interface DeadLetterNumbers {
  rejected: number;
  deadLetterCount: number;
}

export class DeadLetters {
  readonly #numbers: DeadLetterNumbers;
  readonly #fault: Fault;

  constructor(numbers: DeadLetterNumbers, fault: Fault) {
    this.#numbers = numbers;
    this.#fault = fault;
  }

  /** Of what the fault says. `raw` is kept. */
  add(type: string, index: number, raw: Uint8Array, effects: Effects): void {
    const { reason, error } = this.#fault;
    this.#numbers.rejected++;
    const number = ++this.#numbers.deadLetterCount;
    effects.rejections.push({ index, reason, error });
    effects.deadLetters.push({ number, reason, error, raw });
    effects.eventCounts.rejected(type, reason);
  }

  /** Whoever may publish chooses the kind as well as the payload: it is data, and one bad record must not end replay. */
  addRecord({ kind, payload }: LogRecord, effects: Effects): void {
    this.#fault.set(
      RejectReason.unsupported,
      `records of kind ${kind} are not supported; events go to beckon.events.<partition>`,
    );
    this.add(UNKNOWN_TYPE, 0, new Uint8Array(payload), effects);
  }
}
