/**
 * Bytes of a WebAssembly module with one function over one imported shared memory: just what scan kernels need. Written
 * byte by byte (the binary format of the WebAssembly 2.0 specification), because a text assembler would take longer than the scan.
 */

export const ValueType = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b } as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];

/** Instructions without immediates. */
export const Op = {
  else: 0x05,
  end: 0x0b,
  i32Eqz: 0x45,
  i32LtU: 0x49,
  i32Add: 0x6a,
  i32Mul: 0x6c,
  i32And: 0x71,
  i64Eqz: 0x50,
  i64Eq: 0x51,
  i64And: 0x83,
  i64Or: 0x84,
  i64Xor: 0x85,
  i64Shl: 0x86,
  i64Popcnt: 0x7b,
  i32WrapI64: 0xa7,
  i64ExtendI32U: 0xad,
} as const;

/** Instructions on 128-bit vectors, without immediates. */
export const Simd = {
  i32x4Splat: 0x11,
  f64x2Splat: 0x14,
  i32x4Eq: 0x37,
  i32x4Ne: 0x38,
  i32x4GtS: 0x3b,
  i32x4LeS: 0x3d,
  f64x2Eq: 0x47,
  f64x2Ne: 0x48,
  f64x2Lt: 0x49,
  f64x2Gt: 0x4a,
  f64x2Le: 0x4b,
  f64x2Ge: 0x4c,
  or: 0x50,
  bitselect: 0x52,
  anyTrue: 0x53,
  i8x16Bitmask: 0x64,
  i8x16NarrowI16x8S: 0x65,
  i16x8NarrowI32x4S: 0x85,
  i64x2ExtendLowI32x4S: 0xc7,
  f64x2Abs: 0xec,
  f64x2Neg: 0xed,
  f64x2Add: 0xf0,
  f64x2Sub: 0xf1,
  f64x2Mul: 0xf2,
  f64x2Div: 0xf3,
  f64x2ConvertLowI32x4S: 0xfe,
} as const;

/** Instructions that name an address: its base is on the stack, `offset` is added. */
export const Access = {
  i64Load: [0x29],
  i32Store: [0x36],
  i64Store: [0x37],
  v128Load: [0xfd, 0x00],
  /** 8 bytes; the upper half is 0. */
  v128Load64Zero: [0xfd, 0x5d],
} as const;

const EMPTY_BLOCK = 0x40;
const PAGES_MAX = 65_536;

export class WasmFunction {
  readonly #params: readonly ValueType[];
  readonly #result: ValueType;
  readonly #locals: ValueType[] = [];
  readonly #code: number[] = [];

  constructor(params: readonly ValueType[], result: ValueType) {
    this.#params = params;
    this.#result = result;
  }

  /** A new local variable, 0 at the start; parameters are the first ones. */
  local(type: ValueType): number {
    return this.#params.length + this.#locals.push(type) - 1;
  }

  op(...ops: number[]): void {
    for (const op of ops) this.#code.push(op);
  }
  simd(op: number): void {
    this.#code.push(0xfd, ...unsigned(op));
  }
  get(local: number): void {
    this.#code.push(0x20, ...unsigned(local));
  }
  set(local: number): void {
    this.#code.push(0x21, ...unsigned(local));
  }
  tee(local: number): void {
    this.#code.push(0x22, ...unsigned(local));
  }
  i32(value: number): void {
    this.#code.push(0x41, ...signed(value | 0));
  }
  /** Only small ones are needed. */
  i64(value: number): void {
    this.#code.push(0x42, ...signed(value));
  }
  access(access: readonly number[], offset: number): void {
    this.#code.push(...access, 0, ...unsigned(offset));
  }
  block(): void {
    this.#code.push(0x02, EMPTY_BLOCK);
  }
  loop(): void {
    this.#code.push(0x03, EMPTY_BLOCK);
  }
  if(result: ValueType): void {
    this.#code.push(0x04, result);
  }
  branch(depth: number): void {
    this.#code.push(0x0c, depth);
  }
  branchIf(depth: number): void {
    this.#code.push(0x0d, depth);
  }

  /** The module: imports `env.memory`, exports the function under `name`. */
  module(name: string): Uint8Array {
    const type = [0x60, ...vector(this.#params), 1, this.#result];
    // Any shared memory matches: what is imported may be larger at the start and smaller at the end.
    const memory = [...text('env'), ...text('memory'), 0x02, 0x03, 0, ...unsigned(PAGES_MAX)];
    const locals = this.#locals.map((local) => [1, local]);
    const body = [...unsigned(locals.length), ...locals.flat(), ...this.#code, Op.end];
    const bytes = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    appendSection(bytes, 1, [1, ...type]);
    appendSection(bytes, 2, [1, ...memory]);
    appendSection(bytes, 3, [1, 0]);
    appendSection(bytes, 7, [1, ...text(name), 0x00, 0]);
    appendSection(bytes, 10, [1, ...unsigned(body.length), ...body]);
    return Uint8Array.from(bytes);
  }
}

function appendSection(bytes: number[], id: number, content: readonly number[]): void {
  bytes.push(id, ...unsigned(content.length));
  for (const byte of content) bytes.push(byte);
}

function vector(bytes: readonly number[]): number[] {
  return [...unsigned(bytes.length), ...bytes];
}

function text(value: string): number[] {
  return vector([...value].map((character) => character.charCodeAt(0)));
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest < -64 || rest > 63; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest & 0x7f);
  return bytes;
}
