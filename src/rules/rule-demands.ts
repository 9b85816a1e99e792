/**
 * What a predicate demands of the event: places that must hold one of a few constants for it to be true. If none of them does, the predicate is false or an
 * error, so it need not be evaluated to know that it does not match.
 */
import type { Ir, IrLoop } from './ir.ts';
import { type Place, placeKey } from './place.ts';

export interface Demand {
  /** Of a list any element may hold the value. */
  readonly place: Place;
  /** bool as 0/1. */
  readonly values: ReadonlySet<string | number>;
}

/** Each demand alone must be met. Keyed by placeKey. */
export type Demands = ReadonlyMap<string, Demand>;

export function demandsOf(ir: Ir): Demands {
  return demandsAbout(ir, fieldPlace);
}

/** `placeOf` tells whether an expression reads a place. */
function demandsAbout(ir: Ir, placeOf: (ir: Ir) => Place | null): Demands {
  switch (ir.op) {
    case 'and':
      return anyOf(ir.items.map((item) => demandsAbout(item, placeOf)));
    case 'or':
      return commonTo(ir.items.map((item) => demandsAbout(item, placeOf)));
    case 'call':
      return ir.name === 'same' ? equality(ir.args[0] as Ir, ir.args[1] as Ir, placeOf) : NOTHING;
    case 'member': {
      const place = placeOf(ir.item);
      return place !== null && ir.values.op === 'constants' ? demand(place, ir.values.values) : NOTHING;
    }
    case 'loop':
      return ir.kind === 'exists' && ir.predicate !== null
        ? demandsAbout(ir.predicate, (item) => itemPlace(ir, item))
        : NOTHING;
    default:
      return NOTHING;
  }
}

const NOTHING: Demands = new Map();

function demand(place: Place, values: readonly (string | number)[]): Demands {
  // A constant of another type (an int beyond 2^53) is never in a frame; the evaluation itself will say so.
  if (!values.every((value) => (typeof value === 'string') === place.text)) return NOTHING;
  return new Map([[placeKey(place), { place, values: new Set(values) }]]);
}

function equality(a: Ir, b: Ir, placeOf: (ir: Ir) => Place | null): Demands {
  const [read, constant] = a.op === 'const' ? [b, a] : [a, b];
  const place = placeOf(read);
  if (place === null || constant.op !== 'const') return NOTHING;
  const { value } = constant;
  if (typeof value === 'boolean') return demand(place, [value ? 1 : 0]);
  return typeof value === 'string' || typeof value === 'number' ? demand(place, [value]) : NOTHING;
}

function fieldPlace(ir: Ir): Place | null {
  if (ir.op !== 'slot' || ir.from !== 'event' || ir.rep === 'ms') return null;
  return { kind: 'field', slot: ir.slot, text: ir.rep === 'string' };
}

/** Inside of exists(): the loop's own element, or the event as outside. */
function itemPlace(loop: IrLoop, ir: Ir): Place | null {
  const { range } = loop;
  if (range.over === 'scalars' && ir.op === 'local' && ir.local === loop.local && range.rep !== 'ms') {
    return { kind: 'column', list: range.list, column: 0, text: range.rep === 'string' };
  }
  const ofElement =
    ir.op === 'column' && ir.element.op === 'local' && ir.element.local === loop.local && ir.rep !== 'ms';
  if (range.over === 'objects' && ofElement)
    return { kind: 'column', list: ir.list, column: ir.column, text: ir.rep === 'string' };
  return fieldPlace(ir);
}

/** All operands must be true: the demands of each hold; of two on one place the narrower is kept. */
function anyOf(all: readonly Demands[]): Demands {
  const result = new Map<string, Demand>();
  for (const demands of all) {
    for (const [key, found] of demands) {
      const known = result.get(key);
      if (known === undefined || found.values.size < known.values.size) result.set(key, found);
    }
  }
  return result;
}

/** One operand must be true: only places that all of them demand, with the values of any. */
function commonTo(all: readonly Demands[]): Demands {
  const [first, ...rest] = all;
  const result = new Map<string, Demand>();
  for (const [key, { place, values }] of first ?? NOTHING) {
    const union = new Set(values);
    const common = rest.every((demands) => {
      const other = demands.get(key);
      for (const value of other?.values ?? []) union.add(value);
      return other !== undefined;
    });
    if (common) result.set(key, { place, values: union });
  }
  return result;
}
