/**
 * Where each partition's frames lie in the segments of the write-ahead logs, found in one pass over the frames' headers. Whoever reads partition after partition finds each
 * one's frames without passing all others' again: with 16 partitions and an event a record that took longer than the replay itself.
 */
import { WAL_PLACES_MAX } from '../constants.ts';
import type { FileSystem } from './file-system.ts';
import { FRAME_HEADER_BYTES } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { type Segment, WAL_HEADER_BYTES } from './wal-segment.ts';

/** Of one partition in one segment, in order: where each frame begins, and ends. */
export interface FramePlaces {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

const NONE: FramePlaces = { starts: new Uint32Array(0), ends: new Uint32Array(0) };

/** Segments as they are when they are first asked for: of one that is being written, what came later is not found. */
export class SegmentPlaces {
  readonly #fs: FileSystem;
  /** By path; null: not kept. */
  readonly #segments = new Map<string, ReadonlyMap<number, FramePlaces> | null>();
  #kept = 0;

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  /** null where they are not known: the segment is damaged, or the bound is reached. It is then to be read frame by frame, which also says what is wrong. */
  of(segment: Segment, file: number, partition: number): FramePlaces | null {
    let places = this.#segments.get(segment.path);
    if (places === undefined) {
      places = this.#kept > WAL_PLACES_MAX ? null : this.#find(segment, file);
      this.#segments.set(segment.path, places);
    }
    return places === null ? null : (places.get(partition) ?? NONE);
  }

  #find(segment: Segment, file: number): ReadonlyMap<number, FramePlaces> | null {
    const frames = new FrameReader(this.#fs, file, segment.header.salt, WAL_HEADER_BYTES, this.#fs.size(file));
    const starts = new Map<number, number[]>();
    const ends = new Map<number, number[]>();
    let step = frames.next();
    for (; step === 'frame'; step = frames.next()) {
      const { partition, offset, length } = frames.frame;
      listOf(starts, partition).push(offset);
      listOf(ends, partition).push(offset + FRAME_HEADER_BYTES + length);
      this.#kept++;
    }
    // The end of a segment that is being written is no damage.
    if (step === 'bad' && !segment.last) return null;
    return new Map(
      [...starts].map(([partition, list]) => [
        partition,
        { starts: Uint32Array.from(list), ends: Uint32Array.from(ends.get(partition) ?? []) },
      ]),
    );
  }
}

function listOf(lists: Map<number, number[]>, partition: number): number[] {
  const known = lists.get(partition);
  if (known !== undefined) return known;
  const list: number[] = [];
  lists.set(partition, list);
  return list;
}
