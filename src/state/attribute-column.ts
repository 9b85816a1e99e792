/**
 * One attribute: a bitmap of presence, and the values in the narrowest form for the type. bool: a second bitmap. int:
 * 32 bits, see IntColumn. double and timestamp: doubles. string: dictionary codes. list<string>: a heap block of
 * codes (its count is the length; an empty list has none).
 */
import { LIST_ATTRIBUTE_LENGTH_MAX } from '../constants.ts';
import type { ProfileFrame } from '../protocol/frame.ts';
import type { ValueType } from '../protocol/schema.ts';
import { assert } from '../stdx/assert.ts';
import { readNothing, readNumber, readText } from './aggregate-store.ts';
import {
  Bitmap,
  CodeColumn,
  type ColumnPlacer,
  DoubleColumn,
  IntColumn,
  type StoredColumn,
  type TouchedValues,
} from './column.ts';
import { digestBits, digestCodes, digestDoubles, digestInts } from './column-digest.ts';
import type { AttributeLayout } from './layout.ts';
import type { RowBlocks } from './row-blocks.ts';
import { type RowDigest, storable } from './row-digest.ts';
import type { SlotReader } from './slot-reader.ts';
import { TextHash } from './text-hash.ts';
import type { TextIndex } from './text-index.ts';

export class AttributeColumn implements SlotReader {
  readonly columns: readonly StoredColumn[];
  readonly presence: Bitmap;
  readonly type: ValueType;
  /** Exactly one of these is there, by type. */
  readonly bits: Bitmap | null;
  readonly ints: IntColumn | null;
  readonly doubles: DoubleColumn | null;
  readonly codes: CodeColumn | null;
  readonly touchedValues: TouchedValues | null;
  /** Of the lists' blocks; -1 for the other types. */
  readonly ordinal: number;
  /** What reading finds where nothing was set. */
  #default: AttributeLayout['default'] = null;
  #defaultNumber = 0;
  #defaultCode = -1;
  readonly dictionary: TextIndex;
  readonly #blocks: RowBlocks;
  readonly #hash = new TextHash();
  /** Codes of the list being set. */
  readonly #list: number[] = [];
  readonly #lists: ListScratch;

  /** `ordinal`: where a list's blocks go; -1 for other types. */
  constructor(
    placer: ColumnPlacer,
    type: ValueType,
    dictionary: TextIndex,
    blocks: RowBlocks,
    ordinal: number,
    lists: ListScratch,
  ) {
    this.type = type;
    this.#lists = lists;
    this.dictionary = dictionary;
    this.#blocks = blocks;
    this.ordinal = ordinal;
    this.presence = new Bitmap(placer, true);
    this.bits = type === 'bool' ? new Bitmap(placer, false) : null;
    this.ints = type === 'int' ? new IntColumn(placer) : null;
    this.doubles = type === 'double' || type === 'timestamp' ? new DoubleColumn(placer) : null;
    this.codes = type === 'string' ? new CodeColumn(placer) : null;
    const values = this.bits ?? this.ints ?? this.doubles ?? this.codes;
    this.columns = values === null ? [this.presence] : [this.presence, values];
    this.touchedValues = this.ints?.narrow ?? this.doubles?.values ?? this.codes?.values ?? null;
  }

  /** A string's default must be in the dictionary already. */
  setDefault(value: AttributeLayout['default']): void {
    this.#default = value;
    this.#defaultNumber = typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? storable(value) : 0;
    this.#defaultCode = typeof value === 'string' ? this.dictionary.find(value) : -1;
    assert(typeof value !== 'string' || this.#defaultCode >= 0, 'a default that is not in the dictionary');
  }

  /** The value comes before its presence, for scans from other threads (column-view.ts). */
  setNumber(row: number, value: number): void {
    if (this.doubles !== null) this.doubles.values[row] = storable(value);
    else if (this.ints !== null) this.ints.set(row, storable(value));
    else if (this.bits !== null) value !== 0 ? this.bits.set(row) : this.bits.clear(row);
    else assert(false, 'setNumber: the attribute is no number');
    this.presence.set(row);
  }

  /** false: the dictionary is full, nothing changed. */
  setText(row: number, value: string): boolean {
    const codes = this.codes;
    assert(codes !== null, 'setText: the attribute is no string');
    const code = this.dictionary.intern(value);
    if (code < 0) return false;
    codes.values[row] = code;
    this.presence.set(row);
    return true;
  }

  /** false: the dictionary or the heap is full or the list too long; nothing changed. */
  setList(row: number, values: readonly string[]): boolean {
    assert(this.ordinal >= 0, 'setList: the attribute is no list');
    if (values.length > LIST_ATTRIBUTE_LENGTH_MAX) return false;
    const list = this.#list;
    list.length = 0;
    for (const value of values) {
      const code = this.dictionary.intern(value);
      if (code < 0) return false;
      list.push(code);
    }
    if (list.length === 0) this.#blocks.release(row, this.ordinal);
    else if (!this.#storeList(row)) return false;
    this.presence.set(row);
    return true;
  }

  unset(row: number): void {
    this.presence.clear(row);
    if (this.ordinal >= 0) this.#blocks.release(row, this.ordinal);
  }

  read(row: number, slot: number, _logTime: number, into: ProfileFrame): void {
    if (this.presence.get(row) === 0) this.#readDefault(slot, into);
    else if (this.codes !== null) this.#readCode(row, slot, into);
    else if (this.ordinal >= 0) this.#readList(row, slot, into);
    else readNumber(into, slot, this.numberAt(row));
  }

  /** The number of a row that has one. */
  numberAt(row: number): number {
    if (this.doubles !== null) return this.doubles.values[row] as number;
    if (this.ints !== null) return this.ints.get(row);
    return (this.bits as Bitmap).get(row);
  }

  /** Adds a field to each row of the group that has a value. */
  digest(name: TextHash, digest: RowDigest): void {
    const { presence } = this;
    if (this.doubles !== null) digestDoubles(digest, name, 0, presence, this.doubles);
    else if (this.ints !== null) digestInts(digest, name, 0, presence, this.ints);
    else if (this.codes !== null) digestCodes(digest, name, 0, presence, this.codes, this.dictionary);
    else if (this.bits !== null) digestBits(digest, name, presence, this.bits);
    else this.#digestLists(name, digest);
  }

  #readDefault(slot: number, into: ProfileFrame): void {
    const value = this.#default;
    if (value === null) readNothing(into, slot);
    else if (typeof value === 'string') readText(into, slot, this.#defaultCode, value);
    else if (typeof value === 'object') {
      into.list[slot] = value;
      into.present[slot] = 1;
    } else readNumber(into, slot, this.#defaultNumber);
    if (value === null && this.ordinal >= 0) into.list[slot] = NO_LIST;
  }

  #readCode(row: number, slot: number, into: ProfileFrame): void {
    const code = (this.codes as CodeColumn).values[row] as number;
    readText(into, slot, code, this.dictionary.textOf(code));
  }

  #readList(row: number, slot: number, into: ProfileFrame): void {
    const ref = this.#blocks.get(row, this.ordinal);
    const { heap } = this.#blocks;
    const length = ref === 0 ? 0 : heap.count(ref);
    const list = this.#lists.listOf(into, slot);
    list.length = length;
    for (let i = 0; i < length; i++) list[i] = this.dictionary.textOf(heap.words[ref * 2 + 1 + i] as number);
    into.list[slot] = list;
    into.present[slot] = 1;
  }

  /** Writes #list into the row's block, or into a new one if it does not fit or wastes half. */
  #storeList(row: number): boolean {
    const { heap } = this.#blocks;
    const list = this.#list;
    const units = listUnits(list.length);
    const held = this.#blocks.get(row, this.ordinal);
    let ref = held;
    if (held === 0 || heap.units(held) < units || heap.units(held) > units * 2) {
      ref = heap.allocate(units);
      if (ref === 0) return false;
      if (held === 0 && !this.#blocks.add(row, this.ordinal, ref)) {
        heap.free(ref);
        return false;
      }
    }
    for (let i = 0; i < list.length; i++) heap.words[ref * 2 + 1 + i] = list[i] as number;
    heap.setCount(ref, list.length);
    if (held !== 0 && held !== ref) {
      this.#blocks.replace(row, this.ordinal, ref);
      heap.free(held);
    }
    return true;
  }

  /** Also of empty lists, which have no block. */
  #digestLists(name: TextHash, digest: RowDigest): void {
    const { heap } = this.#blocks;
    for (digest.place = 0; digest.place < digest.rows; digest.place++) {
      const row = digest.first + digest.place;
      if (this.presence.get(row) === 0) continue;
      const ref = this.#blocks.get(row, this.ordinal);
      const length = ref === 0 ? 0 : heap.count(ref);
      digest.beginField(name);
      digest.word(length);
      for (let i = 0; i < length; i++) {
        this.dictionary.hashOf(heap.words[ref * 2 + 1 + i] as number, this.#hash);
        digest.text(this.#hash);
      }
      digest.endField();
    }
  }
}

/** Units of a block for a list of this length. */
export function listUnits(length: number): number {
  return (length + 2) >>> 1;
}

const NO_LIST: readonly string[] = [];

/**
 * Arrays that gathered lists are written into: one per frame and slot, valid until that frame is gathered again.
 * Frames are few and live long.
 */
export class ListScratch {
  readonly #byFrame = new WeakMap<ProfileFrame, string[][]>();

  listOf(frame: ProfileFrame, slot: number): string[] {
    let lists = this.#byFrame.get(frame);
    if (lists === undefined) {
      lists = [];
      this.#byFrame.set(frame, lists);
    }
    const list = lists[slot] ?? [];
    lists[slot] = list;
    return list;
  }
}
