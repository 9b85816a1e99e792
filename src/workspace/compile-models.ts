/** models.yaml: tables from a field's value to a propensity, each to become part of the expressions of the campaigns that name it. */
import { MODEL_ROWS_MAX, MODELS_MAX } from '../constants.ts';
import type { FrameEnvironment } from '../rules/frame-environment.ts';
import type { Ir } from '../rules/ir.ts';
import { modelsDefinition } from './definitions.ts';
import type { IssueList } from './issue-list.ts';
import { Names } from './references.ts';
import { validate } from './validate.ts';
import type { YamlFile } from './yaml-file.ts';

interface Model {
  readonly name: string;
  /** `profile.tier`. */
  readonly key: string;
  readonly rows: readonly { readonly value: string; readonly propensity: number }[];
  readonly otherwise: number;
}

export interface Models {
  readonly names: Names;
  /** In the file's order. */
  readonly compiled: readonly Model[];
  readonly file: YamlFile | null;
}

const DOTTED_NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/;

export function compileModels(file: YamlFile | null, given: boolean, issues: IssueList): Models {
  const none = (complete: boolean): Models => ({
    names: new Names('model', 'models.yaml', complete),
    compiled: [],
    file,
  });
  if (file === null) return none(!given);
  const data = validate(modelsDefinition, file, issues);
  if (data === null) return none(false);
  const names = file.keys([]);
  if (names.length > MODELS_MAX)
    issues.report(file.name, file.keyMark([names[MODELS_MAX] as string]), `too many models: at most ${MODELS_MAX}`);
  const compiled = names.map((name): Model => {
    const { key = '', table = {}, default: otherwise = 0 } = data[name] ?? {};
    const values = file.keys([name, 'table']);
    if (!DOTTED_NAME.test(key))
      issues.report(file.name, file.valueMark([name, 'key']), 'expected the name of a field such as profile.tier');
    if (values.length > MODEL_ROWS_MAX)
      issues.report(
        file.name,
        file.keyMark([name, 'table', values[MODEL_ROWS_MAX] as string]),
        `too many rows: at most ${MODEL_ROWS_MAX}`,
      );
    return { name, key, rows: values.map((value) => ({ value, propensity: table[value] ?? 0 })), otherwise };
  });
  return { names: new Names('model', file.name, true, names), compiled, file };
}

/** What the table gives, a double; never an error, but where the key is a segment that ends in one. A text tells why the key is none, or which row is none. */
export function modelIr({ key, rows, otherwise }: Model, environment: FrameEnvironment): Ir | string {
  const binding = environment.resolve(key);
  if (binding === null) return environment.explain(key);
  const { type, has } = binding;
  // Asked only behind `has`.
  const read: Ir = binding.read.op === 'slot' ? { ...binding.read, sure: true } : binding.read;
  const fallback: Ir = { op: 'const', rep: 'double', value: otherwise };
  let known: Ir;
  if (type.kind === 'bool') {
    const fault = rows.find(({ value }) => value !== 'true' && value !== 'false');
    if (fault !== undefined) return `${key} is true or false, never \`${fault.value}\``;
    const row = (value: string): Ir => {
      const found = rows.find((candidate) => candidate.value === value);
      return found === undefined ? fallback : { op: 'const', rep: 'double', value: found.propensity };
    };
    known = { op: 'if', condition: read, whenTrue: row('true'), whenFalse: row('false'), rep: 'double' };
  } else if (type.kind === 'string' || type.kind === 'int') {
    const isText = type.kind === 'string';
    const fault = rows.find(({ value }) => !isText && !Number.isSafeInteger(wholeNumber(value)));
    if (fault !== undefined) return `${key} is a whole number, never \`${fault.value}\``;
    const groups = new Map<number, (string | number)[]>();
    for (const { value, propensity } of rows)
      groups.set(propensity, [...(groups.get(propensity) ?? []), isText ? value : wholeNumber(value)]);
    known = lookup(read, [...groups], fallback);
  } else return `a model's key is a text, a whole number, true or false; ${key} is none`;
  return has === null ? known : { op: 'if', condition: has, whenTrue: known, whenFalse: fallback, rep: 'double' };
}

/** NaN: it is none. */
function wholeNumber(text: string): number {
  return /^-?\d{1,16}$/.test(text) ? Number(text) + 0 : Number.NaN;
}

type Group = readonly [propensity: number, values: readonly (string | number)[]];

/** Among all? Then among the first half of the groups? And so on: as deep as there are doublings. */
function lookup(item: Ir, groups: readonly Group[], fallback: Ir): Ir {
  if (groups.length === 0) return fallback;
  return {
    op: 'if',
    condition: among(item, groups),
    whenTrue: search(item, groups),
    whenFalse: fallback,
    rep: 'double',
  };
}

function search(item: Ir, groups: readonly Group[]): Ir {
  const [first] = groups;
  if (groups.length === 1) return { op: 'const', rep: 'double', value: first?.[0] ?? 0 };
  const half = groups.length >> 1;
  return {
    op: 'if',
    condition: among(item, groups.slice(0, half)),
    whenTrue: search(item, groups.slice(0, half)),
    whenFalse: search(item, groups.slice(half)),
    rep: 'double',
  };
}

function among(item: Ir, groups: readonly Group[]): Ir {
  const values = groups.flatMap((group) => group[1]);
  const rep = typeof values[0] === 'string' ? 'texts' : 'numbers';
  return { op: 'member', item, values: { op: 'constants', rep, values } };
}
