/**
 * Reading a fixed list of profile slots, in one function that is generated for them (captured.ts says why). Windows of
 * which nothing has expired, and attributes that are set, are written out; whatever else goes through the readers.
 */
import type { ProfileFrame } from '../protocol/frame.ts';
import { WindowFold } from './aggregate-window.ts';
import { AttributeColumn } from './attribute-column.ts';
import type { BucketRing } from './bucket-ring.ts';
import { Captured } from './captured.ts';
import { WIDE } from './column.ts';
import { inlineFold } from './observations.ts';
import { inlineBlock, inlineDirectory } from './row-blocks-inline.ts';
import type { SlotReader } from './slot-reader.ts';

export interface Gather {
  /** Writes the slots it was compiled for, of a row as of logTime, into the frame; as PartitionState.gather. */
  (row: number, logTime: number, into: ProfileFrame): void;
  /**
   * Loads the values of these rows that stand in columns, all at once: changes nothing, and saves each read a wait.
   * rows[i] may be -1.
   */
  touch(rows: Int32Array, count: number): void;
}

/** Columns that `touch` loads: of more than this an event's rules look at a part only. */
const COLUMNS_TOUCHED_MAX = 8;

export function compileGather(slots: ArrayLike<number>, readerOf: (slot: number) => SlotReader): Gather {
  const captured = new Captured();
  const list = Array.from(slots);
  const readers = list.map(readerOf);
  const rings: BucketRing[] = [];
  const reads = readers.map((reader, i) => {
    const slot = list[i] as number;
    if (reader instanceof AttributeColumn) return inlineAttribute(captured, reader, slot);
    if (!(reader instanceof WindowFold)) return inlineRead(captured, reader, slot);
    let group = rings.findIndex((ring) => ring.sharesBuckets(reader.ring));
    if (group < 0) group = rings.push(reader.ring) - 1;
    return inlineWindow(captured, reader, slot, group);
  });
  const lines = [
    'const { number, present } = into;',
    ...rings.map((ring, group) => `const oldest${group} = ${captured.name(ring)}.oldestLive(logTime);`),
    rings.length === 0 ? '' : inlineDirectory(captured, (rings[0] as BucketRing).blocks, 'let'),
    ...reads,
  ];
  return captured.run(`const gather = function gather(row, logTime, into) {
${lines.join('\n')}
};
${inlineTouch(captured, readers)}
return gather;`) as Gather;
}

function inlineRead(captured: Captured, reader: SlotReader, slot: number): string {
  return `${captured.name(reader)}.read(row, ${slot}, logTime, into);`;
}

function inlineAttribute(captured: Captured, column: AttributeColumn, slot: number): string {
  const { touchedValues, codes, ints } = column;
  const slow = inlineRead(captured, column, slot);
  if (touchedValues === null) return slow;
  const present = `(${captured.name(column.presence.bytes)}[row >>> 3] >>> (row & 7)) & 1`;
  const value = `${captured.name(touchedValues)}[row]`;
  if (codes !== null) {
    const text = `${captured.name(column.dictionary)}.textOf(code)`;
    return `if (${present}) {
const code = ${value};
into.code[${slot}] = code;
into.text[${slot}] = ${text};
present[${slot}] = 1;
} else ${slow}`;
  }
  const narrow = ints === null ? '' : ` && value !== ${WIDE}`;
  return `{
const value = ${value};
if (${present}${narrow}) {
number[${slot}] = value;
present[${slot}] = 1;
} else ${slow}
}`;
}

function inlineWindow(captured: Captured, store: WindowFold, slot: number, group: number): string {
  const { ring } = store;
  const { heap } = ring.blocks;
  const [ints, doubles, capacities] = [heap.ints, heap.doubles, ring.capacities].map((array) => captured.name(array));
  return `{
${inlineBlock(captured, ring.blocks, ring.ordinal)}
if (count > 0 && ${ints}[ref * 2 + 1] >= oldest${group}) {
const first = ref + ((1 + ${capacities}[header & 255]) >>> 1);
let value = ${doubles}[first];
for (let at = first + 1; at < first + count; at++) value = ${inlineFold(store.kind, 'value', `${doubles}[at]`)};
number[${slot}] = value;
present[${slot}] = 1;
} else ${inlineRead(captured, store, slot)}
}`;
}

function inlineTouch(captured: Captured, readers: readonly SlotReader[]): string {
  const columns = readers.flatMap(({ touchedValues }) => (touchedValues === null ? [] : [touchedValues]));
  const loops = columns
    .slice(0, COLUMNS_TOUCHED_MAX)
    .map((column) => `for (let i = 0; i < count; i++) touched ^= ${captured.name(column)}[Math.max(0, rows[i])];`);
  // The result is kept: a load whose result goes nowhere would be left out.
  return `gather.touched = 0;
gather.touch = function touch(rows, count) {
let touched = 0;
${loops.join('\n')}
gather.touched = touched;
};`;
}
