/**
 * How the rules of one shape are tried together. A rule is a conjunction; its operands may be tried in any order, and errors count the same in all of them. What
 * is the same for all rules is evaluated once per event. Where an operand compares a number with each rule's constant, rules are put in the order of that
 * constant: they are tried until the first one for which the comparison is false, which it is for all after it too.
 */
import { RULES_PER_FAST_SHAPE_MIN } from '../constants.ts';
import { evaluationCost } from './evaluation-cost.ts';
import { type Ir, type Rep, repOf } from './ir.ts';
import { childrenOf, mapChildren } from './ir-traits.ts';
import type { Lifted, Shape } from './shapes.ts';

type Comparison = 'less' | 'lessEqual' | 'greater' | 'greaterEqual';

/** An operand `number operator constant`. The rules for which it holds come first where they are ordered by its constant. */
export interface RangeKey {
  readonly item: Ir;
  /** The number, the same for all rules. */
  readonly read: Ir;
  readonly operator: Comparison;
  readonly vector: number;
  /** All rows in the order of the constant. */
  readonly order: Int32Array;
}

export interface ShapePlan {
  /** Operands without a rule's own constant, the cheap ones and the others. */
  readonly cheap: readonly Ir[];
  readonly dear: readonly Ir[];
  /** The rest, `keys` included. */
  readonly items: readonly Ir[];
  /** At most two. */
  readonly keys: readonly RangeKey[];
  readonly rowCount: number;
}

/** Steps (evaluation-cost.ts) up to which an operand is tried before any rule: about as many as finding out that no rule is left. */
const CHEAP_STEPS_MAX = 8;
/** Two orders are a choice, for each event the better one; a third rarely adds to it. */
const KEYS_MAX = 2;

export function planShape(shape: Shape, constants: readonly (readonly Lifted[])[]): ShapePlan {
  const uniform = shape.kinds.map((_, vector) => isUniform(constants.map((row) => row[vector] as Lifted)));
  const ir = markUniform(shape.ir, uniform);
  const all = ir.op === 'and' ? ir.items : [ir];
  const items = all.filter((item) => !isInvariant(item));
  const invariants = all.filter(isInvariant);
  const keys = constants.length > 1 ? items.flatMap((item) => rangeKey(item, shape, constants)) : [];
  return {
    cheap: invariants.filter(isCheap),
    dear: invariants.filter((item) => !isCheap(item)),
    items,
    keys: keys
      .sort((a, b) => preference(b, constants) - preference(a, constants))
      .slice(0, constants.length < RULES_PER_FAST_SHAPE_MIN ? 1 : KEYS_MAX),
    rowCount: constants.length,
  };
}

/** The tree for an event of which nothing is absent that it reads, and what that means. */
export function assumePresent(ir: Ir, conditions: Map<string, Ir>): Ir {
  const demand = (condition: Ir): void => {
    conditions.set(JSON.stringify(condition), condition);
  };
  const visit = (node: Ir): Ir => {
    switch (node.op) {
      case 'slot':
      case 'slotCode':
      case 'placeCode': {
        if (node.sure) return node;
        demand({ op: 'has', from: node.op === 'slotCode' ? 'profile' : node.from, slot: node.slot });
        return { ...node, sure: true };
      }
      case 'listLength':
        demand({ op: 'hasList', list: node.list });
        return { ...node, sure: true };
      case 'anyElement':
        demand({ op: 'hasList', list: node.list });
        if (node.gaps) demand({ op: 'noGaps', place: node.place });
        return { ...node, sure: true };
      case 'loop': {
        const loop = mapChildren(node, visit) as typeof node;
        const { range } = loop;
        if (range.over !== 'objects' && range.over !== 'scalars') return loop;
        demand({ op: 'hasList', list: range.list });
        return { ...loop, range: { ...range, sure: true } };
      }
      default:
        return mapChildren(node, visit);
    }
  };
  return visit(ir);
}

function markUniform(ir: Ir, uniform: readonly boolean[]): Ir {
  if (ir.op === 'lifted') return uniform[ir.vector] === true ? { ...ir, uniform: true } : ir;
  return mapChildren(ir, (child) => markUniform(child, uniform));
}

function isUniform(column: readonly Lifted[]): boolean {
  const [first] = column as readonly [Lifted];
  return column.every((constant) => sameConstant(first, constant));
}

function sameConstant(a: Lifted, b: Lifted): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return Object.is(a, b);
  const [x, y] = [[...a], [...b]];
  return x.length === y.length && x.every((item, i) => Object.is(item, y[i]));
}

function isInvariant(ir: Ir): boolean {
  return ir.op === 'lifted' ? ir.uniform === true : childrenOf(ir).every(isInvariant);
}

function isCheap(ir: Ir): boolean {
  return evaluationCost(ir) <= CHEAP_STEPS_MAX && !callsOut(ir);
}

/** Segments and patterns take their time behind a single node. */
function callsOut(ir: Ir): boolean {
  return ir.op === 'segment' || ir.op === 'matches' || childrenOf(ir).some(callsOut);
}

const FLIPPED: Readonly<Record<Comparison, Comparison>> = {
  less: 'greater',
  lessEqual: 'greaterEqual',
  greater: 'less',
  greaterEqual: 'lessEqual',
};
/** Held as plain numbers. */
const NUMBERS: readonly Rep[] = ['int', 'double', 'ms', 'spanMs'];

function rangeKey(item: Ir, shape: Shape, constants: readonly (readonly Lifted[])[]): RangeKey[] {
  if (item.op !== 'call' || !(item.name in FLIPPED)) return [];
  const [a, b] = item.args as [Ir, Ir];
  const flipped = a.op === 'lifted';
  const [read, constant] = flipped ? [b, a] : [a, b];
  if (constant.op !== 'lifted' || shape.kinds[constant.vector] !== 'number') return [];
  if (!isInvariant(read) || !NUMBERS.includes(repOf(read))) return [];
  const name = item.name as Comparison;
  const operator = flipped ? FLIPPED[name] : name;
  const column = constants.map((row) => row[constant.vector] as number);
  return [{ item, read, operator, vector: constant.vector, order: orderOf(column, operator) }];
}

/** Those for which the comparison holds first; what never compares comes last. */
function orderOf(column: readonly number[], operator: Comparison): Int32Array {
  const sign = operator === 'greater' || operator === 'greaterEqual' ? 1 : -1;
  return Int32Array.from(column.keys()).sort((x, y) => {
    const [a, b] = [column[x] as number, column[y] as number];
    if (a === b) return x - y;
    if (Number.isNaN(a) || Number.isNaN(b))
      return Number.isNaN(a) && Number.isNaN(b) ? x - y : Number.isNaN(a) ? 1 : -1;
    return a < b ? -sign : sign;
  });
}

/** The more constants, the fewer rules an event reaches; the event's own numbers spread wider than the profile's. */
function preference(key: RangeKey, constants: readonly (readonly Lifted[])[]): number {
  const distinct = new Set(constants.map((row) => row[key.vector])).size;
  return distinct * 2 + (readsProfile(key.read) ? 0 : distinct);
}

function readsProfile(ir: Ir): boolean {
  return (ir.op === 'slot' && ir.from === 'profile') || childrenOf(ir).some(readsProfile);
}
