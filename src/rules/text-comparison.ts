/**
 * Comparisons of texts with constants that rules make over and over: a field of the event, of the profile or of a list's elements on one side, one or several
 * texts on the other. Both who counts them (place-codes.ts) and who replaces them by codes (shapes.ts) ask here, so that they agree.
 */
import type { Ir, IrLoop } from './ir.ts';
import type { Place } from './place.ts';

export interface TextComparison {
  readonly place: Place;
  readonly texts: readonly string[];
  /** same: `==` and `!=`; among: `in`; any: `exists` over a list, of nothing but an `==` or `in` of its elements. */
  readonly form: 'same' | 'among' | 'any';
  /** The read of the text; of `any` that inside of the loop. */
  readonly read: Ir;
}

export function textComparison(ir: Ir): TextComparison | null {
  if (ir.op === 'call' && (ir.name === 'same' || ir.name === 'differ')) {
    const [a, b] = ir.args as [Ir, Ir];
    const [read, text] = a.op === 'const' ? [b, a] : [a, b];
    const place = textPlace(read, null);
    if (place === null || text.op !== 'const' || typeof text.value !== 'string') return null;
    return { place, texts: [text.value], form: 'same', read };
  }
  if (ir.op === 'member') return among(ir, null);
  return ir.op === 'loop' ? anyElement(ir) : null;
}

function among(ir: Extract<Ir, { op: 'member' }>, loop: IrLoop | null): TextComparison | null {
  const place = textPlace(ir.item, loop);
  if (place === null || ir.values.op !== 'constants' || ir.values.rep !== 'texts') return null;
  return { place, texts: ir.values.values as readonly string[], form: 'among', read: ir.item };
}

function anyElement(loop: IrLoop): TextComparison | null {
  const { kind, predicate, range } = loop;
  if (kind !== 'exists' || predicate === null || (range.over !== 'objects' && range.over !== 'scalars')) return null;
  if (predicate.op === 'member') {
    const found = among(predicate, loop);
    return found !== null && isOwn(found.read, loop) ? { ...found, form: 'any' } : null;
  }
  if (predicate.op !== 'call' || predicate.name !== 'same') return null;
  const [a, b] = predicate.args as [Ir, Ir];
  const [read, text] = a.op === 'const' ? [b, a] : [a, b];
  if (text.op !== 'const' || typeof text.value !== 'string' || !isOwn(read, loop)) return null;
  const place = textPlace(read, loop);
  return place === null ? null : { place, texts: [text.value], form: 'any', read };
}

/** A read of the loop's own element. */
function isOwn(read: Ir, loop: IrLoop): boolean {
  const element = read.op === 'column' ? read.element : read;
  return element.op === 'local' && element.local === loop.local;
}

function textPlace(ir: Ir, loop: IrLoop | null): Place | null {
  if (ir.op === 'slot' && ir.rep === 'string')
    return { kind: ir.from === 'event' ? 'field' : 'profile', slot: ir.slot, text: true };
  if (ir.op === 'column' && ir.rep === 'string')
    return { kind: 'column', list: ir.list, column: ir.column, text: true };
  if (ir.op === 'local' && loop?.range.over === 'scalars' && loop.range.rep === 'string')
    return { kind: 'column', list: loop.range.list, column: 0, text: true };
  return null;
}
