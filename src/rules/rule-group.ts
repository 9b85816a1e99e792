/** The rules of one shape that are reached in the same way: all on every event, or through the index under values of one place. */
import { SCAN_SHAPES_MAX, SCAN_TREE_LENGTH_MAX } from '../constants.ts';
import {
  type GateFunction,
  gateFunction,
  type MatchPart,
  type PickFunction,
  pickFunction,
  type ScanFunction,
  scanFunction,
} from './generate-match.ts';
import type { PlaceReader } from './place-codes.ts';
import { planShape } from './shape-plan.ts';
import { type Lifted, type Shape, vectorsOf } from './shapes.ts';

/** What the index picks rows from. */
export interface RuleGroup {
  readonly pick: PickFunction;
  readonly gate: GateFunction | null;
  /** Index of the rule by row. */
  readonly ids: Int32Array;
}

/** A rule of the group: its index and its constants. */
export interface Member {
  readonly id: number;
  readonly constants: readonly Lifted[];
}

export function pickedGroup(part: MatchPart, errors: Uint32Array, places: PlaceReader, name: string): RuleGroup {
  return { pick: pickFunction(part, errors, places, name), gate: gateFunction(part, name), ids: part.ids };
}

/** A function takes in several shapes, one after the other: what they read of the event is loaded once. */
export function scanFunctions(parts: readonly MatchPart[], errors: Uint32Array, places: PlaceReader): ScanFunction[] {
  const chunks: MatchPart[][] = [];
  let length = 0;
  for (const part of parts) {
    const last = chunks[chunks.length - 1];
    const own = part.shape.key.length;
    if (last !== undefined && last.length < SCAN_SHAPES_MAX && length + own <= SCAN_TREE_LENGTH_MAX) {
      last.push(part);
      length += own;
    } else {
      chunks.push([part]);
      length = own;
    }
  }
  return chunks.map((chunk, number) => scanFunction(chunk, errors, places, `scan ${number}`));
}

export function createPart(shape: Shape, members: readonly Member[]): MatchPart {
  const plan = planShape(
    shape,
    members.map(({ constants }) => constants),
  );
  const [first, second] = plan.keys;
  const rows = first === undefined ? members : Array.from(first.order, (row) => members[row] as Member);
  const ids = Int32Array.from(rows, ({ id }) => id);
  const vectors = vectorsOf(
    shape.kinds,
    rows.map(({ constants }) => constants),
  );
  const secondRows = second === undefined ? new Int32Array(0) : translate(second.order, first?.order ?? second.order);
  const secondConstants = Float64Array.from(
    secondRows,
    (row) => rows[row]?.constants[second?.vector as number] as number,
  );
  return { shape, plan, vectors, ids, secondRows, secondConstants };
}

/** Members in the order `order` as rows, where the members are in the order `rows`. */
function translate(order: Int32Array, rows: Int32Array): Int32Array {
  const rowOf = new Int32Array(rows.length);
  rows.forEach((member, row) => {
    rowOf[member] = row;
  });
  return order.map((member) => rowOf[member] as number);
}
