/** Static types of CEL expressions. `none` is the element type of an empty list or map: it joins with anything; `object` is an element of an event's list of objects. */

export type CelType =
  | { readonly kind: SimpleKind }
  | { readonly kind: 'list'; readonly element: CelType }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | { readonly kind: 'object'; readonly list: number };

export type SimpleKind =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration'
  | 'type'
  | 'dyn'
  | 'none';

export const BOOL: CelType = { kind: 'bool' };
export const INT: CelType = { kind: 'int' };
export const UINT: CelType = { kind: 'uint' };
export const DOUBLE: CelType = { kind: 'double' };
export const STRING: CelType = { kind: 'string' };
export const BYTES: CelType = { kind: 'bytes' };
export const NULL: CelType = { kind: 'null' };
export const TIMESTAMP: CelType = { kind: 'timestamp' };
export const DURATION: CelType = { kind: 'duration' };
export const TYPE: CelType = { kind: 'type' };
export const DYN: CelType = { kind: 'dyn' };
export const NONE: CelType = { kind: 'none' };

export function listOf(element: CelType): CelType {
  return { kind: 'list', element };
}

export function mapOf(key: CelType, value: CelType): CelType {
  return { kind: 'map', key, value };
}

/** As people write it: `list<string>`. */
export function typeName(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list<${typeName(type.element)}>`;
    case 'map':
      return `map<${typeName(type.key)}, ${typeName(type.value)}>`;
    case 'object':
      return 'object';
    case 'none':
      return 'dyn';
    default:
      return type.kind;
  }
}

/** True for objects of an event's list and for lists of them. */
export function hasObjects(type: CelType): boolean {
  if (type.kind === 'list') return hasObjects(type.element);
  return type.kind === 'object' || (type.kind === 'map' && hasObjects(type.value));
}

export function isNumeric(type: CelType): boolean {
  return type.kind === 'int' || type.kind === 'uint' || type.kind === 'double';
}

/** True if the type says nothing before evaluation. */
export function isOpen(type: CelType): boolean {
  return type.kind === 'dyn' || type.kind === 'none';
}

export function sameType(a: CelType, b: CelType): boolean {
  if (a.kind === 'list' && b.kind === 'list') return sameType(a.element, b.element);
  if (a.kind === 'map' && b.kind === 'map') return sameType(a.key, b.key) && sameType(a.value, b.value);
  if (a.kind === 'object' && b.kind === 'object') return a.list === b.list;
  return a.kind === b.kind;
}

/** Type of a place that may hold either: dyn where the two have nothing in common. */
export function joinTypes(a: CelType, b: CelType): CelType {
  if (sameType(a, b)) return a;
  if (a.kind === 'none') return b;
  if (b.kind === 'none') return a;
  if (a.kind === 'list' && b.kind === 'list') return listOf(joinTypes(a.element, b.element));
  if (a.kind === 'map' && b.kind === 'map') return mapOf(joinTypes(a.key, b.key), joinTypes(a.value, b.value));
  return DYN;
}

/** How well a value of one type stands where another is expected: surely, never, or only evaluation can tell. */
export type Fit = 'yes' | 'no' | 'open';

export function suits(expected: CelType, actual: CelType): Fit {
  if (expected.kind === 'dyn') return 'yes';
  if (isOpen(actual)) return 'open';
  if (expected.kind === 'list' && actual.kind === 'list') return suits(expected.element, actual.element);
  if (expected.kind === 'map' && actual.kind === 'map') {
    return worst(suits(expected.key, actual.key), suits(expected.value, actual.value));
  }
  return sameType(expected, actual) ? 'yes' : 'no';
}

export function worst(a: Fit, b: Fit): Fit {
  if (a === 'no' || b === 'no') return 'no';
  return a === 'open' || b === 'open' ? 'open' : 'yes';
}

/** True if == between the two can ever be decided by more than their types. Numbers compare across types, as they do on the real line. */
export function comparable(a: CelType, b: CelType): boolean {
  if (isOpen(a) || isOpen(b)) return true;
  if (isNumeric(a) && isNumeric(b)) return true;
  if (a.kind === 'list' && b.kind === 'list') return comparable(a.element, b.element);
  if (a.kind === 'map' && b.kind === 'map') return comparable(a.key, b.key) && comparable(a.value, b.value);
  return a.kind !== 'object' && sameType(a, b);
}
