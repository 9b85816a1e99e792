/** What is said of calls that fit no function. */
import { functionNames } from './functions.ts';
import { didYouMean } from './suggest.ts';
import type { Typed } from './typed.ts';
import { isNumeric, typeName } from './types.ts';

/** As it is written: filter() is a map() of the items themselves. */
export function macroName(macro: { readonly name: string; readonly transform: unknown }): string {
  const name = macro.name === 'existsOne' ? 'exists_one' : macro.name;
  return `${name === 'map' && macro.transform === null ? 'filter' : name}()`;
}

const MACRO_NAMES = ['has', 'all', 'exists', 'exists_one', 'map', 'filter'];

export function unknownFunction(name: string): string {
  if (name === 'has') return 'has() takes a field, as in has(event.total)';
  if (MACRO_NAMES.includes(name)) return `${name}() takes a variable and an expression, as in list.${name}(x, x > 0)`;
  const known = [...functionNames(), 'size', 'dyn', 'matches', ...MACRO_NAMES];
  return `unknown function "${name}"${didYouMean(name, known)}`;
}

const OPERATORS: Readonly<Record<string, string>> = {
  '_+_': '+',
  '_-_': '-',
  '_*_': '*',
  '_/_': '/',
  '_%_': '%',
  '-_': '-',
};

export function noOverload(name: string, member: boolean, args: readonly Typed[]): string {
  const names = args.map((arg) => typeName(arg.type));
  const symbol = OPERATORS[name];
  if (symbol !== undefined && names.length === 2) return arithmeticProblem(symbol, args, names);
  if (symbol !== undefined) return `no operator ${symbol} for ${names[0]}`;
  const [receiver, ...rest] = names;
  return member ? `no function ${name}(${rest.join(', ')}) on ${receiver}` : `no function ${name}(${names.join(', ')})`;
}

function arithmeticProblem(symbol: string, args: readonly Typed[], names: readonly string[]): string {
  const numbers = args.every((arg) => isNumeric(arg.type));
  const hint =
    numbers && names[0] !== names[1]
      ? '; convert one side, as in double(x), or write the literal as 1.0 instead of 1'
      : '';
  return `no operator ${symbol} between ${names[0]} and ${names[1]}${hint}`;
}
