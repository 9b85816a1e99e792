/**
 * CEL's functions over boxed values: one entry for each overload, called by name from checked code, or chosen by the values' types where those are known at run
 * time only. Where speed matters lower.ts takes an operation of operations.ts instead, with the same meaning.
 */
import { ARITHMETIC } from './functions-arithmetic.ts';
import { CONVERSIONS } from './functions-convert.ts';
import { TEXT_FUNCTIONS } from './functions-text.ts';
import { TIME_FUNCTIONS } from './functions-time.ts';
import { kindOf } from './runtime-values.ts';
import type { CelType } from './types.ts';
import type { Failure, Value } from './values.ts';

export interface Overload {
  /** Unique; written into the intermediate form. */
  readonly id: string;
  readonly name: string;
  /** Called as receiver.name(…): the receiver is the first parameter. */
  readonly member: boolean;
  readonly params: readonly CelType[];
  readonly result: CelType;
  /** Never throws; undefined is an error. Arguments are of the parameters' kinds. */
  readonly run: (...args: Value[]) => Value | Failure;
}

const OVERLOADS: readonly Overload[] = [...ARITHMETIC, ...CONVERSIONS, ...TEXT_FUNCTIONS, ...TIME_FUNCTIONS];

export const overloadById: ReadonlyMap<string, Overload> = new Map(
  OVERLOADS.map((overload) => [overload.id, overload]),
);

const byName = new Map<string, Overload[]>();
for (const overload of OVERLOADS) {
  const same = byName.get(overload.name);
  if (same === undefined) byName.set(overload.name, [overload]);
  else same.push(overload);
}

export function overloadsOf(name: string): readonly Overload[] {
  return byName.get(name) ?? [];
}

/** Calls the overload whose parameters the values fit; undefined if none does. */
export function dispatch(overloads: readonly Overload[], args: Value[]): Value | Failure {
  for (const overload of overloads) {
    if (fits(overload, args)) return overload.run(...args);
  }
  return undefined;
}

function fits(overload: Overload, args: readonly Value[]): boolean {
  if (overload.params.length !== args.length) return false;
  for (let i = 0; i < args.length; i++) {
    const kind = (overload.params[i] as CelType).kind;
    if (kind !== 'dyn' && kindOf(args[i] as Value) !== kind) return false;
  }
  return true;
}

/** Names that a call may have, for suggestions. */
export function functionNames(): readonly string[] {
  return [...byName.keys()].filter((name) => /^\w+$/.test(name));
}
