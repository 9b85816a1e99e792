/**
 * The customers' attributes and aggregates by profile slot, and how they follow workspace versions. A field that
 * stays (attribute: same name and type; aggregate: same name, signature and form) keeps its memory, wherever its slot is
 * now. New fields get their columns before the ones of dropped fields are given back, so that nothing needs clearing
 * but bitmaps whose strip was used before: rows / 8 bytes each, 20 µs for a million customers.
 */
import { WINDOW_BUCKETS_MAX, WINDOW_RESOLUTION_MS_MIN } from '../constants.ts';
import type { ProfileFrame } from '../protocol/frame.ts';
import { assert } from '../stdx/assert.ts';
import type { AggregateStore } from './aggregate-store.ts';
import type { Arena } from './arena.ts';
import { type AttributeColumn, ListScratch } from './attribute-column.ts';
import type { ColumnPlacer, StoredColumn } from './column.ts';
import { DistinctSets } from './distinct-set.ts';
import type { AggregateLayout, AttributeLayout, ProfileLayout } from './layout.ts';
import {
  type AggregateField,
  type AttributeField,
  columnsOf,
  createAggregate,
  createAttribute,
  type FieldParts,
  isAggregateFunction,
  ordinalOf,
  storeUnitsMax,
} from './profile-field.ts';
import type { Nesting, RowBlocks } from './row-blocks.ts';
import type { SlotReader } from './slot-reader.ts';
import { Strips } from './strips.ts';
import type { TextIndex } from './text-index.ts';

/** Where a snapshot found a field: strips of its columns in order, and the ordinal of its blocks or -1. */
export interface FieldPlace {
  readonly strips: readonly number[];
  readonly ordinal: number;
}

export class ProfileTable {
  attributes: readonly AttributeField[] = [];
  aggregates: readonly AggregateField[] = [];
  readonly #attributeBySlot: (AttributeColumn | undefined)[] = [];
  readonly #aggregateBySlot: (AggregateStore | undefined)[] = [];
  readonly #buffer: ArrayBufferLike;
  readonly #rows: number;
  readonly #stripBytes: number;
  readonly #columnsOffset: number;
  #strips: Strips;
  readonly #dictionary: TextIndex;
  readonly #blocks: RowBlocks;
  readonly #sets: DistinctSets;
  readonly #lists = new ListScratch();
  /** Units of the largest block that one store into a field may allocate. */
  #fieldUnitsMax = 1;

  constructor(arena: Arena, dictionary: TextIndex, blocks: RowBlocks) {
    this.#buffer = arena.buffer;
    this.#rows = arena.rows;
    this.#stripBytes = arena.stripBytes;
    this.#columnsOffset = arena.columns();
    this.#strips = new Strips(arena.strips);
    this.#dictionary = dictionary;
    this.#blocks = blocks;
    this.#sets = new DistinctSets(blocks.heap);
  }

  /** Units of the largest block that one store may allocate, directories included: these grow with ordinals of others than fields, too. */
  get storeUnitsMax(): number {
    return Math.max(this.#blocks.directoryUnits, this.#fieldUnitsMax);
  }

  attribute(slot: number): AttributeColumn {
    const column = this.#attributeBySlot[slot];
    assert(column !== undefined, 'no attribute has this slot');
    return column;
  }

  aggregate(slot: number): AggregateStore {
    const store = this.#aggregateBySlot[slot];
    assert(store !== undefined, 'no aggregate has this slot');
    return store;
  }

  /** All columns, in the order of the fields: what a snapshot copies. */
  columns(): StoredColumn[] {
    return [...this.attributes, ...this.aggregates].flatMap(columnsOf);
  }

  /**
   * Adopts a layout, or says why not, and then nothing changed. `rowsUsed`: rows that may hold anything.
   * `beforeReuse` is called with the columns' new strips before any of them is cleared: a running snapshot may still
   * need their old content.
   */
  configure(layout: ProfileLayout, rowsUsed: number, beforeReuse: (taken: ReadonlySet<number>) => void): string | null {
    const error = layoutError(layout) ?? this.#typeError(layout) ?? this.#internDefaults(layout);
    if (error !== null) return error;
    const kept = this.#kept(layout);
    const dropped = [...this.attributes, ...this.aggregates].filter((field) => !kept.has(field));
    const built = this.#build(layout, []) ?? this.#build(layout, dropped);
    if (built === null)
      return 'the profile has more attributes and aggregates than fit the memory reserved for this partition';
    beforeReuse(new Set(built.taken));
    for (const strip of built.stale) this.#clear(strip, rowsUsed);
    if (!built.droppedGiven) giveBack(built.strips, dropped);
    for (const field of dropped) if (ordinalOf(field) >= 0) this.#blocks.dropOrdinal(ordinalOf(field));
    this.#strips = built.strips;
    this.#adopt(built.attributes, built.aggregates);
    this.restoreDefaults();
    return null;
  }

  /** Gives the columns their defaults; after a restoration, once the dictionary is there. */
  restoreDefaults(): void {
    for (const { layout, column } of this.attributes) column.setDefault(layout.default);
  }

  /** Takes over a snapshot's layout and places, on a table that has none yet; `restoreDefaults` is to follow. */
  restore(layout: ProfileLayout, places: readonly FieldPlace[]): void {
    assert(this.attributes.length === 0 && this.aggregates.length === 0, 'restore into a table with a layout');
    let next = 0;
    const partsOf = (): FieldParts => {
      const place = places[next++];
      assert(place !== undefined, 'snapshot lacks a place of a field');
      let column = 0;
      const placer = this.#placer((count) => {
        const strip = place.strips[column++] ?? -1;
        this.#strips.takeAt(strip, count);
        return strip;
      });
      return { ...this.#shared(), placer, ordinal: () => place.ordinal };
    };
    const attributes = layout.attributes.map((attribute) => createAttribute(attribute, partsOf()));
    const aggregates = layout.aggregates.map((aggregate) => createAggregate(aggregate, partsOf()));
    this.#adopt(attributes, aggregates);
  }

  /** Fills the slots asked for. Strings and lists in the frame are valid until it is gathered again. */
  gather(row: number, slots: ArrayLike<number>, logTime: number, into: ProfileFrame): void {
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      this.reader(slot).read(row, slot, logTime, into);
    }
  }

  /** What reads a slot. */
  reader(slot: number): SlotReader {
    return this.#attributeBySlot[slot] ?? this.aggregate(slot);
  }

  /** Back to nothing set and nothing observed; blocks are released by the caller. */
  clearRow(row: number): void {
    for (const { column } of this.attributes) column.presence.clear(row);
    for (const { store } of this.aggregates) store.clear(row);
  }

  #adopt(attributes: readonly AttributeField[], aggregates: readonly AggregateField[]): void {
    this.attributes = attributes;
    this.aggregates = aggregates;
    this.#attributeBySlot.length = 0;
    this.#aggregateBySlot.length = 0;
    for (const { layout, column } of attributes) this.#attributeBySlot[layout.slot] = column;
    for (const { layout, store } of aggregates) this.#aggregateBySlot[layout.slot] = store;
    const layouts = [attributes.map((field) => field.layout), aggregates.map((field) => field.layout)] as const;
    this.#fieldUnitsMax = storeUnitsMax(...layouts);
  }

  #shared(): { dictionary: TextIndex; blocks: RowBlocks; sets: DistinctSets; lists: ListScratch } {
    return { dictionary: this.#dictionary, blocks: this.#blocks, sets: this.#sets, lists: this.#lists };
  }

  #placer(place: (strips: number, zeroed: boolean) => number): ColumnPlacer {
    return {
      buffer: this.#buffer,
      rows: this.#rows,
      place,
      offsetOf: (strip) => this.#columnsOffset + strip * this.#stripBytes,
    };
  }

  /**
   * Makes the layout's fields on a copy of the strips, in which those of `given` are free already; null when they do
   * not fit.
   */
  #build(layout: ProfileLayout, given: readonly (AttributeField | AggregateField)[]) {
    const strips = this.#strips.copy();
    giveBack(strips, given);
    const taken: number[] = [];
    const stale: number[] = [];
    const ordinals: number[] = [];
    const ordinalsBefore = this.#blocks.ordinals.length;
    let fits = true;
    const placer = this.#placer((count, zeroed) => {
      const before = strips.copy();
      const strip = strips.take(count);
      if (strip < 0) fits = false;
      else for (let i = strip; i < strip + count; i++) taken.push(i);
      if (strip >= 0 && zeroed && before.isStale(strip)) stale.push(strip);
      return Math.max(strip, 0);
    });
    const ordinal = (nesting: Nesting): number => {
      const added = this.#blocks.addOrdinal(nesting);
      ordinals.push(added);
      return added;
    };
    const parts: FieldParts = { ...this.#shared(), placer, ordinal };
    const attributes = layout.attributes.map((entry) => {
      const held = this.attributes.find((field) => sameAttribute(field, entry));
      return held === undefined
        ? createAttribute(copyAttribute(entry), parts)
        : { ...held, layout: copyAttribute(entry) };
    });
    const aggregates = layout.aggregates.map((entry) => {
      const held = this.aggregates.find((field) => sameAggregate(field, entry));
      return held === undefined
        ? createAggregate(copyAggregate(entry), parts)
        : { ...held, layout: copyAggregate(entry) };
    });
    if (fits) return { attributes, aggregates, strips, taken, stale, droppedGiven: given.length > 0 };
    this.#blocks.retractOrdinals(ordinals, ordinalsBefore);
    return null;
  }

  #kept(layout: ProfileLayout): Set<AttributeField | AggregateField> {
    const kept = new Set<AttributeField | AggregateField>();
    for (const entry of layout.attributes) {
      for (const field of this.attributes) if (sameAttribute(field, entry)) kept.add(field);
    }
    for (const entry of layout.aggregates) {
      for (const field of this.aggregates) if (sameAggregate(field, entry)) kept.add(field);
    }
    return kept;
  }

  #typeError(layout: ProfileLayout): string | null {
    for (const entry of layout.attributes) {
      const held = this.attributes.find((field) => field.layout.name === entry.name);
      if (held === undefined || held.layout.type === entry.type) continue;
      return `attribute ${entry.name}: its type is ${held.layout.type} and cannot become ${entry.type}; use another name`;
    }
    return null;
  }

  /** Defaults get codes, because rules compare codes. */
  #internDefaults(layout: ProfileLayout): string | null {
    for (const { name, default: value } of layout.attributes) {
      const texts = typeof value === 'string' ? [value] : typeof value === 'object' && value !== null ? value : [];
      for (const text of texts) {
        if (this.#dictionary.intern(text) < 0) return `attribute ${name}: no room for its default in the dictionary`;
      }
    }
    return null;
  }

  #clear(strip: number, rowsUsed: number): void {
    const offset = this.#columnsOffset + strip * this.#stripBytes;
    new Uint8Array(this.#buffer, offset, Math.min(this.#stripBytes, Math.ceil(rowsUsed / 8))).fill(0);
  }
}

function giveBack(strips: Strips, fields: readonly (AttributeField | AggregateField)[]): void {
  for (const field of fields) for (const column of columnsOf(field)) strips.give(column.strip, column.strips);
}

function sameAttribute(field: AttributeField, layout: AttributeLayout): boolean {
  return field.layout.name === layout.name && field.layout.type === layout.type;
}

/** Signatures may have been put together by anybody: memory is kept only where it is laid out in the same way. */
function sameAggregate({ layout: held }: AggregateField, layout: AggregateLayout): boolean {
  return (
    held.name === layout.name &&
    held.signature === layout.signature &&
    held.fn === layout.fn &&
    held.valueType === layout.valueType &&
    held.windowMs === layout.windowMs &&
    held.resolutionMs === layout.resolutionMs
  );
}

/** Only what the memory needs: a snapshot writes it down. */
function copyAttribute({ name, slot, type, default: value }: AttributeLayout): AttributeLayout {
  return { name, slot, type, default: value };
}

function copyAggregate(layout: AggregateLayout): AggregateLayout {
  const { name, slot, fn, valueType, windowMs, resolutionMs, signature } = layout;
  return { name, slot, fn, valueType, windowMs, resolutionMs, signature };
}

function layoutError(layout: ProfileLayout): string | null {
  for (const { name, fn, windowMs, resolutionMs } of layout.aggregates) {
    if (!isAggregateFunction(fn)) return `aggregate ${name}: there is no function ${fn}`;
    if (windowMs === null) continue;
    if (resolutionMs < WINDOW_RESOLUTION_MS_MIN) return `aggregate ${name}: its resolution must be a second at least`;
    const buckets = windowMs / resolutionMs;
    if (!Number.isInteger(buckets) || buckets < 1)
      return `aggregate ${name}: its window must be a multiple of its resolution`;
    if (buckets > WINDOW_BUCKETS_MAX) {
      return `aggregate ${name}: ${buckets} buckets are more than ${WINDOW_BUCKETS_MAX}; use a coarser resolution`;
    }
  }
  return null;
}
