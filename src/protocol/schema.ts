/**
 * The schema that events are decoded by, rules are checked against and profiles are stored by. It is plain data: it is compiled from
 * the workspace's YAML on the control plane and travels inside the workspace version.
 */

export const ValueType = {
  bool: 'bool',
  int: 'int',
  double: 'double',
  string: 'string',
  timestamp: 'timestamp',
  stringList: 'list<string>',
} as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];
/** A value that fits one slot of a frame. bool as 0/1, int within ±(2^53 − 1), timestamp in epoch milliseconds. */
export type ScalarType = Exclude<ValueType, 'list<string>'>;

/** One declared scalar field of an event; nested objects are flattened to dotted paths (`address.city`). */
export interface EventField {
  readonly path: string;
  readonly type: ScalarType;
  /** Index into EventFrame.number / text / present. */
  readonly slot: number;
}

/** A declared list: either of scalars (one column with path '') or of flat objects (a column per field). */
export interface EventList {
  readonly path: string;
  /** Index into EventFrame.lists. */
  readonly list: number;
  readonly ofObjects: boolean;
  readonly columns: readonly ListField[];
}

export interface ListField {
  /** Field name inside the element; '' when the elements are scalars themselves. */
  readonly name: string;
  readonly type: ScalarType;
  /** Index into ListFrame.columns. */
  readonly column: number;
}

export interface EventSchema {
  readonly type: string;
  /** Index into Schema.events. */
  readonly index: number;
  readonly fields: readonly EventField[];
  readonly lists: readonly EventList[];
}

/** One readable name under `profile.` in rules: attributes first, then aggregates, in the order of the file. */
export interface ProfileField {
  readonly name: string;
  readonly kind: 'attribute' | 'aggregate';
  readonly type: ValueType;
  /** Index into ProfileFrame.number / text / code / present / list, and into Schema.profile. */
  readonly slot: number;
  /** True if reading it can find nothing (attributes without a default; min, max, avg, first, last). */
  readonly optional: boolean;
}

export interface Schema {
  readonly events: readonly EventSchema[];
  readonly profile: readonly ProfileField[];
  /** Segment names, in the order of the file. */
  readonly segments: readonly string[];
}
