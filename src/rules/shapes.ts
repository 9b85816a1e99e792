/**
 * Shapes: programs that differ in their constants only share one generated function. Lifting replaces each constant by a place in a vector and gives the key that
 * tells shapes apart. A string compared with a string of the profile becomes a comparison of dictionary codes.
 */
import { type Ir, type IrConstant, type IrLoop, type IrRange, type Rep, repOf } from './ir.ts';
import { compilePattern, type Pattern } from './pattern.ts';

/**
 * How a vector's constants are held at run time: numbers and dictionary codes in typed arrays; short lists of constants one after the other in one array with the
 * place where each rule's begins, long ones as sets.
 */
export type VectorKind =
  | 'number'
  | 'code'
  | 'text'
  | 'numbers'
  | 'codes'
  | 'texts'
  | 'set'
  | 'pattern'
  | 'wide'
  | 'bytes';

/** A list of more constants is a set: hashing an item costs as much as comparing it with about this many. */
const SHORT_LIST_MAX = 16;

/** A constant in the form that its vector holds. */
export type Lifted =
  | number
  | bigint
  | string
  | Uint8Array
  | readonly (string | number)[]
  | ReadonlySet<string | number>
  | Pattern;

export interface Shape {
  /** Equal keys: the same code. */
  readonly key: string;
  readonly ir: Ir;
  readonly kinds: readonly VectorKind[];
}

export type DictionaryCode = (text: string) => number;

/** Never a code of the dictionary: a constant that it could not take equals nothing that it holds. */
const NO_CODE = -2;

/** `dictionaryCode` null: the profile's strings are compared as texts. */
export function liftConstants(
  ir: Ir,
  dictionaryCode: DictionaryCode | null,
): { readonly shape: Shape; readonly constants: readonly Lifted[] } {
  const lifter = new Lifter(dictionaryCode);
  const shape = lifter.lift(ir);
  return {
    shape: { key: JSON.stringify([shape, lifter.kinds]), ir: shape, kinds: lifter.kinds },
    constants: lifter.constants,
  };
}

class Lifter {
  readonly kinds: VectorKind[] = [];
  readonly constants: Lifted[] = [];
  readonly #dictionaryCode: DictionaryCode | null;

  constructor(dictionaryCode: DictionaryCode | null) {
    this.#dictionaryCode = dictionaryCode;
  }

  lift(ir: Ir): Ir {
    switch (ir.op) {
      case 'const':
        return this.#constant(ir.rep, ir.value);
      case 'constants':
        return this.#list(ir.rep, ir.values);
      case 'pattern':
        return this.#place('pattern', compilePattern(ir.source), 'pattern');
      case 'column':
      case 'hasColumn':
        return { ...ir, element: this.lift(ir.element) };
      case 'and':
      case 'or':
        return { ...ir, items: this.#all(ir.items) };
      case 'list':
        return { ...ir, items: this.#all(ir.items) };
      case 'if':
        return {
          ...ir,
          condition: this.lift(ir.condition),
          whenTrue: this.lift(ir.whenTrue),
          whenFalse: this.lift(ir.whenFalse),
        };
      case 'call':
        return this.#codeComparison(ir) ?? { ...ir, args: this.#all(ir.args) };
      case 'overload':
      case 'dispatch':
        return { ...ir, args: this.#all(ir.args) };
      case 'member':
        return this.#codeMembership(ir) ?? { ...ir, item: this.lift(ir.item), values: this.lift(ir.values) };
      case 'matches':
        return { ...ir, text: this.lift(ir.text), pattern: this.lift(ir.pattern) };
      case 'box':
        return { ...ir, value: this.lift(ir.value) };
      case 'unbox':
        return { ...ir, value: this.lift(ir.value) };
      case 'map':
        return { ...ir, entries: ir.entries.map(([key, value]) => [this.lift(key), this.lift(value)] as const) };
      case 'loop':
        return this.#loop(ir);
      default:
        return ir;
    }
  }

  #all(items: readonly Ir[]): Ir[] {
    return items.map((item) => this.lift(item));
  }

  #loop(loop: IrLoop): Ir {
    const { predicate, transform } = loop;
    return {
      ...loop,
      range: this.#range(loop.range),
      predicate: predicate === null ? null : this.lift(predicate),
      transform: transform === null ? null : this.lift(transform),
    };
  }

  #range(range: IrRange): IrRange {
    return range.over === 'objects' || range.over === 'scalars' ? range : { ...range, value: this.lift(range.value) };
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

  /** profile.x == 'text' */
  #codeComparison(ir: Extract<Ir, { op: 'call' }>): Ir | null {
    if (this.#dictionaryCode === null || (ir.name !== 'same' && ir.name !== 'differ')) return null;
    const [a, b] = ir.args as [Ir, Ir];
    const [slot, text] = a.op === 'const' ? [b, a] : [a, b];
    if (text.op !== 'const' || text.rep !== 'string') return null;
    const code = profileText(slot);
    return code === null
      ? null
      : { ...ir, args: [code, this.#place('code', this.#codeOf(text.value as string), 'int')] };
  }

  /** profile.x in ['text', …] */
  #codeMembership(ir: Extract<Ir, { op: 'member' }>): Ir | null {
    if (this.#dictionaryCode === null || ir.values.op !== 'constants' || ir.values.rep !== 'texts') return null;
    const code = profileText(ir.item);
    if (code === null) return null;
    const codes = ir.values.values.map((text) => this.#codeOf(text as string));
    return { ...ir, item: code, values: this.#list('codes', codes) };
  }

  #codeOf(text: string): number {
    const code = (this.#dictionaryCode as DictionaryCode)(text);
    return code < 0 ? NO_CODE : code;
  }
}

function profileText(ir: Ir): Ir | null {
  if (ir.op !== 'slot' || ir.from !== 'profile' || repOf(ir) !== 'string') return null;
  return { op: 'slotCode', slot: ir.slot, sure: ir.sure, rep: 'int' };
}

/** Short lists of all rules of a shape, one after the other: those of row r are items[starts[r]] … items[starts[r + 1] − 1]. */
export interface ListVector {
  readonly items: Float64Array | Int32Array | readonly string[];
  readonly starts: Int32Array;
}

export type Vector = Float64Array | Int32Array | ListVector | readonly Lifted[];

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
      default:
        return column;
    }
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
