/**
 * Sends NDJSON lines as events over several lanes. Order law: *lines with the same hash are sent in the order of push*: a hash belongs to one lane, and a lane
 * sends its next batch only after the last one was acknowledged, however often that had to be tried.
 *
 * Lanes are a power of two and the hash is the one that partitions go by. So where the number of partitions is a multiple of the lanes (16 by
 * default), all of a partition's events go through one lane, and the whole partition sees them in the file's order. Under the event clock that matters: lanes
 * that run ahead would make the others' events late.
 *
 * Memory is bounded: push waits while its lane holds a batch in flight and another one full.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from './exit.ts';
import { type Answer, NodeClient, type NodeClientOptions, problemText } from './node-client.ts';

export interface EventSenderOptions extends NodeClientOptions {
  /** Events per second at most. */
  readonly rate?: number | undefined;
}

export interface RejectedLine {
  readonly line: number;
  /** From the closed set of reasons, where the node names it. */
  readonly reason: string;
  readonly error: string;
}

const LANES = 4;
const BATCH_EVENTS_MAX = 500;
/** Well below what one request may carry. */
const BATCH_BYTES_MAX = 512 * 1024;

interface Batch {
  readonly lines: Uint8Array[];
  readonly numbers: number[];
  bytes: number;
}

interface Lane {
  filling: Batch;
  inFlight: Promise<void> | null;
}

function createBatch(): Batch {
  return { lines: [], numbers: [], bytes: 0 };
}

export class EventSender {
  readonly #client: NodeClient;
  readonly #lanes: Lane[] = Array.from({ length: LANES }, () => ({ filling: createBatch(), inFlight: null }));
  readonly #rate: number | null;
  readonly #batchEventsMax: number;
  #failure: unknown = null;
  #startedAt: number | null = null;
  #released = 0;
  accepted = 0;
  rejected = 0;
  /** Told of each rejected line, as answers come. */
  onRejected: (rejected: RejectedLine) => void = () => {};

  constructor(options: EventSenderOptions) {
    this.#client = new NodeClient(options);
    this.#rate = options.rate ?? null;
    // A tenth of a second's worth, so that a rate is a rate and no burst.
    this.#batchEventsMax =
      this.#rate === null ? BATCH_EVENTS_MAX : Math.max(1, Math.min(BATCH_EVENTS_MAX, Math.ceil(this.#rate / 10)));
  }

  /** `orderHash`: from orderHashOf. Throws what made sending fail for good. */
  async push(line: Uint8Array, number: number, orderHash: number): Promise<void> {
    if (this.#failure) throw this.#failure;
    const lane = this.#lanes[orderHash % LANES] as Lane;
    while (lane.inFlight && this.#isFull(lane.filling)) await lane.inFlight;
    if (this.#failure) throw this.#failure;
    lane.filling.lines.push(line);
    lane.filling.numbers.push(number);
    lane.filling.bytes += line.length + 1;
    if (!lane.inFlight && this.#isFull(lane.filling)) this.#dispatch(lane);
  }

  /** Sends what is left, and waits for every answer; where sending failed for good, for the answers to what is on its way. */
  async drain(): Promise<void> {
    for (const lane of this.#lanes) {
      while (!this.#failure && (lane.inFlight || lane.filling.lines.length > 0)) {
        if (!lane.inFlight) this.#dispatch(lane);
        await this.#settleOthers(lane);
      }
    }
    for (const lane of this.#lanes) await lane.inFlight;
    if (this.#failure) throw this.#failure;
  }

  /** While one lane drains, the others get going as well. */
  async #settleOthers(lane: Lane): Promise<void> {
    for (const other of this.#lanes) if (!other.inFlight && other.filling.lines.length > 0) this.#dispatch(other);
    await lane.inFlight;
  }

  #isFull(batch: Batch): boolean {
    return batch.lines.length >= this.#batchEventsMax || batch.bytes >= BATCH_BYTES_MAX;
  }

  #dispatch(lane: Lane): void {
    const batch = lane.filling;
    lane.filling = createBatch();
    lane.inFlight = this.#send(batch)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        lane.inFlight = null;
        if (!this.#failure && this.#isFull(lane.filling)) this.#dispatch(lane);
      });
  }

  async #send(batch: Batch): Promise<void> {
    await this.#pace(batch.lines.length);
    const body = Buffer.alloc(batch.bytes, '\n');
    let at = 0;
    for (const line of batch.lines) {
      body.set(line, at);
      at += line.length + 1;
    }
    const answer = await this.#client.send('POST', '/v1/events', 'application/x-ndjson', body);
    if (answer.status !== 202)
      throw new InputError(`the node refused line ${batch.numbers[0]} and what follows: ${problemText(answer)}`);
    this.#count(answer, batch);
  }

  #count(answer: Answer, batch: Batch): void {
    const { accepted, rejected } = answer.body as {
      accepted: number;
      rejected: readonly { index: number; reason?: string; error: string }[];
    };
    this.accepted += accepted;
    this.rejected += rejected.length;
    for (const { index, reason, error } of rejected)
      this.onRejected({ line: batch.numbers[index] ?? 0, reason: reason ?? 'rejected', error });
  }

  /** Waits until these events are due. */
  async #pace(events: number): Promise<void> {
    if (this.#rate === null) return;
    this.#startedAt ??= performance.now();
    const dueAt = this.#startedAt + (this.#released / this.#rate) * 1000;
    this.#released += events;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await sleep(waitMs);
  }
}
