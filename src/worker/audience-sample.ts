/** Drawing samples: of some rows, those whose customers' places are low enough. A bounded number of rows at a time, between batches. */
import { AUDIENCE_ROWS_PER_STEP } from '../constants.ts';
import { fmix32, fnv1a32 } from '../stdx/hash.ts';
import type { SteppedScan } from './audience-scans.ts';
import type { PartitionRows, ShardQuery } from './messages.ts';
import type { Shard } from './shard.ts';

/** Bytes of a bitmap passed over per step, at most. */
const BYTES_PER_STEP = AUDIENCE_ROWS_PER_STEP * 64;

/** A customer's place, as protocol/audience.ts says: a number below 2^32 that depends on nothing else. */
export function samplePlace(salt: string, customer: string): number {
  return fmix32(fnv1a32(`${salt}:${customer}`));
}

export class SampleScan implements SteppedScan {
  readonly #shard: Shard;
  readonly #salt: string;
  readonly #atMost: number;
  readonly #answer: (places: Uint32Array) => void;
  readonly #parts: PartitionRows[];
  readonly #kept: number[] = [];
  #byte = 0;

  constructor(
    shard: Shard,
    { parts, salt, atMost }: Extract<ShardQuery, { kind: 'audienceSample' }>,
    answer: (places: Uint32Array) => void,
  ) {
    this.#shard = shard;
    this.#salt = salt;
    this.#atMost = atMost;
    this.#answer = answer;
    this.#parts = [...parts];
  }

  step(): boolean {
    const part = this.#parts.at(-1);
    if (part === undefined) {
      this.#answer(Uint32Array.from(this.#kept));
      return false;
    }
    const bitmap = new Uint8Array(part.rows);
    const end = Math.min(bitmap.length, this.#byte + BYTES_PER_STEP);
    let looked = 0;
    for (; this.#byte < end && looked < AUDIENCE_ROWS_PER_STEP; this.#byte++) {
      for (let bits = bitmap[this.#byte] as number; bits !== 0; bits &= bits - 1) {
        this.#look(part.partition, bitmap, bits & -bits);
        looked++;
      }
    }
    if (this.#byte < bitmap.length) return true;
    this.#parts.pop();
    this.#byte = 0;
    return true;
  }

  #look(partition: number, bitmap: Uint8Array, bit: number): void {
    const row = this.#byte * 8 + 31 - Math.clz32(bit);
    const place = samplePlace(this.#salt, this.#shard.host(partition).state.customerOf(row));
    if (place <= this.#atMost) this.#kept.push(place);
    else bitmap[this.#byte] = (bitmap[this.#byte] as number) & ~bit;
  }
}
