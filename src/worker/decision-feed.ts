/**
 * The decision streams as the main thread sees them: the live tail from the workers, and what is older from the decision logs on disk.
 *
 * Order law: announce() is called only with decisions whose records are durable, in the order of their numbers; a reader that asks for
 * numbers below `next` therefore finds them in the log file.
 */
import type { EncodedDecision } from '../protocol/decision.ts';
import { assert } from '../stdx/assert.ts';
import { ByteReader } from '../stdx/bytes.ts';
import { decodeDecisionEntry } from '../storage/decision-entry.ts';
import type { NumberedLogReader } from '../storage/numbered-log-reader.ts';
import type { DecisionBatch } from './messages.ts';

type Listener = (partition: number, decisions: readonly EncodedDecision[]) => void;

export class DecisionFeed {
  readonly identity: string;
  readonly #readers: readonly NumberedLogReader[];
  readonly #next: number[];
  readonly #listeners = new Set<Listener>();

  constructor(identity: string, readers: readonly NumberedLogReader[]) {
    this.identity = identity;
    this.#readers = readers;
    this.#next = readers.map(() => 1);
  }

  /** Where a partition's stream stood when its worker had recovered. */
  resume(partition: number, next: number): void {
    this.#next[partition] = next;
  }

  positions(): { first: readonly number[]; next: readonly number[] } {
    return {
      first: this.#readers.map((reader, partition) => Math.min(reader.first(), this.#next[partition] as number)),
      next: [...this.#next],
    };
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  announce(batch: DecisionBatch): void {
    assert(
      batch.first === this.#next[batch.partition],
      `partition ${batch.partition}: decision ${batch.first} announced, ${this.#next[batch.partition]} expected`,
    );
    const decisions: EncodedDecision[] = [];
    const reader = new ByteReader(batch.bytes);
    for (let i = 0; i < batch.count; i++)
      decisions.push(decodeDecisionEntry(batch.first + i, reader.raw(reader.u32())));
    this.#next[batch.partition] = batch.first + batch.count;
    for (const listener of this.#listeners) listener(batch.partition, decisions);
  }

  async read(partition: number, from: number, bytesMax: number): Promise<readonly EncodedDecision[]> {
    const reader = this.#readers[partition];
    assert(reader, `partition ${partition} exists`);
    const entries = await reader.read(from, this.#next[partition] as number, bytesMax);
    return entries.map((entry) => decodeDecisionEntry(entry.number, entry.bytes));
  }

  /** The JSON of decisions `first` … `first + count − 1`, without those that the log no longer keeps. */
  async readRange(partition: number, first: number, count: number): Promise<Uint8Array[]> {
    const end = first + count;
    const found: Uint8Array[] = [];
    for (let from = Math.max(first, this.positions().first[partition] as number); from < end; ) {
      const read = await this.read(partition, from, 1);
      assert(read.length > 0, `decision ${from} of partition ${partition} is in its log`);
      for (const decision of read) if (decision.number < end) found.push(decision.json);
      from += read.length;
    }
    return found;
  }
}
