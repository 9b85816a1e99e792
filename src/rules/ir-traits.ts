/** Facts about intermediate trees: whether evaluating one can fail, and what it may cost. */
import {
  EVENT_BYTES_MAX,
  EVENT_LIST_LENGTH_MAX,
  EVENT_STRING_LENGTH_MAX,
  EXPRESSION_LIST_LENGTH_MAX,
} from '../constants.ts';
import type { Ir, IrLoop, IrRange } from './ir.ts';
import { OPERATIONS } from './operations.ts';

export function childrenOf(ir: Ir): readonly Ir[] {
  switch (ir.op) {
    case 'column':
    case 'hasColumn':
      return [ir.element];
    case 'and':
    case 'or':
    case 'list':
      return ir.items;
    case 'if':
      return [ir.condition, ir.whenTrue, ir.whenFalse];
    case 'call':
    case 'overload':
    case 'dispatch':
      return ir.args;
    case 'member':
      return [ir.item, ir.values];
    case 'matches':
      return [ir.text, ir.pattern];
    case 'box':
    case 'unbox':
      return [ir.value];
    case 'map':
      return ir.entries.flat();
    case 'loop':
      return [...rangeValues(ir.range), ...[ir.predicate, ir.transform].filter((child) => child !== null)];
    default:
      return [];
  }
}

function rangeValues(range: IrRange): readonly Ir[] {
  return range.over === 'objects' || range.over === 'scalars' ? [] : [range.value];
}

export function canFail(ir: Ir): boolean {
  switch (ir.op) {
    case 'slot':
    case 'column':
    case 'slotCode':
      return !ir.sure || childrenOf(ir).some(canFail);
    case 'meta':
      return ir.field === 'id';
    case 'segment':
    case 'variable':
    case 'eventList':
    case 'listLength':
    case 'overload':
    case 'dispatch':
    case 'unbox':
    case 'map':
    case 'fail':
      return true;
    case 'call':
      return OPERATIONS[ir.name].fails || ir.args.some(canFail);
    case 'loop':
      // An absent list, a range that turns out to be none, an element's error that nothing absorbs.
      return true;
    default:
      return childrenOf(ir).some(canFail);
  }
}

/** Steps of the worst case; a step is a few nanoseconds. */
export function evaluationCost(ir: Ir): number {
  if (ir.op === 'loop') return loopCost(ir);
  let cost = ownCost(ir);
  for (const child of childrenOf(ir)) cost += evaluationCost(child);
  return cost;
}

function loopCost(loop: IrLoop): number {
  let body = 1;
  if (loop.predicate !== null) body += evaluationCost(loop.predicate);
  if (loop.transform !== null) body += evaluationCost(loop.transform);
  let cost = lengthBound(loop.range) * body;
  for (const value of rangeValues(loop.range)) cost += evaluationCost(value);
  return cost;
}

function lengthBound(range: IrRange): number {
  if (range.over === 'objects' || range.over === 'scalars') return EVENT_LIST_LENGTH_MAX;
  return valueLength(range.value);
}

function valueLength(ir: Ir): number {
  switch (ir.op) {
    case 'list':
      return ir.items.length;
    case 'map':
      return ir.entries.length;
    case 'box':
    case 'unbox':
      return valueLength(ir.value);
    case 'loop':
      return lengthBound(ir.range);
    case 'if':
      return Math.max(valueLength(ir.whenTrue), valueLength(ir.whenFalse));
    case 'slot':
    case 'eventList':
      return EVENT_LIST_LENGTH_MAX;
    case 'overload':
      if (ir.id === 'add_list')
        return Math.min(
          EXPRESSION_LIST_LENGTH_MAX,
          ir.args.reduce((sum, arg) => sum + valueLength(arg), 0),
        );
      return EXPRESSION_LIST_LENGTH_MAX;
    default:
      return EXPRESSION_LIST_LENGTH_MAX;
  }
}

function ownCost(ir: Ir): number {
  switch (ir.op) {
    case 'constants':
      return 1 + ir.values.length / 8;
    case 'eventList':
      return EVENT_LIST_LENGTH_MAX / 4;
    case 'matches':
      return textLength(ir.text) * (ir.pattern.op === 'pattern' ? ir.pattern.instructions : 1);
    case 'overload':
    case 'dispatch':
      return 16;
    case 'call':
      return /^(contains|startsWith|endsWith|concatenate|countCodePoints|text)/.test(ir.name)
        ? readsText(ir.args[0] as Ir)
        : 1;
    default:
      return 1;
  }
}

/** What a step of searching, comparing or copying text gets through. */
const TEXT_PER_STEP = 256;

function readsText(ir: Ir): number {
  return 1 + textLength(ir) / TEXT_PER_STEP;
}

/** A field of a list's element is short on average: an event's size bounds the sum over all of its elements. */
function textLength(ir: Ir): number {
  if (ir.op === 'column' || ir.op === 'local') return EVENT_BYTES_MAX / EVENT_LIST_LENGTH_MAX;
  return ir.op === 'const' ? String(ir.value).length : EVENT_STRING_LENGTH_MAX;
}
