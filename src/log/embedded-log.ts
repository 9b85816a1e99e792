/**
 * The log of embedded mode: the node itself orders what comes in. A submission becomes a record when it is stamped with its partition's next
 * sequence and a timestamp that never goes back; it exists once the write-ahead log has made it durable.
 *
 * The other source of records is JetStream, which stamps on its own. Whatever the source, a shard sees the same LogRecord.
 */
import type { LogRecord, RecordKind } from '../protocol/record.ts';
import { assert } from '../stdx/assert.ts';
import type { Clock } from '../stdx/clock.ts';

export class EmbeddedLog {
  readonly #clock: Clock;
  /** Per partition: sequence and timestamp of its last record. */
  readonly #tails = new Map<number, { seq: number; ts: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Continues a partition behind its last durable record. */
  resume(partition: number, seq: number, ts: number): void {
    assert(!this.#tails.has(partition), `partition ${partition} is resumed once`);
    this.#tails.set(partition, { seq, ts });
  }

  /** The next record of a partition. The wall clock may jump back; the record's timestamp does not. */
  stamp(partition: number, kind: RecordKind, payload: Uint8Array): LogRecord {
    const tail = this.#tails.get(partition);
    assert(tail, `partition ${partition} is not on this log`);
    tail.seq += 1;
    tail.ts = Math.max(tail.ts, this.#clock.nowMs());
    return { seq: tail.seq, ts: tail.ts, kind, payload };
  }
}
