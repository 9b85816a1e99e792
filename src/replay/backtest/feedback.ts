/**
 * Feedback in the world after: gateways answered the decisions of the world before, by their ids. What they said of a decision is said of the same one under the number that it has after; of one that was
 * not made there nothing is known. What customers would have done with decisions that were never sent cannot be known at all: those get no feedback.
 */
import { Payload } from '../../machine/decode/payload.ts';
import { Fault } from '../../machine/fault.ts';
import { currentAlone } from '../split-events.ts';

const TYPE = '$feedback';
/** No decision ever has it: feedback on it is counted as unmatched, as it is on any decision that is not there. */
const NO_DECISION = Number.MAX_SAFE_INTEGER;

const needle = Buffer.from(TYPE);
const encoder = new TextEncoder();

export class FeedbackTranslator {
  readonly #partition: number;
  readonly #counterpart: (number: number) => number;
  readonly #payload = new Payload(new Fault());

  /** `counterpart`: of a decision before, its number after; 0: there is none. */
  constructor(partition: number, counterpart: (number: number) => number) {
    this.#partition = partition;
    this.#counterpart = counterpart;
  }

  /**
   * The payloads that take the record's place, one after the other: itself, where it tells of no decision that has another number. Ids do not depend on how events are put into records.
   */
  translate(bytes: Uint8Array): readonly Uint8Array[] {
    if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(needle)) return [bytes];
    const payload = this.#payload;
    const events: Uint8Array[] = [];
    let changed = false;
    payload.open(bytes);
    while (payload.next()) {
      const translated = payload.ok ? this.#translated(payload.value) : null;
      if (translated !== null) changed = true;
      events.push(translated ?? currentAlone(payload));
    }
    return changed ? events : [bytes];
  }

  /** null: it stays as it is. */
  #translated(event: unknown): Uint8Array | null {
    const { type, data } = (event ?? {}) as { type?: unknown; data?: unknown };
    const { decision } = (data ?? {}) as { decision?: unknown };
    if (type !== TYPE || typeof decision !== 'string') return null;
    const [, partition, number] = /^(\d+)-(\d+)$/.exec(decision) ?? [];
    if (number === undefined || Number(partition) !== this.#partition) return null;
    const counterpart = this.#counterpart(Number(number)) || NO_DECISION;
    if (counterpart === Number(number)) return null;
    const told = { ...(event as object), data: { ...(data as object), decision: `${partition}-${counterpart}` } };
    return encoder.encode(JSON.stringify(told));
  }
}
