/** One aggregate of profile.yaml: what it folds, over which window, and the type that rules read it as. */
import { WINDOW_BUCKETS_MAX, WINDOW_HOURLY_MS_MAX } from '../constants.ts';
import type { EventSchema, ProfileField } from '../protocol/schema.ts';
import type { Program, ProgramResult } from '../rules/program.ts';
import type { Events } from './compile-events.ts';
import type { ProfileDefinition } from './definitions.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { Expressions } from './expressions.ts';
import type { IssueList } from './issue-list.ts';
import { aggregateField } from './profile-fields.ts';
import type { Aggregate, AggregateFunction } from './workspace.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

type Definition = NonNullable<ProfileDefinition['aggregates']>[string];

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const ANY_SCALAR: readonly ProgramResult[] = ['bool', 'int', 'double', 'string', 'timestamp'];

/** What each function can fold. */
const VALUE_TYPES: Readonly<Record<AggregateFunction, readonly ProgramResult[]>> = {
  count: [],
  sum: ['int', 'double'],
  avg: ['int', 'double'],
  min: ['int', 'double', 'timestamp'],
  max: ['int', 'double', 'timestamp'],
  first: ANY_SCALAR,
  last: ANY_SCALAR,
  distinct: ANY_SCALAR,
};

export class AggregateCompiler {
  readonly #file: YamlFile;
  readonly #events: Events;
  readonly #issues: IssueList;
  readonly #expressions: Expressions;

  constructor(file: YamlFile, events: Events, issues: IssueList) {
    this.#file = file;
    this.#events = events;
    this.#issues = issues;
    // An aggregate is folded while its event is applied: it reads the event alone, never a profile that is just changing.
    this.#expressions = new Expressions({ events: events.schemas, profile: [], segments: [] }, issues, true);
  }

  /** null: faulty, and reported (or its event cannot be judged). */
  compile(name: string, slot: number, definition: Definition): { aggregate: Aggregate; field: ProfileField } | null {
    const path = ['aggregates', name];
    const { fn } = definition;
    const index = this.#events.names.resolve(definition.event, this.#file, [...path, 'event'], this.#issues);
    const span = this.#window(definition, path);
    if (fn === 'count' && definition.value !== undefined)
      this.#report([...path, 'value'], 'count takes no `value`: it counts events; use `when` to count only some');
    if (fn !== 'count' && definition.value === undefined)
      this.#report(path, `\`${fn}\` needs a \`value\`: what of the event it is taken of`);
    const event = this.#events.complete ? this.#events.schemas[index] : undefined;
    if (event === undefined || span === null) return null;
    const value =
      fn === 'count' || definition.value === undefined
        ? null
        : this.#expressions.check(this.#file, [...path, 'value'], event, VALUE_TYPES[fn]);
    const when =
      definition.when === undefined ? null : this.#expressions.check(this.#file, [...path, 'when'], event, ['bool']);
    if ((fn !== 'count' && value === null) || (definition.when !== undefined && when === null)) return null;
    const valueType = value?.result ?? null;
    const signature = signatureOf(definition, event, value, when, span);
    const aggregate = { name, slot, fn, event: index, value, when, valueType, ...span, signature };
    return { aggregate, field: aggregateField(aggregate) };
  }

  #window(definition: Definition, path: YamlPath): { windowMs: number | null; resolutionMs: number } | null {
    const windowMs = definition.window === undefined ? null : parseDuration(definition.window);
    if (windowMs === null) {
      if (definition.resolution === undefined) return { windowMs: null, resolutionMs: 0 };
      return this.#report(
        [...path, 'resolution'],
        "`resolution` is the width of a window's buckets: it needs a `window`",
      );
    }
    const resolutionMs =
      definition.resolution === undefined
        ? windowMs <= WINDOW_HOURLY_MS_MAX
          ? HOUR_MS
          : DAY_MS
        : (parseDuration(definition.resolution) ?? DAY_MS);
    const buckets = windowMs / resolutionMs;
    const { window = '' } = definition;
    const resolution = definition.resolution ?? formatDuration(resolutionMs);
    if (!Number.isInteger(buckets)) {
      const given =
        definition.resolution === undefined
          ? `the default resolution of ${resolution}; give a \`resolution\``
          : `its resolution of ${resolution}`;
      return this.#report([...path, 'window'], `the window of ${window} is not a multiple of ${given}`);
    }
    if (buckets > WINDOW_BUCKETS_MAX)
      return this.#report(
        [...path, 'window'],
        `a window of ${window} in steps of ${resolution} has ${buckets} buckets, at most ${WINDOW_BUCKETS_MAX}: give a coarser \`resolution\``,
      );
    return { windowMs, resolutionMs };
  }

  #report(path: YamlPath, message: string): null {
    this.#issues.report(this.#file.name, this.#file.keyMark(path), message);
    return null;
  }
}

/** By what the definition says, not by slots or positions: these change when a line is added elsewhere in the workspace. */
function signatureOf(
  definition: Definition,
  event: EventSchema,
  value: Program | null,
  when: Program | null,
  span: { windowMs: number | null; resolutionMs: number },
): string {
  const source = (program: Program | null) => program?.source.trim() ?? null;
  return JSON.stringify([
    definition.fn,
    event.type,
    source(value),
    value?.result ?? null,
    source(when),
    span.windowMs,
    span.resolutionMs,
  ]);
}
