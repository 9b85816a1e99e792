/** Facts about intermediate trees: their children, the same tree with other children, and whether evaluating one can fail. */
import type { Ir, IrRange } from './ir.ts';
import { OPERATIONS } from './operations.ts';

export function childrenOf(ir: Ir): readonly Ir[] {
  switch (ir.op) {
    case 'column':
    case 'hasColumn':
    case 'columnCode':
      return [ir.element];
    case 'amongMask':
      return [ir.code, ir.mask];
    case 'anyElement':
      return [ir.codes];
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

/** The children are visited in the order of childrenOf. */
export function mapChildren(ir: Ir, map: (child: Ir) => Ir): Ir {
  switch (ir.op) {
    case 'column':
    case 'hasColumn':
    case 'columnCode':
      return { ...ir, element: map(ir.element) };
    case 'amongMask':
      return { ...ir, code: map(ir.code), mask: map(ir.mask) };
    case 'anyElement':
      return { ...ir, codes: map(ir.codes) };
    case 'and':
    case 'or':
    case 'list':
      return { ...ir, items: ir.items.map(map) };
    case 'if':
      return { ...ir, condition: map(ir.condition), whenTrue: map(ir.whenTrue), whenFalse: map(ir.whenFalse) };
    case 'call':
    case 'overload':
    case 'dispatch':
      return { ...ir, args: ir.args.map(map) };
    case 'member':
      return { ...ir, item: map(ir.item), values: map(ir.values) };
    case 'matches':
      return { ...ir, text: map(ir.text), pattern: map(ir.pattern) };
    case 'box':
    case 'unbox':
      return { ...ir, value: map(ir.value) };
    case 'map':
      return { ...ir, entries: ir.entries.map(([key, value]) => [map(key), map(value)] as const) };
    case 'loop': {
      const { range, predicate, transform } = ir;
      return {
        ...ir,
        range: 'value' in range ? { ...range, value: map(range.value) } : range,
        predicate: predicate === null ? null : map(predicate),
        transform: transform === null ? null : map(transform),
      };
    }
    default:
      return ir;
  }
}

export function canFail(ir: Ir): boolean {
  switch (ir.op) {
    case 'slot':
    case 'column':
    case 'slotCode':
    case 'placeCode':
    case 'columnCode':
    case 'anyElement':
      return !ir.sure || childrenOf(ir).some(canFail);
    case 'meta':
      return ir.field === 'id';
    case 'segment':
    case 'variable':
    case 'eventList':
    case 'overload':
    case 'dispatch':
    case 'unbox':
    case 'map':
    case 'fail':
      return true;
    case 'call':
      return OPERATIONS[ir.name].fails || ir.args.some(canFail);
    case 'listLength':
      return ir.sure !== true;
    case 'loop':
      // An absent list, a range that turns out to be none, an element's error that nothing absorbs.
      return 'value' in ir.range || ir.range.sure !== true || childrenOf(ir).some(canFail);
    default:
      return childrenOf(ir).some(canFail);
  }
}
