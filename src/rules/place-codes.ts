/**
 * Places by small codes: the constants that rules compare a place with are numbered from 0, and each event's value there is looked up once, whatever the number of
 * rules. From then on rules and the index compare integers. -1 stands for a value that no rule names and for an absent one.
 */
import { RULES_PER_CODED_PLACE_MIN } from '../constants.ts';
import type { EventFrame, ListColumn, ListFrame, ProfileFrame } from '../protocol/frame.ts';
import { assert } from '../stdx/assert.ts';
import type { Ir } from './ir.ts';
import { childrenOf } from './ir-traits.ts';
import { type Place, placeKey } from './place.ts';
import { textComparison } from './text-comparison.ts';

/** The elements of a list at one of its fields, for the event at hand. */
export interface ColumnCodes {
  /** By element. */
  codes: Int32Array;
  /** By code: 1 if an element has it. */
  readonly seen: Uint8Array;
  /** The codes that elements have, each once: the first `distinctCount`. */
  readonly distinct: Int32Array;
  distinctCount: number;
  /** How many elements lack the field. */
  gaps: number;
}

/** What generated code sees. */
export interface PlaceReader {
  /** By place; of columns meaningless. */
  readonly field: Int32Array;
  readonly columns: readonly ColumnCodes[];
}

interface CodedPlace {
  readonly number: number;
  readonly place: Place;
  readonly codes: Map<string | number, number>;
  /** Of a field of the profile: from the codes of the partition's dictionary. */
  readonly ofDictionary: Map<number, number>;
  /** The event that it was read for last. */
  readFor: number;
}

export class PlaceCodes implements PlaceReader {
  readonly field: Int32Array;
  readonly columns: readonly ColumnCodes[];
  readonly #places: readonly CodedPlace[];
  #always: readonly CodedPlace[];
  #rest: readonly CodedPlace[] = [];
  #event = 0;
  readonly #numbers = new Map<string, number>();

  /** `indexed`: places that are looked up anyway, and their values. */
  constructor(
    rules: readonly Ir[],
    indexed: readonly { readonly place: Place; readonly values: Iterable<string | number> }[],
  ) {
    const places = new Map<string, CodedPlace>();
    const uses = usesOf(rules);
    for (const { place, texts, count } of uses.values()) {
      if (count >= RULES_PER_CODED_PLACE_MIN) add(places, place, texts);
    }
    for (const { place, values } of indexed) {
      if (!places.has(placeKey(place))) add(places, place, uses.get(placeKey(place))?.texts ?? []);
      add(places, place, values);
    }
    this.#places = [...places.values()];
    this.#always = this.#places;
    for (const [key, { number }] of places) this.#numbers.set(key, number);
    this.field = new Int32Array(this.#places.length);
    this.columns = this.#places.map(({ place, codes }) => columnCodes(place.kind === 'column' ? codes.size : 0));
  }

  /** null: its values are compared as they are. */
  numberOf(place: Place): number | null {
    return this.#numbers.get(placeKey(place)) ?? null;
  }

  /** How many codes a place has. */
  sizeOf(number: number): number {
    return this.#at(number).codes.size;
  }

  /** Of a constant that the rules compare the place with. */
  codeOf(number: number, value: string | number): number {
    const code = this.#at(number).codes.get(value);
    assert(code !== undefined, 'a constant of the rules');
    return code;
  }

  /** Of a field of the profile: says which code of the dictionary a text has there. */
  link(number: number, text: string, dictionaryCode: number): void {
    if (dictionaryCode >= 0) this.#at(number).ofDictionary.set(dictionaryCode, this.codeOf(number, text));
  }

  /** Which places are looked up on every event: those of rules that are tried on every event, and those that the index always asks for. */
  lookUpAlways(numbers: ReadonlySet<number>): void {
    this.#always = this.#places.filter((_, number) => numbers.has(number));
    this.#rest = this.#places.filter((_, number) => !numbers.has(number));
  }

  /** Begins with an event. */
  read(event: EventFrame, profile: ProfileFrame): void {
    this.#event++;
    for (const place of this.#always) this.#read(place, event, profile);
  }

  /** One place, if it was not yet. */
  readPlace(number: number, event: EventFrame, profile: ProfileFrame): void {
    this.#read(this.#places[number] as CodedPlace, event, profile);
  }

  /** All others too: for rules that the index found. */
  readRest(event: EventFrame, profile: ProfileFrame): void {
    for (const place of this.#rest) this.#read(place, event, profile);
  }

  #read(coded: CodedPlace, event: EventFrame, profile: ProfileFrame): void {
    if (coded.readFor === this.#event) return;
    coded.readFor = this.#event;
    const { place, number, codes, ofDictionary } = coded;
    if (place.kind === 'column') {
      const { length, columns } = event.lists[place.list] as ListFrame;
      const column = columns[place.column] as ListColumn;
      const into = this.columns[number] as ColumnCodes;
      if (place.text) readTexts(into, codes, column.text, column.present, length);
      else readNumbers(into, codes, column.number, column.present, length);
    } else if (place.kind === 'profile') {
      const code = profile.code[place.slot] as number;
      this.field[number] = profile.present[place.slot] === 0 ? -1 : (ofDictionary.get(code) ?? -1);
    } else if (event.present[place.slot] === 0) {
      this.field[number] = -1;
    } else {
      const value = place.text ? event.text[place.slot] : event.number[place.slot];
      this.field[number] = codes.get(value as string | number) ?? -1;
    }
  }

  #at(number: number): CodedPlace {
    const place = this.#places[number];
    assert(place !== undefined, 'place: in range');
    return place;
  }
}

function readTexts(
  into: ColumnCodes,
  codes: ReadonlyMap<string | number, number>,
  texts: readonly string[],
  present: Uint8Array,
  length: number,
): void {
  forget(into, length);
  for (let i = 0; i < length; i++) {
    // An absent element's value is whatever was there before.
    const code = present[i] === 0 ? ABSENT : codes.get(texts[i] as string);
    enter(into, i, code);
  }
}

function readNumbers(
  into: ColumnCodes,
  codes: ReadonlyMap<string | number, number>,
  numbers: Float64Array,
  present: Uint8Array,
  length: number,
): void {
  forget(into, length);
  for (let i = 0; i < length; i++) {
    const code = present[i] === 0 ? ABSENT : codes.get(numbers[i] as number);
    enter(into, i, code);
  }
}

const ABSENT = -2;

function forget(column: ColumnCodes, length: number): void {
  const { seen, distinct } = column;
  for (let i = 0; i < column.distinctCount; i++) seen[distinct[i] as number] = 0;
  column.distinctCount = 0;
  column.gaps = 0;
  if (length > column.codes.length) column.codes = new Int32Array(length * 2);
}

/** The code of element `index`; undefined for a value that no rule names. */
function enter(column: ColumnCodes, index: number, code: number | undefined): void {
  const { seen, distinct } = column;
  if (code === undefined) column.codes[index] = -1;
  else if (code === ABSENT) {
    column.codes[index] = -1;
    column.gaps++;
  } else {
    column.codes[index] = code;
    if (seen[code] !== 0) return;
    seen[code] = 1;
    distinct[column.distinctCount++] = code;
  }
}

function columnCodes(size: number): ColumnCodes {
  return {
    codes: new Int32Array(0),
    seen: new Uint8Array(size),
    distinct: new Int32Array(size),
    distinctCount: 0,
    gaps: 0,
  };
}

function add(places: Map<string, CodedPlace>, place: Place, values: Iterable<string | number>): void {
  const key = placeKey(place);
  const coded = places.get(key) ?? {
    number: places.size,
    place,
    codes: new Map<string | number, number>(),
    ofDictionary: new Map<number, number>(),
    readFor: 0,
  };
  places.set(key, coded);
  for (const value of values) if (!coded.codes.has(value)) coded.codes.set(value, coded.codes.size);
}

interface Uses {
  readonly place: Place;
  readonly texts: Set<string>;
  count: number;
}

/** The comparisons that codes can take the place of. A text of the profile has the dictionary's code already: there only lists of constants gain. */
function usesOf(rules: readonly Ir[]): ReadonlyMap<string, Uses> {
  const uses = new Map<string, Uses>();
  const visit = (ir: Ir): void => {
    const comparison = textComparison(ir);
    if (comparison === null) {
      for (const child of childrenOf(ir)) visit(child);
      return;
    }
    const { place, texts, form } = comparison;
    if (place.kind === 'profile' && form === 'same') return;
    const known = uses.get(placeKey(place)) ?? { place, texts: new Set<string>(), count: 0 };
    uses.set(placeKey(place), known);
    for (const text of texts) known.texts.add(text);
    known.count++;
  };
  for (const rule of rules) visit(rule);
  return uses;
}
