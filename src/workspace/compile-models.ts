/** models.yaml: tables from a field's value to a propensity, each to become part of the expressions of the campaigns that name it. */
import { MODEL_ROWS_MAX, MODELS_MAX } from '../constants.ts';
import type { Schema } from '../protocol/schema.ts';
import { FrameEnvironment } from '../rules/frame-environment.ts';
import type { Ir } from '../rules/ir.ts';
import { modelsDefinition } from './definitions.ts';
import type { IssueList } from './issue-list.ts';
import { Names } from './references.ts';
import { validate } from './validate.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

interface Model {
  readonly name: string;
  /** `profile.tier`. */
  readonly key: string;
  readonly rows: readonly { readonly value: string; readonly propensity: number }[];
  readonly otherwise: number;
  /** Reported: whoever names it has nothing to add. */
  readonly faulty: boolean;
}

/** Why a model has no expression, and where: the row with this key, or the model's `key` (null). */
export interface ModelFault {
  readonly row: string | null;
  readonly message: string;
}

export interface Models {
  readonly names: Names;
  /** In the file's order. */
  readonly compiled: readonly Model[];
  readonly file: YamlFile | null;
}

const DOTTED_NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/;

/** schema: null where it is faulty itself; then keys are not looked up. */
export function compileModels(file: YamlFile | null, given: boolean, schema: Schema | null, issues: IssueList): Models {
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
    for (const value of values) warnOfPropensity(table[value] ?? 0, file, [name, 'table', value], issues);
    warnOfPropensity(otherwise, file, [name, 'default'], issues);
    const rows = values.map((value) => ({ value, propensity: table[value] ?? 0 }));
    const model: Model = { name, key, rows, otherwise, faulty: !DOTTED_NAME.test(key) };
    if (schema === null || model.faulty) return model;
    const fault = faultForAll(model, schema);
    if (fault !== null) reportModel(model, fault, '', file, issues);
    return { ...model, faulty: fault !== null };
  });
  return { names: new Names('model', file.name, true, names), compiled, file };
}

/** A score multiplies by it: whoever writes 30 for 30 % outranks everything. */
export function warnOfPropensity(value: number, file: YamlFile, path: YamlPath, issues: IssueList): void {
  if (value < 0 || value > 1)
    issues.warn(file.name, file.valueMark(path), `a propensity is a share from 0 to 1, and this is ${value}`);
}

/** At the row or the key that it is about; `whom` ends the message. */
export function reportModel(
  { name }: Model,
  { row, message }: ModelFault,
  whom: string,
  file: YamlFile,
  issues: IssueList,
): void {
  const mark = row === null ? file.valueMark([name, 'key']) : file.keyMark([name, 'table', row]);
  issues.report(file.name, mark, `${message}${whom}`);
}

/** What is wrong with it whatever campaign names it; null: nothing, or that hangs on the campaign's event. */
function faultForAll(model: Model, schema: Schema): ModelFault | null {
  const ofEvent = /^(?:event|trigger)\./.test(model.key);
  const faults = (ofEvent ? schema.events : [null]).map((event) => {
    const ir = modelIr(model, new FrameEnvironment({ schema, event }));
    return 'message' in ir ? ir : null;
  });
  if (faults.some((fault) => fault === null)) return null;
  if (faults.every((fault) => fault?.row === null) && ofEvent && schema.events.length > 1)
    return { row: null, message: `no event type has a field \`${model.key}\` that a model could go by` };
  return faults.find((fault) => fault?.row !== null) ?? faults[0] ?? null;
}

/** What the table gives, a double; never an error, but where the key is a segment that ends in one. */
export function modelIr({ key, rows, otherwise }: Model, environment: FrameEnvironment): Ir | ModelFault {
  const faultOf = (message: string, row: string | null = null): ModelFault => ({ row, message });
  const binding = environment.resolve(key);
  if (binding === null) return faultOf(environment.explain(key));
  const { type, has } = binding;
  // Asked only behind `has`.
  const read: Ir = binding.read.op === 'slot' ? { ...binding.read, sure: true } : binding.read;
  const fallback: Ir = { op: 'const', rep: 'double', value: otherwise };
  let known: Ir;
  if (type.kind === 'bool') {
    const fault = rows.find(({ value }) => value !== 'true' && value !== 'false');
    if (fault !== undefined) return faultOf(`${key} is true or false, never \`${fault.value}\``, fault.value);
    const row = (value: string): Ir => {
      const found = rows.find((candidate) => candidate.value === value);
      return found === undefined ? fallback : { op: 'const', rep: 'double', value: found.propensity };
    };
    known = { op: 'if', condition: read, whenTrue: row('true'), whenFalse: row('false'), rep: 'double' };
  } else if (type.kind === 'string' || type.kind === 'int') {
    const isText = type.kind === 'string';
    const fault = rows.find(({ value }) => !isText && !Number.isSafeInteger(wholeNumber(value)));
    if (fault !== undefined) return faultOf(`${key} is a whole number, never \`${fault.value}\``, fault.value);
    const groups = new Map<number, (string | number)[]>();
    for (const { value, propensity } of rows)
      groups.set(propensity, [...(groups.get(propensity) ?? []), isText ? value : wholeNumber(value)]);
    known = lookup(read, [...groups], fallback);
  } else return faultOf(`a model's key is a text, a whole number, true or false; ${key} is none`);
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
