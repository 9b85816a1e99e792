/**
 * The way of one partition's events into its log.
 *
 * Order law: *a batch is sent when the one before it is settled.* With two under way at once, a retry of the first would come to stand behind the second, and
 * with it earlier events of a customer behind later ones. It costs no throughput: what comes in meanwhile becomes the next batch.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PRODUCER_RETRY_MS_MAX, PRODUCER_RETRY_MS_MIN } from '../constants.ts';
import { BATCH_OVERHEAD_BYTES, Batch, type BatchFormat } from './batch.ts';
import { type Delivery, DeliveryError } from './event.ts';
import type { Link } from './link.ts';

export interface LaneSettings {
  readonly format: BatchFormat;
  readonly batchBytes: number;
  readonly batchEvents: number;
  readonly lingerMs: number;
  /** How long after the first attempt that may have stored it a batch may be sent again. */
  readonly ambiguousMs: number;
  /** How long after it was due a batch is given up in any case. */
  readonly giveUpMs: number;
  nextBatchId(): string;
  /** Events of this many bytes are stored or given up. */
  onSettled(bytes: number): void;
}

export class Lane {
  readonly #partition: number;
  readonly #link: Link;
  readonly #settings: LaneSettings;
  /** Complete, in order; the first of them is under way while `#busy`. */
  readonly #queue: Batch[] = [];
  #open: Batch | null = null;
  #busy = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(partition: number, link: Link, settings: LaneSettings) {
    this.#partition = partition;
    this.#link = link;
    this.#settings = settings;
  }

  /** Resolves or rejects with the batch that the event becomes part of. */
  add(event: Uint8Array): Promise<Delivery> {
    const { batchBytes, batchEvents, lingerMs, format } = this.#settings;
    if (this.#open !== null && this.#open.bytes + event.length + BATCH_OVERHEAD_BYTES > batchBytes) this.#complete();
    if (this.#open === null) {
      this.#open = new Batch(this.#partition, this.#settings.nextBatchId(), format, performance.now() + lingerMs);
    }
    const batch = this.#open;
    batch.add(event);
    if (batch.events >= batchEvents) this.#complete();
    this.#advance();
    return batch.stored;
  }

  /** Sends what waits for company; resolves once all that was added so far is settled, stored or not. */
  async flush(): Promise<void> {
    this.#complete();
    this.#advance();
    await this.#queue.at(-1)?.settled;
  }

  #complete(): void {
    if (this.#open === null) return;
    this.#queue.push(this.#open);
    this.#open = null;
  }

  /** Sends the next batch, or sees to it that it is sent in time. */
  #advance(): void {
    if (this.#busy) return;
    if (this.#queue.length === 0 && this.#open !== null) {
      const waitMs = this.#open.dueAt - performance.now();
      if (waitMs > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = null;
          this.#advance();
        }, waitMs);
        return;
      }
      this.#complete();
    }
    const batch = this.#queue[0];
    if (batch === undefined) return;
    this.#busy = true;
    void this.#deliver(batch);
  }

  async #deliver(batch: Batch): Promise<void> {
    const outcome = await this.#attempt(batch);
    this.#queue.shift();
    this.#busy = false;
    this.#settings.onSettled(batch.eventBytes);
    batch.settle(outcome);
    this.#advance();
  }

  /** Attempt after attempt, until the batch is stored or must be given up. */
  async #attempt(batch: Batch): Promise<Delivery | DeliveryError> {
    const { ambiguousMs, giveUpMs } = this.#settings;
    let deadline = batch.dueAt + giveUpMs;
    let ambiguous = false;
    let problem = 'there was no connection';
    for (let pauseMs = PRODUCER_RETRY_MS_MIN; ; pauseMs = Math.min(pauseMs * 2, PRODUCER_RETRY_MS_MAX)) {
      if (!(await this.#link.ready(deadline))) return new DeliveryError(ambiguous ? 'unknown' : 'no', problem);
      const startedAt = performance.now();
      const outcome = await this.#link.publish(batch);
      if (!('problem' in outcome)) return outcome;
      problem = outcome.problem;
      if (outcome.ambiguous && !ambiguous) {
        ambiguous = true;
        deadline = Math.min(deadline, startedAt + ambiguousMs);
      }
      if (!outcome.retry) return new DeliveryError(ambiguous ? 'unknown' : 'no', problem);
      await sleep(pauseMs);
    }
  }
}
