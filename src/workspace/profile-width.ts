/**
 * What a profile takes of a partition's memory for every customer, seen or not: the columns of state/profile-field.ts, which this room cannot see (test/unit/workspace/profile-width.test.ts holds both against
 * each other). Windows and lists take memory for customers that have them, beside this.
 */
import type { ValueType } from '../protocol/schema.ts';
import type { Aggregate, Attribute } from './workspace.ts';

const PRESENCE = 1;
const BOOL = 1;
const CODE = 32;
const DOUBLE = 64;
/** 32 bits that are touched, and 64 for the few that do not fit them. */
const INT = 96;

const ATTRIBUTE: Readonly<Record<ValueType, number>> = {
  bool: BOOL,
  int: INT,
  double: DOUBLE,
  timestamp: DOUBLE,
  string: CODE,
  'list<string>': 0,
};

export function attributeBits({ type }: Pick<Attribute, 'type'>): number {
  return PRESENCE + ATTRIBUTE[type];
}

export function aggregateBits({ fn, valueType, windowMs }: Pick<Aggregate, 'fn' | 'valueType' | 'windowMs'>): number {
  if (windowMs !== null) return 0;
  switch (fn) {
    case 'count':
      return PRESENCE + INT;
    case 'sum':
    case 'min':
    case 'max':
      return PRESENCE + DOUBLE;
    case 'avg':
      return PRESENCE + DOUBLE + INT;
    case 'first':
    case 'last':
      return PRESENCE + DOUBLE + (valueType === 'string' ? CODE : DOUBLE);
    case 'distinct':
      return 0;
  }
}
