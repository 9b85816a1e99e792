/** Representations and the conversions between them. */
import { assert } from '../stdx/assert.ts';
import { type Ir, type IrConstant, type Rep, repOf } from './ir.ts';
import type { OperationName } from './operations.ts';
import type { Wide } from './runtime-numbers.ts';
import type { CelType } from './types.ts';

export type Interval = readonly [number, number];

/** The widest representation of a type. */
export function repOfType(type: CelType): Rep {
  switch (type.kind) {
    case 'int':
      return 'wide';
    case 'timestamp':
      return 'ns';
    case 'duration':
      return 'spanNs';
    case 'list':
      return type.element.kind === 'object' ? 'elements' : 'list';
    case 'object':
      return 'int';
    case 'none':
      return 'dyn';
    default:
      return type.kind;
  }
}

export function constant(rep: Rep, value: IrConstant): Ir {
  return { op: 'const', rep, value };
}

/** Numbers that JSON cannot write become text. */
export function constantOf(rep: Rep, value: Wide): Ir {
  if (typeof value === 'bigint') return constant(rep, value.toString());
  return constant(
    rep,
    Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value),
  );
}

export function operation(name: OperationName, args: readonly Ir[], rep: Rep): Ir {
  return { op: 'call', name, args, rep };
}

export function box(ir: Ir): Ir {
  const rep = repOf(ir);
  assert(rep !== 'elements', 'objects of an event are never boxed');
  return rep === 'dyn' ? ir : { op: 'box', value: ir, rep: 'dyn' };
}

export function toDouble(ir: Ir): Ir {
  const rep = repOf(ir);
  if (rep === 'double' || rep === 'int') return ir;
  return operation('toDouble', [ir], 'double');
}

/** The same value in another representation; from dyn it may fail. */
export function coerce(ir: Ir, rep: Rep): Ir {
  const from = repOf(ir);
  if (from === rep || (from === 'int' && rep === 'wide')) return ir;
  if (rep === 'dyn') return box(ir);
  if (from === 'dyn') return { op: 'unbox', value: ir, rep };
  if ((from === 'ms' && rep === 'ns') || (from === 'spanMs' && rep === 'spanNs')) return operation('msToNs', [ir], rep);
  assert(false, `no conversion from ${from} to ${rep}`);
}
