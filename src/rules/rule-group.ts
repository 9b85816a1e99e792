/** The rules of one shape that are reached in the same way: all on every event, or through the index under values of one place. They share one function. */
import { type MatchFunction, matchFunction } from './generate-match.ts';
import type { PlaceReader } from './place-codes.ts';
import { planShape } from './shape-plan.ts';
import { type Lifted, type Shape, vectorsOf } from './shapes.ts';

export interface RuleGroup {
  readonly run: MatchFunction;
  /** Index of the rule by row. */
  readonly ids: Int32Array;
}

/** A rule of the group: its index and its constants. */
export interface Member {
  readonly id: number;
  readonly constants: readonly Lifted[];
}

/** `picked`: the index says which rows are tried. */
export function createGroup(
  shape: Shape,
  members: readonly Member[],
  errors: Uint32Array,
  places: PlaceReader,
  picked: boolean,
  name: string,
): RuleGroup {
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
  const context = { ids, errors, places, secondRows, secondConstants };
  return { run: matchFunction(shape, plan, vectors, context, picked, name), ids };
}

/** Members in the order `order` as rows, where the members are in the order `rows`. */
function translate(order: Int32Array, rows: Int32Array): Int32Array {
  const rowOf = new Int32Array(rows.length);
  rows.forEach((member, row) => {
    rowOf[member] = row;
  });
  return order.map((member) => rowOf[member] as number);
}
