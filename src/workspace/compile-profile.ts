/** profile.yaml: attributes, aggregates and segments → the profile half of the schema. */
import { AGGREGATES_MAX, ATTRIBUTES_MAX, SEGMENTS_MAX } from '../constants.ts';
import type { ProfileField, Schema } from '../protocol/schema.ts';
import type { Program } from '../rules/program.ts';
import { compileDefault } from './attribute-default.ts';
import { AggregateCompiler } from './compile-aggregates.ts';
import type { Events } from './compile-events.ts';
import { type ProfileDefinition, profileDefinition } from './definitions.ts';
import { Expressions } from './expressions.ts';
import type { IssueList } from './issue-list.ts';
import { attributeField } from './profile-fields.ts';
import { aggregateBits, attributeBits } from './profile-width.ts';
import { validate } from './validate.ts';
import type { Aggregate, Attribute, Segment } from './workspace.ts';
import type { YamlFile } from './yaml-file.ts';

export interface Profile {
  readonly attributes: readonly Attribute[];
  readonly aggregates: readonly Aggregate[];
  readonly segments: readonly Segment[];
  readonly schema: Schema;
  /** False where an attribute or aggregate is faulty: what reads the profile cannot be judged. */
  readonly complete: boolean;
}

export function compileProfile(
  file: YamlFile | null,
  given: boolean,
  events: Events,
  columnBits: number,
  issues: IssueList,
): Profile {
  const empty = {
    attributes: [],
    aggregates: [],
    segments: [],
    schema: { events: events.schemas, profile: [], segments: [] },
  };
  if (file === null) return { ...empty, complete: !given };
  const data = validate(profileDefinition, file, issues);
  if (data === null) return { ...empty, complete: false };
  for (const [part, max] of [
    ['attributes', ATTRIBUTES_MAX],
    ['aggregates', AGGREGATES_MAX],
    ['segments', SEGMENTS_MAX],
  ] as const) {
    const names = file.keys([part]);
    if (names.length > max)
      issues.report(file.name, file.keyMark([part, names[max] as string]), `too many ${part}: at most ${max}`);
  }
  const attributes = compileAttributes(data, file, issues);
  const aggregates = compileAggregates(data, file, events, attributes.length, issues);
  checkWidth(attributes, aggregates.compiled, columnBits, file, issues);
  const profile = [...attributes.map(attributeField), ...aggregates.fields];
  const schema: Schema = { events: events.schemas, profile, segments: file.keys(['segments']) };
  const complete = events.complete && !issues.has(file.name);
  const segments = complete ? compileSegments(file, schema, issues) : [];
  return { attributes, aggregates: aggregates.compiled, segments, schema, complete };
}

function compileAttributes(data: ProfileDefinition, file: YamlFile, issues: IssueList): Attribute[] {
  return file.keys(['attributes']).map((name, slot) => {
    const definition = data.attributes?.[name];
    const type = definition?.type ?? 'string';
    const value = definition?.default;
    return {
      name,
      slot,
      type,
      default: value === undefined ? null : compileDefault(value, type, file, ['attributes', name, 'default'], issues),
    };
  });
}

function compileAggregates(
  data: ProfileDefinition,
  file: YamlFile,
  events: Events,
  slot0: number,
  issues: IssueList,
): { compiled: Aggregate[]; fields: ProfileField[] } {
  const compiler = new AggregateCompiler(file, events, issues);
  const compiled: Aggregate[] = [];
  const fields: ProfileField[] = [];
  for (const name of file.keys(['aggregates'])) {
    if (file.has(['attributes', name]))
      issues.report(
        file.name,
        file.keyMark(['aggregates', name]),
        `\`${name}\` is an attribute already: both are read as profile.${name}`,
      );
    const definition = data.aggregates?.[name];
    const made = definition && compiler.compile(name, slot0 + compiled.length, definition);
    if (made) {
      compiled.push(made.aggregate);
      fields.push(made.field);
    }
  }
  return { compiled, fields };
}

/** What partitions have no room for could be published, and would never be in force. */
function checkWidth(
  attributes: readonly Attribute[],
  aggregates: readonly Aggregate[],
  columnBits: number,
  file: YamlFile,
  issues: IssueList,
): void {
  const columns = [
    ...attributes.map((attribute) => ({ path: ['attributes', attribute.name], bits: attributeBits(attribute) })),
    ...aggregates.map((aggregate) => ({ path: ['aggregates', aggregate.name], bits: aggregateBits(aggregate) })),
  ];
  let sum = 0;
  for (const { path, bits } of columns) {
    sum += bits;
    if (sum <= columnBits) continue;
    issues.report(
      file.name,
      file.keyMark(path),
      `too many attributes and aggregates: up to this one they take ${sum} bits for each customer, at most ${columnBits}; an int takes 97, a double 65, a text 33, an aggregate with a \`window\` none`,
    );
    return;
  }
}

function compileSegments(file: YamlFile, schema: Schema, issues: IssueList): Segment[] {
  const expressions = new Expressions(schema, issues);
  const programs = schema.segments.map((name) => expressions.check(file, ['segments', name], null, ['bool']));
  for (const cycle of findCycles(programs)) {
    const names = cycle.map((index) => schema.segments[index] as string);
    issues.report(
      file.name,
      file.keyMark(['segments', names[0] as string]),
      `segments refer to each other in a circle: ${[...names, names[0]].join(' → ')}`,
    );
  }
  return programs.flatMap((when, i) => (when === null ? [] : [{ name: schema.segments[i] as string, when }]));
}

/** Each cycle once, from its first segment in the file's order. */
function findCycles(programs: readonly (Program | null)[]): number[][] {
  const cycles: number[][] = [];
  const done = new Set<number>();
  const visit = (index: number, trail: readonly number[]): void => {
    const at = trail.indexOf(index);
    if (at >= 0) cycles.push(fromSmallest(trail.slice(at)));
    if (at >= 0 || done.has(index)) return;
    for (const next of programs[index]?.segments ?? []) visit(next, [...trail, index]);
    done.add(index);
  };
  for (let i = 0; i < programs.length; i++) visit(i, []);
  return cycles;
}

function fromSmallest(cycle: readonly number[]): number[] {
  const at = cycle.indexOf(Math.min(...cycle));
  return [...cycle.slice(at), ...cycle.slice(0, at)];
}
