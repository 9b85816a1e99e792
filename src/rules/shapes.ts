/**
 * Shapes: programs that differ in their constants only share one generated function. Lifting replaces each constant by a place in a vector and gives the key that
 * tells shapes apart. Comparisons of texts with constants become comparisons of codes: the dictionary's for the profile, those of the place (place-codes.ts).
 */
import { MASK_BITS_MAX } from '../constants.ts';
import type { Ir, IrConstant, Rep } from './ir.ts';
import { mapChildren } from './ir-traits.ts';
import { compilePattern, type Pattern } from './pattern.ts';
import type { PlaceCodes } from './place-codes.ts';
import { type TextComparison, textComparison } from './text-comparison.ts';
import { verifyIr } from './verify-program.ts';

/**
 * How a vector's constants are held at run time: numbers and codes in typed arrays; short lists of constants one after the other in one array with the
 * place where each rule's begins, long ones as sets; masks as so many words for each rule.
 */
export type VectorKind =
  | 'number'
  | 'code'
  | 'text'
  | 'numbers'
  | 'codes'
  | 'texts'
  | 'mask'
  | 'set'
  | 'pattern'
  | 'wide'
  | 'bytes';

/** A list of more constants is a set: hashing an item costs as much as comparing it with about this many. */
const SHORT_LIST_MAX = 16;

/** A constant in the form that its vector holds; of a pattern its source, of a mask its words. */
export type Lifted =
  | number
  | bigint
  | string
  | Uint8Array
  | readonly (string | number)[]
  | ReadonlySet<string | number>;

export interface Shape {
  /** Equal keys: the same code. */
  readonly key: string;
  readonly ir: Ir;
  readonly kinds: readonly VectorKind[];
}

export type DictionaryCode = (text: string) => number;

/** Where texts find their codes: the profile's in the dictionary, -1 for one that it cannot take. */
export interface Codes {
  readonly dictionaryCode: DictionaryCode;
  readonly places: PlaceCodes;
}

/** Never a code of the dictionary: a constant that it could not take equals nothing that it holds. */
const NO_CODE = -2;

/** `codes` null: texts are compared as texts. Throws on what no compiler made: all source is generated from what this gives. */
export function liftConstants(
  ir: Ir,
  codes: Codes | null,
): { readonly shape: Shape; readonly constants: readonly Lifted[] } {
  verifyIr(ir);
  const lifter = new Lifter(codes);
  const shape = lifter.lift(ir);
  return {
    shape: { key: JSON.stringify([shape, lifter.kinds]), ir: shape, kinds: lifter.kinds },
    constants: lifter.constants,
  };
}

class Lifter {
  readonly kinds: VectorKind[] = [];
  readonly constants: Lifted[] = [];
  readonly #codes: Codes | null;

  constructor(codes: Codes | null) {
    this.#codes = codes;
  }

  lift(ir: Ir): Ir {
    switch (ir.op) {
      case 'const':
        return this.#constant(ir.rep, ir.value);
      case 'constants':
        return this.#list(ir.rep, ir.values);
      case 'pattern':
        return this.#place('pattern', ir.source, 'pattern');
      case 'call':
      case 'member':
      case 'loop':
        return this.#coded(ir) ?? mapChildren(ir, (child) => this.lift(child));
      default:
        return mapChildren(ir, (child) => this.lift(child));
    }
  }

  #place(kind: VectorKind, constant: Lifted, rep: Rep): Ir {
    const vector = this.kinds.length;
    this.kinds.push(kind);
    this.constants.push(constant);
    return { op: 'lifted', vector, rep };
  }

  #list(kind: 'texts' | 'numbers' | 'codes', values: readonly (string | number)[]): Ir {
    if (values.length > SHORT_LIST_MAX) return this.#place('set', new Set(values), 'set');
    return this.#place(kind, values, kind);
  }

  #constant(rep: Rep, value: IrConstant): Ir {
    if (value === null || typeof value === 'boolean') return { op: 'const', rep, value };
    switch (rep) {
      case 'string':
        return this.#place('text', value as string, rep);
      case 'bytes':
        return this.#place('bytes', Uint8Array.from(value as readonly number[]), rep);
      case 'wide':
      case 'ns':
      case 'spanNs':
        return this.#place('wide', BigInt(value as string), rep);
      case 'uint':
        return this.#place('wide', typeof value === 'string' ? BigInt(value) : (value as number), rep);
      default:
        return this.#place('number', Number(value), rep);
    }
  }

  /** A comparison of a text with constants, by codes; null if it is none, or is not worth codes. */
  #coded(ir: Ir): Ir | null {
    if (this.#codes === null) return null;
    const comparison = textComparison(ir);
    if (comparison === null) return null;
    const { place, form } = comparison;
    if (place.kind === 'profile' && form === 'same')
      return this.#same(ir, this.#dictionaryRead(comparison), comparison);
    const number = this.#codes.places.numberOf(place);
    if (number === null) return place.kind === 'profile' ? this.#amongDictionary(ir, comparison) : null;
    if (form === 'any') return this.#anyElement(ir, number, comparison);
    const read = this.#placeRead(number, comparison);
    return form === 'same' ? this.#same(ir, read, comparison, number) : this.#among(ir, read, comparison, number);
  }

  /** read == 'text', read != 'text' */
  #same(ir: Ir, read: Ir, { texts }: TextComparison, number: number | null = null): Ir {
    const [text] = texts as readonly [string];
    return { ...ir, args: [read, this.#place('code', this.#codeOf(number, text), 'int')] } as Ir;
  }

  /** profile.x in ['text', …], where few rules have such a list. */
  #amongDictionary(ir: Ir, comparison: TextComparison): Ir {
    const codes = comparison.texts.map((text) => this.#codeOf(null, text));
    return { ...ir, item: this.#dictionaryRead(comparison), values: this.#list('codes', codes) } as Ir;
  }

  /** read in ['text', …] */
  #among(ir: Ir, read: Ir, { place, texts }: TextComparison, number: number): Ir {
    const { dictionaryCode, places } = this.#codes as Codes;
    if (place.kind === 'profile') for (const text of texts) places.link(number, text, dictionaryCode(text));
    const codes = texts.map((text) => this.#codeOf(number, text));
    const size = places.sizeOf(number);
    if (read.op !== 'placeCode' || size > MASK_BITS_MAX)
      return { ...ir, item: read, values: this.#list('codes', codes) } as Ir;
    const words = Math.ceil(size / 32);
    const mask = new Int32Array(words);
    for (const code of codes) mask[code >> 5] = (mask[code >> 5] as number) | (1 << (code & 31));
    return { op: 'amongMask', code: read, mask: this.#place('mask', [...mask], 'mask'), words };
  }

  /** list.exists(i, i.x == 'text'), list.exists(i, i.x in ['text', …]) */
  #anyElement(ir: Ir, place: number, { texts, read }: TextComparison): Ir | null {
    if (ir.op !== 'loop' || (ir.range.over !== 'objects' && ir.range.over !== 'scalars')) return null;
    const codes = texts.map((text) => this.#codeOf(place, text));
    const values =
      codes.length === 1 ? this.#place('code', codes[0] as number, 'int') : this.#place('codes', codes, 'codes');
    return { op: 'anyElement', place, list: ir.range.list, codes: values, gaps: read.op === 'column', sure: false };
  }

  #dictionaryRead({ read }: TextComparison): Ir {
    const { slot, sure } = read as Extract<Ir, { op: 'slot' }>;
    return { op: 'slotCode', slot, sure, rep: 'int' };
  }

  #placeRead(place: number, { read }: TextComparison): Ir {
    if (read.op === 'slot')
      return { op: 'placeCode', place, from: read.from, slot: read.slot, sure: read.sure, rep: 'int' };
    const { list, column, element, sure } = read as Extract<Ir, { op: 'column' }>;
    return { op: 'columnCode', place, list, column, element: this.lift(element), sure, rep: 'int' };
  }

  /** Of a place, or of the dictionary. */
  #codeOf(place: number | null, text: string): number {
    const { dictionaryCode, places } = this.#codes as Codes;
    if (place !== null) return places.codeOf(place, text);
    const code = dictionaryCode(text);
    return code < 0 ? NO_CODE : code;
  }
}

/** Short lists of all rules of a shape, one after the other: those of row r are items[starts[r]] … items[starts[r + 1] − 1]. */
export interface ListVector {
  readonly items: Float64Array | Int32Array | readonly string[];
  readonly starts: Int32Array;
}

export type Vector = Float64Array | Int32Array | ListVector | readonly (Lifted | Pattern)[];

/** Vectors of a group of programs of one shape: constants[r] are those of row r. */
export function vectorsOf(kinds: readonly VectorKind[], constants: readonly (readonly Lifted[])[]): readonly Vector[] {
  return kinds.map((kind, vector) => {
    const column = constants.map((row) => row[vector] as Lifted);
    switch (kind) {
      case 'number':
        return Float64Array.from(column as number[]);
      case 'code':
        return Int32Array.from(column as number[]);
      case 'numbers':
      case 'codes':
      case 'texts':
        return listVector(kind, column as (readonly (string | number)[])[]);
      case 'mask':
        return Int32Array.from((column as (readonly number[])[]).flat());
      case 'pattern':
        return patterns(column as string[]);
      default:
        return column;
    }
  });
}

/** Each compiled once. */
function patterns(sources: readonly string[]): readonly Pattern[] {
  const compiled = new Map<string, Pattern>();
  return sources.map((source) => {
    const pattern = compiled.get(source) ?? compilePattern(source);
    compiled.set(source, pattern);
    return pattern;
  });
}

function listVector(kind: 'numbers' | 'codes' | 'texts', lists: readonly (readonly (string | number)[])[]): ListVector {
  const starts = new Int32Array(lists.length + 1);
  lists.forEach((list, row) => {
    starts[row + 1] = (starts[row] as number) + list.length;
  });
  const items = lists.flat();
  if (kind === 'texts') return { items: items as string[], starts };
  return {
    items: kind === 'codes' ? Int32Array.from(items as number[]) : Float64Array.from(items as number[]),
    starts,
  };
}
