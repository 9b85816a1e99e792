/**
 * One subscriber: a filter, a frame, and for each partition the number of the next decision to look at. It is sent what the shared tail holds, and
 * what is older from the decision log.
 *
 * Order laws. *A partition's decisions are sent in the order of their numbers, each once*, and every frame carries a cursor that covers exactly
 * what was sent before it and with it (and what the filter left out). *Nothing counts as sent before the socket took it*: a frame that it dropped
 * is built again when it has drained. *Nothing is skipped*: if a decision that is due is no longer kept, the stream ends with an error.
 */
import type { EncodedDecision } from '../protocol/decision.ts';
import type { DecisionSource } from '../protocol/decision-source.ts';
import { assert } from '../stdx/assert.ts';
import type { DecisionFrame } from './decision-frames.ts';
import { type DecisionTail, TailEntry } from './decision-tail.ts';
import type { Problem } from './problem.ts';
import type { ReadQueue } from './read-queue.ts';
import type { DecisionFilter } from './stream-query.ts';
import { endWithProblem, type StreamClient, StreamClose, type StreamSocket } from './stream-socket.ts';

/** What subscriptions share. */
export interface SubscriptionContext {
  readonly source: DecisionSource;
  readonly tail: DecisionTail;
  readonly reads: ReadQueue;
  readonly readBytesMax: number;
  readonly turnBytesMax: number;
  /** The subscription has more to do: call its `pump` soon. */
  wake(subscription: Subscription): void;
  /** A stored decision could not be read. */
  readFailed(partition: number, error: unknown): void;
}

/** Passing over a decision takes about as long as sending so many bytes: a narrow filter must not make a turn endless. */
const SKIP_COST_BYTES = 32;

export class Subscription implements StreamClient {
  /** Waits for its turn in the queue of DecisionStream. */
  queued = false;
  readonly #context: SubscriptionContext;
  readonly #filter: DecisionFilter;
  readonly #frame: DecisionFrame;
  /** Everything below these numbers was taken by the socket, or left out by the filter. */
  readonly #sent: Float64Array;
  /** The same with what is in the frame. */
  readonly #staged: Float64Array;
  #socket: StreamSocket | null = null;
  /** The socket must drain first. */
  #blocked = false;
  #reading = false;
  /** Partition whose next decision is older than the tail; −1 if there is none. */
  #behind = -1;
  /** Partition at which the next turn begins: none is always served last. */
  #turn = 0;

  constructor(context: SubscriptionContext, filter: DecisionFilter, frame: DecisionFrame, next: readonly number[]) {
    this.#context = context;
    this.#filter = filter;
    this.#frame = frame;
    this.#sent = Float64Array.from(next);
    this.#staged = Float64Array.from(next);
  }

  opened(socket: StreamSocket): void {
    this.#socket = socket;
    this.#context.wake(this);
  }

  closed(): void {
    this.#socket = null;
    this.#frame.clear();
  }

  /** The socket has passed on some of what it held. */
  drained(): void {
    if (this.#socket === null || !this.#blocked || this.#socket.getBufferedAmount() > 0) return;
    this.#blocked = false;
    this.#context.wake(this);
  }

  /** What it asked for turned out to be impossible. */
  refuse(problem: Problem): void {
    if (this.#socket !== null) endWithProblem(this.#socket, problem, this.#frame.binary);
  }

  /** To ignore it would let a client believe that what it sent had an effect. */
  received(): void {
    this.end(StreamClose.unwantedMessage, 'the decision stream takes no messages; acknowledgements come with group=');
  }

  /** False while another event (drained, the end of a reading) has to come first. */
  get wakeable(): boolean {
    return this.#socket !== null && !this.#blocked && !this.#reading;
  }

  /** Announced decisions that it has not been sent, or that the filter has not seen yet. */
  get lag(): number {
    let lag = 0;
    for (let p = 0; p < this.#sent.length; p++)
      lag += Math.max(0, this.#context.tail.next(p) - (this.#sent[p] as number));
    return lag;
  }

  end(code: number, reason: string): void {
    this.#socket?.end(code, reason);
  }

  /** Sends what there is, at most about one turn's worth. Returns the bytes sent. */
  pump(): number {
    const socket = this.#socket;
    if (socket === null || !this.wakeable) return 0;
    let bytes = 0;
    this.#behind = -1;
    socket.cork(() => {
      bytes = this.#sendTail(socket);
    });
    this.#settle(socket);
    if (this.#behind >= 0 && this.wakeable) this.#read(this.#behind);
    return bytes;
  }

  /** Returns the cost, in bytes sent; `#behind` is then a partition that must be read. */
  #sendTail(socket: StreamSocket): number {
    const { tail, turnBytesMax } = this.#context;
    const partitions = this.#sent.length;
    let bytes = 0;
    for (let i = 0; i < partitions; i++) {
      const partition = (this.#turn + i) % partitions;
      for (let number = this.#staged[partition] as number; number < tail.next(partition); number++) {
        if (number < tail.first(partition)) {
          if (this.#behind < 0) this.#behind = partition;
          break;
        }
        bytes += this.#take(socket, partition, tail.at(partition, number));
        if (this.#blocked) return bytes;
        if (bytes >= turnBytesMax) {
          this.#turn = (partition + 1) % partitions;
          this.#context.wake(this);
          return bytes + this.#flush(socket);
        }
      }
    }
    return bytes + this.#flush(socket);
  }

  /** Stages one decision, and sends the frame if that fills it. Returns the cost, in bytes sent. */
  #take(socket: StreamSocket, partition: number, entry: TailEntry): number {
    this.#staged[partition] = entry.decision.number + 1;
    if (this.#filter.matches(entry.decision)) {
      this.#frame.append(entry);
      if (this.#frame.full) return this.#flush(socket);
      return 0;
    }
    if (this.#frame.count === 0) this.#sent[partition] = entry.decision.number + 1;
    return SKIP_COST_BYTES;
  }

  #flush(socket: StreamSocket): number {
    if (this.#frame.count === 0) return 0;
    const { binary } = this.#frame;
    const message = this.#frame.finish(this.#staged);
    const result = socket.send(message, binary);
    this.#blocked = result !== 1;
    if (result === 2) {
      this.#staged.set(this.#sent);
      return 0;
    }
    this.#sent.set(this.#staged);
    return message.length;
  }

  /** Within cork() sends only fill a buffer; whether the socket took it shows afterwards. */
  #settle(socket: StreamSocket): void {
    if (this.#socket === null) return;
    if (!this.#blocked) this.#blocked = socket.getBufferedAmount() > 0;
    // A frame was dropped although nothing is left to drain: then no drain will come.
    else if (socket.getBufferedAmount() === 0) this.drained();
  }

  #read(partition: number): void {
    const { reads, readBytesMax } = this.#context;
    this.#reading = true;
    this.#turn = (partition + 1) % this.#sent.length;
    const from = this.#sent[partition] as number;
    reads
      .read(partition, from, readBytesMax, () => this.#socket !== null)
      .then((decisions) => this.#onRead(partition, decisions))
      .catch((error: unknown) => {
        this.#context.readFailed(partition, error);
        this.end(StreamClose.internalError, 'stored decisions could not be read: connect again with the last cursor');
      });
  }

  #onRead(partition: number, decisions: readonly EncodedDecision[]): void {
    const socket = this.#socket;
    this.#reading = false;
    if (socket === null) return;
    const due = this.#sent[partition] as number;
    const first = decisions[0]?.number;
    if (first !== due) {
      const oldest = this.#context.source.positions().first[partition] as number;
      assert(oldest > due, `decision ${due} of partition ${partition} is kept since ${oldest}, but was not read`);
      const reason = `decision ${partition}-${due} is no longer kept, the oldest is ${oldest}: connect with from=earliest`;
      this.end(StreamClose.decisionsGone, reason);
      return;
    }
    socket.cork(() => this.#sendRead(socket, partition, decisions));
    this.#settle(socket);
    if (this.wakeable) this.#context.wake(this);
  }

  #sendRead(socket: StreamSocket, partition: number, decisions: readonly EncodedDecision[]): void {
    // What is stored but not announced yet must wait: it may not be durable.
    const end = this.#context.tail.next(partition);
    for (const decision of decisions) {
      if (decision.number >= end) break;
      assert(decision.number === this.#staged[partition], 'stored decisions have consecutive numbers');
      this.#take(socket, partition, new TailEntry(decision));
      // The rest is read again: a blocked subscriber holds no memory.
      if (this.#blocked) return;
    }
    this.#flush(socket);
  }
}
