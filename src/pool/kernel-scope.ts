/**
 * What the code of one kernel is written with: its parameters (what differs between partitions, or from one predicate to the next of the same form), the
 * vectors that hold one in every lane, and local variables that are used again once nobody holds them.
 */
import { Simd, ValueType, WasmFunction } from './wasm-code.ts';

/** Where a parameter's value comes from. */
export type KernelParameter =
  | { readonly from: 'presence' | 'values' | 'wide'; readonly slot: number }
  | { readonly from: 'directories' | 'now' }
  | { readonly from: 'text'; readonly text: string }
  | { readonly from: 'int' | 'double'; readonly value: number };

/** In an int column: the value is in the wide one (column.ts). */
export const WIDE = -(2 ** 31);

/** The function's own parameters come before these. */
export const OWN_PARAMETERS = 3;

function keyOf(parameter: KernelParameter): string {
  const sign = 'value' in parameter && Object.is(parameter.value, -0) ? ' -' : '';
  return Object.values(parameter).join(' ') + sign;
}

function isColumn({ from }: KernelParameter): boolean {
  return from === 'presence' || from === 'values' || from === 'wide' || from === 'directories';
}

function isDouble({ from }: KernelParameter): boolean {
  return from === 'double' || from === 'now';
}

export class KernelScope {
  readonly code: WasmFunction;
  /** Number of the present word of 64 rows in its column. */
  readonly word: number;
  /** Takes what is read for its side effect; written out at the end, or the compiler would leave the reading out. */
  readonly sink: number;
  /** Parameters that were asked for, by key. A kernel is written twice: first to find these. */
  readonly used = new Map<string, KernelParameter>();
  readonly isInt: (slot: number) => boolean;
  readonly #indices = new Map<string, number>();
  readonly #splats = new Map<string, number>();
  readonly #free = new Map<ValueType, number[]>();
  readonly #wide: number;

  /** `isInt`: whether a slot of numbers is an int column. */
  constructor(parameters: readonly KernelParameter[], isInt: (slot: number) => boolean) {
    const types = parameters.map((parameter) => (isDouble(parameter) ? ValueType.f64 : ValueType.i32));
    const own = new Array<ValueType>(OWN_PARAMETERS).fill(ValueType.i32);
    this.code = new WasmFunction([...own, ...types], ValueType.i32);
    this.isInt = isInt;
    this.word = this.code.local(ValueType.i32);
    this.sink = this.code.local(ValueType.i64);
    for (const [i, parameter] of parameters.entries()) this.#indices.set(keyOf(parameter), OWN_PARAMETERS + i);
    for (const parameter of parameters) if (!isColumn(parameter)) this.splat(parameter);
    this.#wide = this.code.local(ValueType.v128);
    this.code.i32(WIDE);
    this.code.simd(Simd.i32x4Splat);
    this.code.set(this.#wide);
  }

  /** The local variable with WIDE in every lane. */
  get wide(): number {
    return this.#wide;
  }

  /** Leaves a parameter's value. */
  parameter(parameter: KernelParameter): void {
    const key = keyOf(parameter);
    this.used.set(key, parameter);
    this.code.get(this.#indices.get(key) ?? 0);
  }

  /** The local variable that holds a parameter in every lane, from before the first row on. */
  splat(parameter: KernelParameter): number {
    const key = keyOf(parameter);
    const known = this.#splats.get(key);
    if (known !== undefined) return known;
    const local = this.code.local(ValueType.v128);
    this.#splats.set(key, local);
    this.parameter(parameter);
    this.code.simd(isDouble(parameter) ? Simd.f64x2Splat : Simd.i32x4Splat);
    this.code.set(local);
    return local;
  }

  /** A local variable that nobody holds until it is given back. */
  take(type: ValueType): number {
    return this.#free.get(type)?.pop() ?? this.code.local(type);
  }
  give(type: ValueType, local: number): void {
    const free = this.#free.get(type) ?? [];
    free.push(local);
    this.#free.set(type, free);
  }
}
