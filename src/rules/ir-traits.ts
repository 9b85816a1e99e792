/** Facts about intermediate trees: their children, and whether evaluating one can fail. */
import type { Ir, IrRange } from './ir.ts';
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
