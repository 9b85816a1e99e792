/** What a shard on NATS talks through: one connection, the publishers of every partition, and ways to open the rest. */
import { SETTLE_LOOK_MS, SETTLE_MS_MAX } from '../constants.ts';
import type { NatsLink } from '../log/jetstream/connection.ts';
import { DeadLetterPublisher } from '../log/jetstream/dead-letter-publisher.ts';
import { DecideRequests } from '../log/jetstream/decide-requests.ts';
import { DecisionPublisher } from '../log/jetstream/decision-publisher.ts';
import type { PublisherHandlers } from '../log/jetstream/fenced-publisher.ts';
import { LogWriter } from '../log/jetstream/log-writer.ts';
import type { LogPosition } from '../log/jetstream/position-check.ts';
import { JetStreamReader, type ReaderHandlers } from '../log/jetstream/reader.ts';
import type { StoredDecisions } from '../log/jetstream/stored-decisions.ts';
import type { StreamTails } from '../log/jetstream/stream-tails.ts';
import type { Machine } from '../machine/machine.ts';
import type { EffectSink } from './effect-sink.ts';
import { HeldAnswers } from './held-answers.ts';
import { JetStreamEffects } from './jetstream-effects.ts';
import type { Log } from './recovery.ts';

export class JetStreamLinks {
  readonly writer: LogWriter;
  readonly requests: DecideRequests;
  /** Partitions whose publishers could not be opened, or stopped for good. */
  readonly failures = new Map<number, Error>();
  /** Some effects of the partition became durable. Set by the host. */
  onStored: (partition: number) => void = () => {};
  onFailed: (partition: number, error: Error) => void = () => {};
  /** What repeats of a `decide` are answered with. */
  readonly stored: StoredDecisions;
  readonly tails: StreamTails;
  readonly held = new HeldAnswers(() => {});
  readonly #connection: NatsLink;
  readonly #log: Log;
  readonly #sinks = new Map<number, JetStreamEffects>();

  constructor(connection: NatsLink, stored: StoredDecisions, tails: StreamTails, log: Log) {
    this.#connection = connection;
    this.stored = stored;
    this.tails = tails;
    this.#log = log;
    this.writer = new LogWriter(connection);
    this.requests = new DecideRequests(connection, this.writer);
  }

  /** For a machine as its snapshot has it. A decision stream that does not fit halts the partition, not the node. */
  async openEffects(partition: number, machine: Machine): Promise<EffectSink> {
    const handlers: PublisherHandlers = {
      durable: () => this.onStored(partition),
      failed: (error) => this.#fail(partition, error),
      log: this.#log,
    };
    try {
      const decisions = await DecisionPublisher.open(this.#connection, partition, machine.decisionCount, handlers);
      const deadLetters = await DeadLetterPublisher.open(this.#connection, partition, handlers);
      const sink = new JetStreamEffects(decisions, deadLetters);
      this.#sinks.set(partition, sink);
      return sink;
    } catch (error) {
      this.#fail(partition, error as Error);
      return nowhere;
    }
  }

  openReader(partition: number, position: LogPosition, handlers: ReaderHandlers): Promise<JetStreamReader> {
    return JetStreamReader.open(this.#connection, partition, position, handlers);
  }

  hasRoom(partition: number): boolean {
    return this.#sinks.get(partition)?.hasRoom ?? true;
  }

  /** Every decision of the partition up to this number is stored; null once nothing more will be. */
  decisionsStoredUpTo(partition: number): number | null {
    return this.failures.has(partition) ? null : (this.#sinks.get(partition)?.decisionsStoredUpTo ?? null);
  }

  /** Resolves when nothing waits to be stored any more, or nothing more will be, or SETTLE_MS_MAX has passed: what is not stored then is derived again by replay. `isSettled`: what else is to be waited for. */
  async settle(isSettled: () => boolean): Promise<void> {
    this.requests.close();
    this.held.releaseAll();
    const deadline = performance.now() + SETTLE_MS_MAX;
    while ((this.#waiting() || !isSettled()) && !this.#connection.isClosed() && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, SETTLE_LOOK_MS));
  }

  async close(): Promise<void> {
    this.writer.close();
    await this.#connection.close();
  }

  #waiting(): boolean {
    return [...this.#sinks].some(([partition, sink]) => !this.failures.has(partition) && !sink.settled);
  }

  #fail(partition: number, error: Error): void {
    this.failures.set(partition, error);
    this.onFailed(partition, error);
  }
}

/** The sink of a partition that has halted: nothing is stored, so nothing becomes durable and no snapshot valid. */
const nowhere: EffectSink = {
  add: () => {},
  flush: () => {},
  durable: () => false,
  close: () => {},
};
