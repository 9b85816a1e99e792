/** String functions over boxed values: the standard ones and those of the strings extension, all by code point. */
import type { Overload } from './functions.ts';
import { BOOL, type CelType, INT, STRING } from './types.ts';
import type { Failure, Value } from './values.ts';

function method(
  name: string,
  params: readonly CelType[],
  result: CelType,
  run: (...args: never[]) => Value | Failure,
): Overload {
  return {
    id: `${params.map((param) => param.kind).join('_')}_${name}`,
    name,
    member: true,
    params,
    result,
    run: run as Overload['run'],
  };
}

export const TEXT_FUNCTIONS: readonly Overload[] = [
  method('contains', [STRING, STRING], BOOL, (text: string, part: string) => text.includes(part)),
  method('startsWith', [STRING, STRING], BOOL, (text: string, part: string) => text.startsWith(part)),
  method('endsWith', [STRING, STRING], BOOL, (text: string, part: string) => text.endsWith(part)),
];
void INT;
