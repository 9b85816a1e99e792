/**
 * What a workspace version asks of the customers' memory. The workspace's Attribute and Aggregate are assignable to
 * these.
 */
import type { ValueType } from '../protocol/schema.ts';

export type AggregateFunction = 'count' | 'sum' | 'min' | 'max' | 'avg' | 'first' | 'last' | 'distinct';

export interface AttributeLayout {
  readonly name: string;
  /** Index into ProfileFrame. */
  readonly slot: number;
  readonly type: ValueType;
  /** What reading finds where nothing was set; null: nothing. bool as boolean, timestamp as epoch ms. */
  readonly default: boolean | number | string | readonly string[] | null;
}

export interface AggregateLayout {
  readonly name: string;
  readonly slot: number;
  readonly fn: AggregateFunction;
  /** Of the aggregated value; null for count. */
  readonly valueType: 'int' | 'double' | 'string' | 'timestamp' | 'bool' | null;
  /** null: all time. Otherwise a multiple of resolutionMs. */
  readonly windowMs: number | null;
  readonly resolutionMs: number;
  /** Equal signatures mean the same definition: the data survives a new layout. */
  readonly signature: string;
}

export interface ProfileLayout {
  readonly attributes: readonly AttributeLayout[];
  readonly aggregates: readonly AggregateLayout[];
}
