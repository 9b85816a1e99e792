/**
 * The main thread's end of one shard worker. Gathers what arrives within one turn of the event loop into one message, and bounds what is on its way:
 * beyond SHARD_PENDING_BYTES_MAX a submission is refused, so that memory never grows with a producer's speed.
 */
import { Worker } from 'node:worker_threads';
import { SHARD_PENDING_BYTES_MAX } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import type { SeriesRegistration } from '../telemetry/shared-series.ts';
import type {
  AppliedPosition,
  FromShard,
  PartitionStatus,
  ShardOptions,
  ShardQuery,
  Submission,
  SubmissionKind,
  SubmissionOutcome,
  ToShard,
} from './messages.ts';

/** What a shard tells its owner besides answers. */
export interface ShardEvents {
  applied(message: Extract<FromShard, { type: 'applied' }>): void;
  log(message: Extract<FromShard, { type: 'log' }>): void;
  series(worker: number, registration: SeriesRegistration): void;
  /** A record of messages for a partition of another worker; delivered(ticket) once it is durable there. */
  message(worker: number, message: Extract<FromShard, { type: 'message' }>): void;
  /** Records of the partition at or below `position` may go. */
  retained(partition: number, position: number): void;
  /** The partition has applied everything that was in its stream when the node started. */
  caughtUp(partition: number): void;
  /** The partition cannot go on; the others do. */
  halted(partition: number, reason: string): void;
  /** The worker's thread ended though nobody asked it to. Nothing it had not answered is acknowledged; the process must end. */
  failed(worker: number, error: Error): void;
}

interface Waiting {
  readonly bytes: number;
  readonly resolve: (outcome: SubmissionOutcome) => void;
}

export class ShardHandle {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #queries = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  /** Rejects with what recovery met: it says which file, and what to do. */
  readonly ready: Promise<readonly PartitionStatus[]>;
  readonly #stopped: Promise<void>;
  #queued: { ticket: number; partition: number; kind: SubmissionKind; payload: Uint8Array }[] = [];
  #queuedBytes = 0;
  #pendingBytes = 0;
  #ticket = 0;
  #recovered = false;
  #stopping = false;
  #settled: () => void = () => {};

  constructor(options: ShardOptions, events: ShardEvents) {
    this.#worker = new Worker(new URL(`./shard-worker${import.meta.url.slice(-3)}`, import.meta.url), {
      workerData: options,
      name: `shard-${options.worker}`,
    });
    let ready!: (partitions: readonly PartitionStatus[]) => void;
    let notReady!: (error: Error) => void;
    let stopped!: () => void;
    this.ready = new Promise((resolve, reject) => {
      ready = resolve;
      notReady = reject;
    });
    this.#stopped = new Promise((resolve) => {
      stopped = resolve;
    });
    this.#worker.on('message', (message: FromShard) => {
      switch (message.type) {
        case 'applied':
          this.#settle(message.outcomes, () => events.applied(message));
          return;
        case 'answer':
          this.#takeQuery(message.ticket).resolve(message.value);
          return;
        case 'message':
          events.message(options.worker, message);
          return;
        case 'settled':
          this.#settled();
          return;
        case 'late':
          this.#takeQuery(message.ticket).reject(
            new Error(
              'what was acknowledged is not applied yet: the log cannot be reached, or there is a long backlog',
            ),
          );
          return;
        case 'ready':
          this.#recovered = true;
          ready(message.partitions);
          return;
        case 'log':
          events.log(message);
          return;
        case 'series':
          events.series(options.worker, message.registration);
          return;
        case 'retained':
          events.retained(message.partition, message.position);
          return;
        case 'caughtUp':
          events.caughtUp(message.partition);
          return;
        case 'halted':
          events.halted(message.partition, message.reason);
          return;
        case 'stopped':
          stopped();
          return;
      }
    });
    const failed = (error: Error): void => {
      if (this.#recovered) events.failed(options.worker, error);
      else notReady(error);
    };
    this.#worker.on('error', failed);
    this.#worker.on('exit', (code) => {
      if (!this.#stopping) failed(new Error(`shard worker ${options.worker} ended with code ${code}`));
      stopped();
    });
  }

  /** Ask before append() for what producers send; a refusal becomes 429. */
  get hasRoom(): boolean {
    return this.#pendingBytes < SHARD_PENDING_BYTES_MAX;
  }

  /** Resolves once the record is durable and applied. */
  append(partition: number, kind: SubmissionKind, payload: Uint8Array): Promise<SubmissionOutcome> {
    const ticket = ++this.#ticket;
    this.#pendingBytes += payload.length;
    if (this.#queued.length === 0) setImmediate(() => this.#flush());
    this.#queued.push({ ticket, partition, kind, payload });
    this.#queuedBytes += payload.length;
    return new Promise((resolve) => this.#waiting.set(ticket, { bytes: payload.length, resolve }));
  }

  /** Sees every submission that was answered, and these records. */
  query(query: ShardQuery, after: readonly AppliedPosition[]): Promise<unknown> {
    this.#flush();
    const ticket = ++this.#ticket;
    this.#post({ type: 'query', ticket, query, after });
    return new Promise((resolve, reject) => this.#queries.set(ticket, { resolve, reject }));
  }

  /** Every worker has recovered. */
  start(): void {
    this.#post({ type: 'start' });
  }

  delivered(ticket: number): void {
    this.#post({ type: 'delivered', ticket });
  }

  /** Resolves when nothing is under way in the worker, or as long as that may take has passed. No time passes there any more. */
  async settle(): Promise<void> {
    this.#flush();
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    this.#post({ type: 'settle' });
    await Promise.race([settled, this.#stopped]);
  }

  /** Lets the worker finish what it was given, take its snapshots and close its files. */
  async stop(): Promise<void> {
    this.#flush();
    this.#stopping = true;
    this.#post({ type: 'stop' });
    await this.#stopped;
  }

  #flush(): void {
    if (this.#queued.length === 0) return;
    const bytes = new Uint8Array(this.#queuedBytes);
    const submissions: Submission[] = [];
    let start = 0;
    for (const { ticket, partition, kind, payload } of this.#queued) {
      bytes.set(payload, start);
      submissions.push({ ticket, partition, kind, start, end: start + payload.length });
      start += payload.length;
    }
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#post({ type: 'submit', submissions, bytes: bytes.buffer }, [bytes.buffer]);
  }

  /** Decisions are announced before the answers that speak of them. */
  #settle(outcomes: readonly SubmissionOutcome[], announce: () => void): void {
    announce();
    for (const outcome of outcomes) {
      const waiting = this.#waiting.get(outcome.ticket);
      assert(waiting, `shard answered ticket ${outcome.ticket} that nobody waits for`);
      this.#waiting.delete(outcome.ticket);
      this.#pendingBytes -= waiting.bytes;
      waiting.resolve(outcome);
    }
  }

  #takeQuery(ticket: number): { resolve: (value: unknown) => void; reject: (error: Error) => void } {
    const waiting = this.#queries.get(ticket);
    assert(waiting, `shard answered query ${ticket} that nobody waits for`);
    this.#queries.delete(ticket);
    return waiting;
  }

  #post(message: ToShard, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
