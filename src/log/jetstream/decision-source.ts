/**
 * The decision streams of all partitions as a gateway sees them, from JetStream: decision k of partition p is message k of BECKON_DECISIONS_<p>, on every
 * node, so that a cursor made by one node means the same to all others.
 *
 * Order law: what `positions().next` covers is stored, and can be read. `first` may lag behind retention by DECISION_POSITIONS_REFRESH_MS; a reading that
 * finds nothing at its start has brought it up to date.
 */
import type { JetStreamManager, NatsConnection } from 'nats';
import {
  DECISION_FETCH_RETRY_MS,
  DECISION_POSITIONS_REFRESH_MS,
  DECISION_TAIL_REQUEST_MS_MAX,
} from '../../constants.ts';
import type { EncodedDecision } from '../../protocol/decision.ts';
import { assert } from '../../stdx/assert.ts';
import { DecisionFetch } from './decision-source-fetch.ts';
import { DecisionStreamTail } from './decision-source-tail.ts';
import type { StreamLog } from './stream-follower.ts';

type Listener = (partition: number, decisions: readonly EncodedDecision[]) => void;

export interface DecisionSourceEvents {
  /** A partition's stream was deleted or made anew; its decisions are neither announced nor read any more. */
  halted(partition: number, error: Error): void;
  readonly log: StreamLog;
}

export class JetStreamDecisionSource {
  /** Of the streams: what cursors are bound to. */
  readonly identity: string;
  readonly #fetch: DecisionFetch;
  readonly #listeners = new Set<Listener>();
  readonly #refresh: NodeJS.Timeout;
  #tails: readonly DecisionStreamTail[] = [];
  #refreshing = false;
  #closed = false;

  private constructor(connection: NatsConnection, manager: JetStreamManager, partitions: number, identity: string) {
    this.identity = identity;
    this.#fetch = new DecisionFetch(connection, manager, partitions);
    this.#refresh = setInterval(() => void this.#refreshPositions(), DECISION_POSITIONS_REFRESH_MS);
  }

  /** The streams must exist (ensureStreams); `identity` is StreamIdentity.id. Resolves when every partition is followed from its present end. */
  static async open(
    connection: NatsConnection,
    partitions: number,
    identity: string,
    events: DecisionSourceEvents,
  ): Promise<JetStreamDecisionSource> {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: DECISION_TAIL_REQUEST_MS_MAX });
    const source = new JetStreamDecisionSource(connection, manager, partitions, identity);
    const tailEvents = {
      announced: (partition: number, decisions: readonly EncodedDecision[]) => source.#announce(partition, decisions),
      halted: (partition: number, error: Error) => events.halted(partition, error),
      log: events.log,
    };
    const opening = Array.from({ length: partitions }, (_, p) =>
      DecisionStreamTail.open(connection, manager, p, tailEvents),
    );
    const opened = await Promise.allSettled(opening);
    source.#tails = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failed = opened.find((result) => result.status === 'rejected');
    if (failed === undefined) return source;
    source.close();
    throw failed.reason;
  }

  positions(): { readonly first: readonly number[]; readonly next: readonly number[] } {
    return { first: this.#tails.map((tail) => tail.first), next: this.#tails.map((tail) => tail.next) };
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** From `from` on, up to what was announced; empty at the end, or if retention has removed `from`: `positions().first` is beyond it then. */
  async read(partition: number, from: number, bytesMax: number): Promise<readonly EncodedDecision[]> {
    const tail = this.#tail(partition);
    if (tail.halted !== null) throw tail.halted;
    if (from >= tail.next || from < tail.first) return [];
    const decisions = await this.#fetch.read(partition, from, tail.next, bytesMax);
    if (decisions.length > 0) return decisions;
    await tail.refresh();
    if (from >= tail.first) throw new Error(`decision ${partition}-${from} is missing from the middle of its stream`);
    return [];
  }

  /** The JSON of decisions `first` … `first + count − 1`, without those that the stream no longer keeps. They must have been announced. */
  async readRange(partition: number, first: number, count: number): Promise<Uint8Array[]> {
    const end = first + count;
    const found: Uint8Array[] = [];
    for (let from = first; from < end; ) {
      const read = await this.read(partition, from, 1);
      for (const decision of read) if (decision.number < end) found.push(decision.json);
      from = read.length > 0 ? from + read.length : Math.max(from + 1, this.#tail(partition).first);
    }
    return found;
  }

  /** A cursor from another node may be ahead of this node's tail, never of the streams. Asks their leaders until they answer; false once closed. */
  async reaches(next: readonly number[]): Promise<boolean> {
    const ahead = this.#tails.filter((tail) => tail.next < (next[tail.partition] as number));
    while (!this.#closed) {
      try {
        const ends = await Promise.all(ahead.map((tail) => tail.refresh()));
        return ahead.every((tail, i) => (ends[i]?.next ?? 0) >= (next[tail.partition] as number));
      } catch {
        await new Promise((resolve) => setTimeout(resolve, DECISION_FETCH_RETRY_MS));
      }
    }
    return false;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#refresh);
    this.#fetch.close();
    for (const tail of this.#tails) tail.close();
    this.#listeners.clear();
  }

  #tail(partition: number): DecisionStreamTail {
    const tail = this.#tails[partition];
    assert(tail, `partition ${partition} exists`);
    return tail;
  }

  #announce(partition: number, decisions: readonly EncodedDecision[]): void {
    for (const listener of [...this.#listeners]) listener(partition, decisions);
  }

  async #refreshPositions(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    // Without an answer the positions stay as they were: they are looked at again.
    await Promise.allSettled(this.#tails.map((tail) => tail.refresh()));
    this.#refreshing = false;
  }
}
