/**
 * The intermediate form: a typed tree in plain JSON. Every node has a representation, chosen when it was lowered; generated code holds the value in a JavaScript
 * value of that form and never asks again. A node that can fail says so by `canFail`; what failure means (absorbed, counted) is decided by the nodes around it.
 */
import type { OperationName } from './operations.ts';

/**
 * How a value is held:
 * int: a number within ±(2^53 − 1); wide: an int64 that may be larger, a number where it fits and a bigint beyond; uint: likewise, 0 … 2^64 − 1;
 * ms, ns: a timestamp in epoch milliseconds (number) or nanoseconds (bigint); spanMs, spanNs: a duration likewise;
 * texts, numbers, codes, mask, set and pattern are constants of their own kinds (see shapes.ts);
 * elements: an array of indices into an event's list of objects; list, map and dyn hold boxed values (values.ts).
 */
export type Rep =
  | 'bool'
  | 'int'
  | 'wide'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'ms'
  | 'ns'
  | 'spanMs'
  | 'spanNs'
  | 'type'
  | 'null'
  | 'list'
  | 'map'
  | 'elements'
  | 'texts'
  | 'numbers'
  | 'codes'
  | 'mask'
  | 'set'
  | 'pattern'
  | 'dyn';

/** Constants in JSON: integers beyond 2^53 and doubles that JSON cannot write are decimal strings, bytes are arrays of numbers. */
export type IrConstant = null | boolean | number | string | readonly number[];

export type Ir =
  | { readonly op: 'const'; readonly rep: Rep; readonly value: IrConstant }
  /** Field of the event or of the profile, by slot; fails where absent unless `sure`. */
  | {
      readonly op: 'slot';
      readonly from: 'event' | 'profile';
      readonly slot: number;
      readonly rep: Rep;
      readonly sure: boolean;
    }
  | { readonly op: 'has'; readonly from: 'event' | 'profile'; readonly slot: number }
  | { readonly op: 'hasList'; readonly list: number }
  | { readonly op: 'hasId' }
  | { readonly op: 'meta'; readonly field: 'id' | 'type' | 'ts'; readonly rep: Rep }
  | { readonly op: 'now'; readonly rep: 'ms' }
  | { readonly op: 'segment'; readonly index: number }
  /** Value of a general environment, boxed; fails if it is not bound. */
  | { readonly op: 'variable'; readonly index: number }
  /** The variable of the loop with this number; for a list of objects it is the element's index. */
  | { readonly op: 'local'; readonly local: number; readonly rep: Rep }
  | {
      readonly op: 'column';
      readonly list: number;
      readonly column: number;
      readonly element: Ir;
      readonly rep: Rep;
      readonly sure: boolean;
    }
  | { readonly op: 'hasColumn'; readonly list: number; readonly column: number; readonly element: Ir }
  /** A whole list of the event: boxed scalars (column 0) or the indices of its objects. */
  | { readonly op: 'eventList'; readonly list: number; readonly column: Rep | null; readonly rep: 'list' | 'elements' }
  | { readonly op: 'listLength'; readonly list: number; readonly sure?: boolean }
  | { readonly op: 'and' | 'or'; readonly items: readonly Ir[] }
  | { readonly op: 'if'; readonly condition: Ir; readonly whenTrue: Ir; readonly whenFalse: Ir; readonly rep: Rep }
  /** One of the operations of operations.ts. */
  | { readonly op: 'call'; readonly name: OperationName; readonly args: readonly Ir[]; readonly rep: Rep }
  /** A function of functions.ts, by overload; arguments and result are boxed. */
  | { readonly op: 'overload'; readonly id: string; readonly args: readonly Ir[]; readonly rep: 'dyn' }
  /** A function of functions.ts whose overload depends on the values' types. */
  | { readonly op: 'dispatch'; readonly ids: readonly string[]; readonly args: readonly Ir[]; readonly rep: 'dyn' }
  /** Membership in constants. */
  | { readonly op: 'member'; readonly item: Ir; readonly values: Ir }
  | { readonly op: 'constants'; readonly rep: 'texts' | 'numbers'; readonly values: readonly (string | number)[] }
  | { readonly op: 'matches'; readonly text: Ir; readonly pattern: Ir }
  | { readonly op: 'pattern'; readonly source: string; readonly instructions: number; readonly rep: 'pattern' }
  | { readonly op: 'box'; readonly value: Ir; readonly rep: 'dyn' }
  | { readonly op: 'unbox'; readonly value: Ir; readonly rep: Rep }
  | { readonly op: 'list'; readonly items: readonly Ir[]; readonly rep: 'list' }
  | { readonly op: 'map'; readonly entries: readonly (readonly [Ir, Ir])[]; readonly rep: 'map' }
  | IrLoop
  | { readonly op: 'fail'; readonly rep: Rep }
  // Made by shapes.ts and shape-plan.ts only, never written into a program:
  /** A constant that differs from rule to rule of a shape: element of the vector with this number. `uniform`: it is the same in all of them. */
  | { readonly op: 'lifted'; readonly vector: number; readonly rep: Rep; readonly uniform?: boolean }
  /** Dictionary code of a string of the profile. */
  | { readonly op: 'slotCode'; readonly slot: number; readonly sure: boolean; readonly rep: 'int' }
  /** Code of a string field among the constants of its place (place-codes.ts). */
  | {
      readonly op: 'placeCode';
      readonly place: number;
      readonly from: 'event' | 'profile';
      readonly slot: number;
      readonly sure: boolean;
      readonly rep: 'int';
    }
  /** The same of a field of an element. */
  | {
      readonly op: 'columnCode';
      readonly place: number;
      readonly list: number;
      readonly column: number;
      readonly element: Ir;
      readonly sure: boolean;
      readonly rep: 'int';
    }
  /** Whether a placeCode is one of the bits of a mask of so many words. */
  | { readonly op: 'amongMask'; readonly code: Ir; readonly mask: Ir; readonly words: number }
  /** Whether any element of a list has one of a few codes at a place; an element without the field fails if none has. */
  | {
      readonly op: 'anyElement';
      readonly place: number;
      readonly list: number;
      readonly codes: Ir;
      /** Elements may lack the field. */
      readonly gaps: boolean;
      readonly sure: boolean;
    }
  /** All elements of the list at hand have the field of a place. */
  | { readonly op: 'noGaps'; readonly place: number };

/**
 * all, exists and exists_one give a bool; collect gives a list of `transform` (boxed; elements where it is null over a list of objects) of the items for which
 * `predicate` holds (null: of all); count is the size of that list without making it; held is the same, but an item whose predicate fails is one for which it does not hold.
 */
export interface IrLoop {
  readonly op: 'loop';
  readonly kind: 'all' | 'exists' | 'existsOne' | 'collect' | 'count' | 'held';
  readonly range: IrRange;
  readonly local: number;
  readonly predicate: Ir | null;
  readonly transform: Ir | null;
  readonly rep: Rep;
}

export type IrRange =
  /** All objects of an event's list: the variable is an index. Fails where the list is absent unless `sure`. */
  | { readonly over: 'objects'; readonly list: number; readonly sure?: boolean }
  /** An event's list of scalars, without boxing; likewise. */
  | { readonly over: 'scalars'; readonly list: number; readonly rep: Rep; readonly sure?: boolean }
  /** Indices made by a loop before. */
  | { readonly over: 'elements'; readonly value: Ir }
  /** A boxed list; each item is unboxed to `rep`. */
  | { readonly over: 'list'; readonly value: Ir; readonly rep: Rep }
  /** Keys of a map, or whatever a dyn value turns out to be. */
  | { readonly over: 'dyn'; readonly value: Ir; readonly rep: Rep };

export function repOf(ir: Ir): Rep {
  switch (ir.op) {
    case 'has':
    case 'hasList':
    case 'hasId':
    case 'hasColumn':
    case 'segment':
    case 'and':
    case 'or':
    case 'member':
    case 'matches':
    case 'amongMask':
    case 'anyElement':
    case 'noGaps':
      return 'bool';
    case 'variable':
      return 'dyn';
    case 'listLength':
      return 'int';
    default:
      return ir.rep;
  }
}
