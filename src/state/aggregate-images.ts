/**
 * Some aggregates of a partition, to be read from its history and filled into it (machine/fill): the images of a row's, and observations that count for nothing else, neither for the sweep's pace
 * nor for the room that an event was promised: they take none of the last quarter of it, so that no event is refused for their sake.
 *
 * The images of a row: u8 how many, and for each u8 its index here and its image (aggregate-image.ts).
 */
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import { ImageOutcome } from './aggregate-image.ts';
import type { AggregateStore } from './aggregate-store.ts';
import type { BlockHeap } from './block-heap.ts';
import type { TextIndex } from './text-index.ts';

export class AggregateImages {
  readonly #stores: readonly AggregateStore[];
  readonly #heap: BlockHeap;
  readonly #dictionary: TextIndex;
  readonly #beginChange: (row: number) => void;

  constructor(
    stores: readonly AggregateStore[],
    heap: BlockHeap,
    dictionary: TextIndex,
    beginChange: (row: number) => void,
  ) {
    this.#stores = stores;
    this.#heap = heap;
    this.#dictionary = dictionary;
    this.#beginChange = beginChange;
  }

  /** Those of a row that have observations within reach at logTime. false: none has, and nothing was written. */
  write(row: number, logTime: number, writer: ByteWriter): boolean {
    const start = writer.reserve(1);
    let count = 0;
    for (let index = 0; index < this.#stores.length; index++) {
      const at = writer.reserve(1);
      const written = (this.#stores[index] as AggregateStore).writeImage(row, logTime, writer);
      if (written) {
        writer.setU8(at, index);
        count++;
      } else writer.length = at;
    }
    writer.setU8(start, count);
    if (count === 0) writer.length = start;
    return count > 0;
  }

  /** Takes over what `write` wrote, into a row where these have no observations. Throws RangeError or TypeError where the bytes are none of it. */
  read(row: number, logTime: number, reader: ByteReader): ImageOutcome {
    this.#beginChange(row);
    for (let count = reader.u8(); count > 0; count--) {
      const store = this.#stores[reader.u8()];
      if (store === undefined) return ImageOutcome.malformed;
      if (!this.#hasSpare(store)) return ImageOutcome.full;
      const outcome = store.readImage(row, logTime, reader);
      if (outcome !== ImageOutcome.stored) return outcome;
    }
    return ImageOutcome.stored;
  }

  /** Folds one observation made at event time `time` into the aggregate of this index; as PartitionState.observe, but false also where there is no room to spare. Of a row whose change has begun. */
  observe(index: number, row: number, time: number, logTime: number, number: number, text: string): boolean {
    const store = this.#stores[index] as AggregateStore;
    if (!this.#hasSpare(store) || (text !== '' && !this.#dictionary.hasSpareFor(text))) return false;
    return store.observe(row, Math.min(time, logTime), logTime, number, text);
  }

  #hasSpare({ ordinal }: AggregateStore): boolean {
    return ordinal < 0 || !this.#heap.nearlyFull;
  }
}
