/**
 * A recorded workspace version with aggregates of a later one added, so that a replay of what was recorded finds out what they would hold had they been there all along.
 *
 * The version keeps its number, its shares, and the index and slot of everything that it had: added aggregates come behind its own, and nothing of it reads them. So they change no
 * decision. They are added to the compiled definitions, not to the YAML: what was recorded is replayed as it was compiled then, by whichever version of the compiler; and a name
 * that the version gives to another definition is no obstacle, since a partition's memory tells aggregates apart by name and signature together.
 *
 * An aggregate whose expressions do not mean the same over the version's events (a type or a field that was declared later, or as another type) cannot be added to it: its events were
 * read without what it needs.
 */
import type { EventSchema } from '../../protocol/schema.ts';
import { checkExpression } from '../../rules/check-expression.ts';
import type { Program, ProgramResult } from '../../rules/program.ts';
import { aggregateField } from '../../workspace/profile-fields.ts';
import type { Aggregate, Workspace } from '../../workspace/workspace.ts';

/** An aggregate as it is defined, apart from the version that it came from. */
export type AggregateDefinition = Omit<Aggregate, 'slot' | 'event' | 'value' | 'when'> & {
  readonly eventType: string;
  /** CEL. */
  readonly value: string | null;
  readonly when: string | null;
};

/** An aggregate that a version cannot have. */
export interface MissingAggregate {
  readonly name: string;
  readonly signature: string;
  readonly why: string;
  /** False: the version takes no events of the aggregate's type, so that there is nothing to aggregate. */
  readonly typeKnown: boolean;
}

/** What `next` has and `before` has not, by name and definition. */
export function newAggregates(before: Workspace, next: Workspace): AggregateDefinition[] {
  return next.aggregates
    .filter((aggregate) => !hasAggregate(before, aggregate))
    .map(({ slot: _, event, value, when, ...rest }) => ({
      ...rest,
      eventType: (next.schema.events[event] as EventSchema).type,
      value: value?.source ?? null,
      when: when?.source ?? null,
    }));
}

/** The version with these aggregates, but for those that it has already and those that are told in `missing`. */
export function extendWorkspace(
  recorded: Workspace,
  added: readonly AggregateDefinition[],
): { readonly workspace: Workspace; readonly missing: readonly MissingAggregate[] } {
  const aggregates = [...recorded.aggregates];
  const profile = [...recorded.schema.profile];
  const missing: MissingAggregate[] = [];
  for (const definition of added) {
    if (hasAggregate(recorded, definition)) continue;
    const compiled = compileAggregate(recorded, definition, profile.length);
    if (typeof compiled === 'string') {
      const { name, signature, eventType } = definition;
      const typeKnown = recorded.schema.events.some(({ type }) => type === eventType);
      missing.push({ name, signature, why: compiled, typeKnown });
    } else {
      aggregates.push(compiled);
      profile.push(aggregateField(compiled));
    }
  }
  const unchanged = aggregates.length === recorded.aggregates.length;
  const workspace = unchanged ? recorded : { ...recorded, aggregates, schema: { ...recorded.schema, profile } };
  return { workspace, missing };
}

/** Over the version's events; a text says why it cannot be. */
export function compileAggregate(
  { version, schema }: Workspace,
  definition: AggregateDefinition,
  slot: number,
): Aggregate | string {
  const { eventType, value: valueSource, when: whenSource, ...rest } = definition;
  const event = schema.events.find(({ type }) => type === eventType);
  if (event === undefined) return `version ${version} has no event type ${eventType}`;
  const compile = (source: string | null, result: ProgramResult): Program | string | null => {
    if (source === null) return null;
    const scope = { schema: { events: schema.events, profile: [], segments: [] }, event, trigger: null };
    const checked = checkExpression(source, scope, [result]);
    return 'program' in checked ? checked.program : `in version ${version}, ${checked.issues[0]?.message}`;
  };
  const value = compile(valueSource, definition.valueType ?? 'int');
  const when = compile(whenSource, 'bool');
  if (typeof value === 'string') return value;
  if (typeof when === 'string') return when;
  return { ...rest, slot, event: event.index, value, when };
}

function hasAggregate({ aggregates }: Workspace, { name, signature }: { name: string; signature: string }): boolean {
  return aggregates.some((aggregate) => aggregate.name === name && aggregate.signature === signature);
}
