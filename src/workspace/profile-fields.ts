/** What rules read attributes and aggregates as. */
import type { ProfileField, ScalarType } from '../protocol/schema.ts';
import type { Aggregate, AggregateFunction, Attribute } from './workspace.ts';

export function attributeField({ name, slot, type, default: value }: Attribute): ProfileField {
  return { name, kind: 'attribute', type, slot, optional: value === null };
}

export function aggregateField({ name, slot, fn, valueType }: Aggregate): ProfileField {
  const optional = fn !== 'count' && fn !== 'sum' && fn !== 'distinct';
  return { name, kind: 'aggregate', type: resultType(fn, valueType), slot, optional };
}

function resultType(fn: AggregateFunction, valueType: Aggregate['valueType']): ScalarType {
  if (fn === 'count' || fn === 'distinct' || valueType === null) return 'int';
  return fn === 'avg' ? 'double' : valueType;
}
