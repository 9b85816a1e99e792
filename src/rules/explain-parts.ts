/** Which parts of an expression are told: the operands of an operator or a call that depend on something, and of a loop what does not depend on its elements. */
import type { Typed } from './typed.ts';

export function operandsOf(typed: Typed): readonly Typed[] {
  switch (typed.node) {
    case 'field':
    case 'hasField':
    case 'not':
    case 'size':
    case 'dyn':
      return [typed.operand];
    case 'and':
    case 'or':
    case 'list':
      return typed.items;
    case 'if':
      return [typed.condition, typed.whenTrue, typed.whenFalse];
    case 'compare':
    case 'equal':
      return [typed.left, typed.right];
    case 'in':
      return [typed.item, typed.container];
    case 'index':
      return [typed.operand, typed.index];
    case 'call':
    case 'dispatch':
      return typed.args;
    case 'matches':
      return [typed.text];
    case 'map':
      return typed.entries.flat();
    case 'loop':
      return [typed.range, typed.predicate, typed.transform].filter((operand) => operand !== null);
    default:
      return [];
  }
}

export function partsOf(typed: Typed): readonly Typed[] {
  return operandsOf(typed).flatMap(told);
}

/** The operand itself, or what it is made of: a list that is written out, an element and what depends on one say nothing of their own. */
function told(operand: Typed): readonly Typed[] {
  if (isConstant(operand)) return [];
  const transparent = operand.node === 'list' || operand.node === 'map' || operand.node === 'dyn';
  if (transparent || operand.type.kind === 'object' || freeLocals(operand).size > 0) return partsOf(operand);
  return [operand];
}

function isConstant(typed: Typed): boolean {
  return typed.node !== 'read' && typed.node !== 'has' && typed.node !== 'local' && operandsOf(typed).every(isConstant);
}

/** Variables of loops around it that it reads. */
function freeLocals(typed: Typed): ReadonlySet<number> {
  if (typed.node === 'local') return new Set([typed.local]);
  const free = new Set<number>();
  const bound = typed.node === 'loop' ? typed.local : -1;
  for (const operand of operandsOf(typed)) {
    for (const local of freeLocals(operand)) {
      if (local !== bound) free.add(local);
    }
  }
  return free;
}
