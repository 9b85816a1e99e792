/** One attribute or aggregate of the present layout, with the memory behind it. */
import { DISTINCT_EXACT_MAX, LIST_ATTRIBUTE_LENGTH_MAX } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { AllTimeAverage, AllTimeCount, AllTimeDistinct, AllTimeEdge, AllTimeFold } from './aggregate-all-time.ts';
import type { AggregateStore } from './aggregate-store.ts';
import { WindowAverage, WindowDistinct, WindowEdge, WindowFold } from './aggregate-window.ts';
import { AttributeColumn, type ListScratch, listUnits } from './attribute-column.ts';
import { BucketRing, ringUnits } from './bucket-ring.ts';
import type { ColumnPlacer, StoredColumn } from './column.ts';
import type { DistinctSets } from './distinct-set.ts';
import type { AggregateLayout, AttributeLayout } from './layout.ts';
import type { Nesting, Ordinal, RowBlocks } from './row-blocks.ts';
import { TextHash } from './text-hash.ts';
import type { TextIndex } from './text-index.ts';

export interface AttributeField {
  readonly layout: AttributeLayout;
  readonly column: AttributeColumn;
  readonly name: TextHash;
}

export interface AggregateField {
  readonly layout: AggregateLayout;
  readonly store: AggregateStore;
  readonly name: TextHash;
}

/** What fields are made of. `ordinal` gives a new place for blocks, or the one that a snapshot names. */
export interface FieldParts {
  readonly placer: ColumnPlacer;
  readonly dictionary: TextIndex;
  readonly blocks: RowBlocks;
  readonly sets: DistinctSets;
  readonly lists: ListScratch;
  ordinal(nesting: Nesting): number;
}

export function createAttribute(layout: AttributeLayout, parts: FieldParts): AttributeField {
  const ordinal = layout.type === 'list<string>' ? parts.ordinal('none') : -1;
  const column = new AttributeColumn(parts.placer, layout.type, parts.dictionary, parts.blocks, ordinal, parts.lists);
  return { layout, column, name: nameOf('attribute', layout.name, layout.type) };
}

export function createAggregate(layout: AggregateLayout, parts: FieldParts): AggregateField {
  const store =
    layout.windowMs === null ? createAllTime(layout, parts) : createWindowed(layout, layout.windowMs, parts);
  return { layout, store, name: nameOf('aggregate', layout.name, layout.signature) };
}

export function columnsOf(field: AttributeField | AggregateField): readonly StoredColumn[] {
  return 'column' in field ? field.column.columns : field.store.columns;
}

export function ordinalOf(field: AttributeField | AggregateField): number {
  return 'column' in field ? field.column.ordinal : field.store.ordinal;
}

function createAllTime(layout: AggregateLayout, parts: FieldParts): AggregateStore {
  const { placer } = parts;
  const ofText = layout.valueType === 'string';
  switch (layout.fn) {
    case 'count':
      return new AllTimeCount(placer);
    case 'sum':
    case 'min':
    case 'max':
      return new AllTimeFold(placer, layout.fn);
    case 'avg':
      return new AllTimeAverage(placer);
    case 'first':
    case 'last':
      return new AllTimeEdge(placer, layout.fn, ofText ? parts.dictionary : null);
    case 'distinct':
      return new AllTimeDistinct(parts.blocks, parts.ordinal('none'), parts.sets, ofText);
  }
}

/** Values per bucket. */
const LANES = { count: 1, sum: 1, min: 1, max: 1, avg: 2, first: 2, last: 2, distinct: 1 } as const;

/** Whether there is such a function: layouts come from a log. */
export function isAggregateFunction(fn: string): boolean {
  return Object.hasOwn(LANES, fn);
}

function createWindowed(layout: AggregateLayout, windowMs: number, parts: FieldParts): AggregateStore {
  const { blocks } = parts;
  const ordinal = parts.ordinal(layout.fn === 'distinct' ? 'ring' : 'none');
  const ring = new BucketRing(blocks, ordinal, LANES[layout.fn], windowMs, layout.resolutionMs);
  const entry = blocks.ordinals[ordinal];
  assert(entry !== undefined, 'a window without a place for its blocks');
  (entry as Ordinal).expiring = ring;
  const ofText = layout.valueType === 'string';
  switch (layout.fn) {
    case 'count':
    case 'sum':
    case 'min':
    case 'max':
      return new WindowFold(ring, blocks.heap, layout.fn);
    case 'avg':
      return new WindowAverage(ring, blocks.heap);
    case 'first':
    case 'last':
      return new WindowEdge(ring, blocks.heap, layout.fn, ofText ? parts.dictionary : null);
    case 'distinct':
      return new WindowDistinct(ring, blocks.heap, parts.sets, ofText);
  }
}

/** The largest block that one store to any of these fields may allocate, in units; 0 if none allocates. */
export function storeUnitsMax(attributes: readonly AttributeLayout[], aggregates: readonly AggregateLayout[]): number {
  let units = 0;
  if (attributes.some(({ type }) => type === 'list<string>')) units = listUnits(LIST_ATTRIBUTE_LENGTH_MAX);
  for (const { fn, windowMs, resolutionMs } of aggregates) {
    if (fn === 'distinct') units = Math.max(units, DISTINCT_EXACT_MAX + 1);
    if (windowMs !== null) units = Math.max(units, ringUnits((windowMs / resolutionMs) | 1, LANES[fn]));
  }
  return units;
}

function nameOf(...parts: readonly string[]): TextHash {
  const hash = new TextHash();
  hash.begin();
  for (const part of parts) hash.add(part);
  hash.end();
  return hash;
}
