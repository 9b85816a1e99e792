/** With places a reader finds what it finds without, and refuses what it refuses. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SegmentPlaces } from '../../../src/storage/segment-places.ts';
import { CorruptFileError } from '../../../src/storage/storage-error.ts';
import { RecordReader } from '../../../src/storage/wal-reader.ts';
import { listSegments } from '../../../src/storage/wal-segment.ts';
import { FaultyFileSystem } from '../../support/faulty-file-system.ts';
import { appendRange, openLog } from './wal-fixtures.ts';

function readAll(fs: FaultyFileSystem, partition: number, after: number, places?: SegmentPlaces): string[] {
  const range = { positions: new Map([[partition, after]]) };
  const reader = new RecordReader(fs, 'wal', places === undefined ? range : { ...range, places });
  const records: string[] = [];
  while (reader.next())
    records.push(
      `${reader.partition} ${reader.seq} ${reader.ts} ${reader.kind} ${Buffer.from(reader.payload).toString('latin1')}`,
    );
  reader.close();
  return records;
}

describe('places', () => {
  it('lead to the same records, however far they lie apart and however long they are', () => {
    const lengths = fc.constantFrom(0, 1, 300, 4_000, 9_000, 9_000, 20_000, 1_200_000);
    const record = fc.tuple(fc.constantFrom(0, 0, 1, 1, 1, 2), lengths);
    const property = fc.property(fc.array(record, { maxLength: 40 }), fc.nat(10), (records, after) => {
      const fs = new FaultyFileSystem(1);
      const log = openLog(fs, 0, 1, 100_000, 16_000);
      const seqs = [0, 0, 0];
      for (const [partition, length] of records) {
        const seq = ++(seqs as [number, number, number])[partition as 0];
        log.append(partition, seq, 1000 + seq, 1, new Uint8Array(length).fill(seq));
        log.commit();
      }
      const places = new SegmentPlaces(fs);
      for (const partition of [0, 1, 2, 3]) {
        const expected = readAll(fs, partition, after);
        expect(readAll(fs, partition, after, places)).toEqual(expected);
        expect(expected).toHaveLength(Math.max(0, (seqs[partition] ?? 0) - after));
      }
    });
    fc.assert(property, { numRuns: 40, seed: 7 });
  });

  it('do not hide damage: of the partition’s own records, and of headers that lead past others’', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 6_000);
    for (let seq = 1; seq <= 40; seq++) {
      appendRange(log, 3, seq, seq);
      appendRange(log, 4, seq, seq);
      log.commit();
    }
    const { path } = listSegments(fs, 'wal/0').segments[0] as { path: string };
    const places = new SegmentPlaces(fs);
    expect(readAll(fs, 3, 0, places)).toHaveLength(40);
    const change = (at: number): void => {
      const file = fs.open(path, 'write');
      fs.write(file, Uint8Array.of(0xee), at);
      fs.close(file);
    };
    // In the body of the first record: seen by whoever knew where it is, too.
    change(4096 + 45);
    expect(() => readAll(fs, 3, 0, places)).toThrow(CorruptFileError);
    expect(() => readAll(fs, 3, 0, new SegmentPlaces(fs))).toThrow(CorruptFileError);
    expect(readAll(fs, 4, 0, new SegmentPlaces(fs))).toHaveLength(40);
    // In its header: nobody gets past it.
    change(4096 + 3);
    expect(() => readAll(fs, 4, 0, new SegmentPlaces(fs))).toThrow(CorruptFileError);
  });

  it('end with what was there when they were found', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 1_000_000, 8192);
    appendRange(log, 3, 1, 5);
    log.commit();
    const places = new SegmentPlaces(fs);
    expect(readAll(fs, 3, 0, places)).toHaveLength(5);
    appendRange(log, 3, 6, 9);
    log.commit();
    expect(readAll(fs, 3, 0, places)).toHaveLength(5);
    expect(readAll(fs, 3, 0, new SegmentPlaces(fs))).toHaveLength(9);
  });
});
