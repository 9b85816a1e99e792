/**
 * msgpackr's records on the fast way: a message names a shape's keys once (`d4 72 <id> [keys]`) and gives values alone
 * from then on. What the keys mean for an object is worked out once per definition and kept by its bytes, since
 * producers send the same few definitions in every message.
 */
import { RECORD_SHAPE_BYTES_MAX, RECORD_SHAPES_KEPT } from '../../constants.ts';
import type { KeyPlan, ObjectPlan } from './event-plan.ts';
import { hashRange, type InputBytes, isProto, isUtf8, sameRange } from './input-bytes.ts';

const IDS = 64;
const WORD = 4;

export class RecordShape {
  readonly count: number;
  /** The definition from its list of keys on, with a word behind it. */
  readonly view: DataView;
  readonly length: number;
  /** Offsets of the keys in the definition: start and end in turn. */
  readonly #keys: readonly number[];
  /** By ObjectPlan.id: the keys' meanings. */
  readonly #plans: (readonly KeyPlan[] | undefined)[] = [];

  constructor(bytes: Uint8Array, keys: readonly number[]) {
    const padded = new Uint8Array(bytes.length + WORD);
    padded.set(bytes);
    this.view = new DataView(padded.buffer);
    this.length = bytes.length;
    this.count = keys.length / 2;
    this.#keys = keys;
  }

  plansFor(object: ObjectPlan): readonly KeyPlan[] {
    const known = this.#plans[object.id];
    if (known !== undefined) return known;
    const plans: KeyPlan[] = [];
    for (let i = 0; i < this.#keys.length; i += 2)
      plans.push(object.find(this.view, this.#keys[i] as number, this.#keys[i + 1] as number));
    while (this.#plans.length < object.id) this.#plans.push(undefined);
    this.#plans[object.id] = plans;
    return plans;
  }
}

/** The definitions in force, by id, with a way back: what an event defined can be undone. */
export class RecordShapes {
  readonly #input: InputBytes;
  readonly #kept: (RecordShape | null)[] = new Array<RecordShape | null>(RECORD_SHAPES_KEPT).fill(null);
  readonly #shapes: (RecordShape | null)[] = new Array<RecordShape | null>(IDS).fill(null);
  /** Definitions since `forget`, #defined of them: the id, what it meant before, and what since. */
  readonly #ids: number[] = [];
  readonly #before: (RecordShape | null)[] = [];
  readonly #since: (RecordShape | null)[] = [];
  #defined = 0;
  #used = false;
  /** Behind the last definition read. */
  end = 0;

  constructor(input: InputBytes) {
    this.#input = input;
  }

  /** Of a new message, where nothing is defined. */
  clear(): void {
    if (this.#used) this.#shapes.fill(null);
    this.#used = false;
    this.forget();
  }

  /** null: this type byte (0x40 … 0x7f) is a number. */
  of(token: number): RecordShape | null {
    return this.#shapes[token & 0x3f] as RecordShape | null;
  }

  /** Reads the definition whose id is at `at`; null: leave it to the thorough decoder. */
  define(at: number): RecordShape | null {
    const shape = this.#read(at + 1);
    if (shape === null) return null;
    const id = (this.#input.bytes[at] as number) & 0x3f;
    this.#ids[this.#defined] = id;
    this.#before[this.#defined] = this.#shapes[id] as RecordShape | null;
    this.#since[this.#defined] = shape;
    this.#defined++;
    this.#shapes[id] = shape;
    this.#used = true;
    return shape;
  }

  /** Definitions so far: a point to go back to. */
  get mark(): number {
    return this.#defined;
  }

  /** What is defined stays so. */
  forget(): void {
    this.#defined = 0;
  }

  /** Takes definitions back to those at `mark`. They can be repeated. */
  undo(mark: number): void {
    for (let i = this.#defined - 1; i >= mark; i--)
      this.#shapes[this.#ids[i] as number] = this.#before[i] as RecordShape | null;
  }

  /** Repeats the definitions from `mark` to `end`, which were undone. */
  redo(mark: number, end: number): void {
    for (let i = mark; i < end; i++) this.#shapes[this.#ids[i] as number] = this.#since[i] as RecordShape | null;
  }

  /** From the header of the list of keys on. */
  #read(start: number): RecordShape | null {
    const { bytes, view, end } = this.#input;
    const token = bytes[start] as number;
    let at = start + 1;
    let count = token & 0x0f;
    if (token === 0xdc) {
      count = view.getUint16(at);
      at += 2;
    } else if (token < 0x90 || token > 0x9f) return null;
    const first = at;
    for (let i = 0; i < count; i++) {
      const length = keyLength(bytes, at);
      at += keyHeader(bytes, at) + length;
      if (length < 0 || at > end || at - start > RECORD_SHAPE_BYTES_MAX) return null;
    }
    if (at > end) return null;
    this.end = at;
    const place = hashRange(view, start, at) & (RECORD_SHAPES_KEPT - 1);
    const kept = this.#kept[place] as RecordShape | null;
    if (kept !== null && kept.length === at - start && sameRange(view, start, kept.view, 0, kept.length)) return kept;
    const shape = this.#make(start, first, count);
    if (shape !== null) this.#kept[place] = shape;
    return shape;
  }

  #make(start: number, first: number, count: number): RecordShape | null {
    const { bytes } = this.#input;
    const keys: number[] = [];
    let at = first;
    for (let i = 0; i < count; i++) {
      const from = at + keyHeader(bytes, at);
      const to = from + keyLength(bytes, at);
      if (!isUtf8(bytes, from, to) || isProto(bytes, from, to)) return null;
      keys.push(from - start, to - start);
      at = to;
    }
    return new RecordShape(bytes.subarray(start, at), keys);
  }
}

/** Of the key at `at`, in bytes; negative: none that the fast way reads. */
export function keyLength(bytes: Uint8Array, at: number): number {
  const token = bytes[at] as number;
  return (token & 0xe0) === 0xa0 ? token & 0x1f : token === 0xd9 ? (bytes[at + 1] as number) : -1;
}

/** Bytes before the key's text. */
export function keyHeader(bytes: Uint8Array, at: number): number {
  return bytes[at] === 0xd9 ? 2 : 1;
}
