/**
 * A compiled workspace that came out of a log, which anybody who can append to it may have written: it is taken if it is one that a compiler could have made, as far as the machine leans on it. Asked
 * once, when a version is activated or a filling begins; nothing behind this border looks again.
 */
import type { EventSchema, Schema } from '../protocol/schema.ts';
import type { Program, ProgramResult } from '../rules/program.ts';
import { ReadableFrames } from '../rules/verify-reads.ts';
import { aggregateForm, workspaceForm } from './compiled-definition.ts';
import { feedbackSchema } from './feedback-event.ts';
import { aggregateField, attributeField } from './profile-fields.ts';
import type { Aggregate, Attribute, Campaign, Segment, Workspace } from './workspace.ts';

const NUMBER: readonly ProgramResult[] = ['int', 'double'];
const BOOL: readonly ProgramResult[] = ['bool'];
const ANY: readonly ProgramResult[] = ['bool', 'string', 'timestamp', ...NUMBER];
/** What functions fold that do not fold everything. */
const FOLDED: Readonly<Record<string, readonly ProgramResult[]>> = {
  sum: NUMBER,
  avg: NUMBER,
  min: [...NUMBER, 'timestamp'],
  max: [...NUMBER, 'timestamp'],
};

/** Throws an Error that says what is wrong. */
export function checkedWorkspace(value: unknown): Workspace {
  const { error } = workspaceForm.safeParse(value);
  const issue = error?.issues[0];
  if (issue !== undefined) throw new Error(`${issue.path.join('.')}: ${issue.message}`);
  const workspace = value as Workspace;
  const programs = new Programs(workspace.schema);
  checkSchema(workspace, programs);
  checkPolicy(workspace);
  checkSegments(workspace.segments, programs);
  for (const campaign of workspace.campaigns) checkCampaign(campaign, workspace, programs);
  return workspace;
}

/** Aggregates beside those of a version with this schema. Throws likewise. */
export function checkedAggregates(value: unknown, schema: Schema): readonly Aggregate[] {
  const { error } = aggregateForm.array().safeParse(value);
  const issue = error?.issues[0];
  if (issue !== undefined) throw new Error(`aggregates.${issue.path.join('.')}: ${issue.message}`);
  const aggregates = value as readonly Aggregate[];
  const programs = new Programs(schema);
  for (const aggregate of aggregates) checkAggregate(aggregate, programs);
  return aggregates;
}

class Programs {
  readonly schema: Schema;
  /** By indices of their events. */
  readonly #frames = new Map<string, ReadableFrames>();

  constructor(schema: Schema) {
    this.schema = schema;
  }

  /** `event` null: over the profile only. `trigger`: the second of a pair. */
  check(
    program: Program,
    results: readonly ProgramResult[],
    event: EventSchema | null,
    trigger: EventSchema | null = null,
  ): void {
    require(results.includes(program.result), `a program gives a ${program.result}`);
    const key = `${event?.index} ${trigger?.index}`;
    const frames = this.#frames.get(key) ?? new ReadableFrames(this.schema, event, trigger);
    this.#frames.set(key, frames);
    frames.verify(program);
  }
}

function require(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

function isIndex(index: number, list: readonly unknown[]): boolean {
  return index < list.length;
}

function requireDistinct(names: readonly string[], what: string): void {
  require(new Set(names).size === names.length, `${what}: a name twice`);
}

function checkSchema(workspace: Workspace, programs: Programs): void {
  const { schema, attributes, aggregates, segments, feedbackEvent, zones, timezone } = workspace;
  schema.events.forEach((event, i) => {
    checkEvent(event, i);
  });
  requireDistinct(
    schema.events.map(({ type }) => type),
    'schema.events',
  );
  require(same(
    schema.events[feedbackEvent],
    feedbackSchema(feedbackEvent),
  ), 'feedbackEvent: it is not the schema of feedback');
  attributes.forEach(checkAttribute);
  for (const aggregate of aggregates) checkAggregate(aggregate, programs);
  const fields = [...attributes.map(attributeField), ...aggregates.map(aggregateField)];
  const agrees = fields.every((field, slot) => field.slot === slot && same(field, schema.profile[slot]));
  require(agrees &&
    fields.length === schema.profile.length, 'schema.profile: it is not that of the attributes and aggregates');
  require(same(
    schema.segments,
    segments.map(({ name }) => name),
  ), 'schema.segments: they are not the segments');
  require(Object.values(zones.zones).every((index) => isIndex(index, zones.tables)), 'zones: a table is missing');
  require(Object.hasOwn(zones.zones, timezone), 'timezone: it is not among the zones');
}

function checkEvent({ type, index, fields, lists }: EventSchema, at: number): void {
  const inOrder =
    index === at &&
    fields.every(({ slot }, i) => slot === i) &&
    lists.every(({ list, columns }, i) => list === i && columns.every(({ column }, c) => column === c));
  require(inOrder, `schema.events.${at}: ${type}: out of order`);
  requireDistinct(
    [...fields, ...lists].map(({ path }) => path),
    `schema.events.${at}`,
  );
  for (const { ofObjects, columns } of lists) {
    require(ofObjects || columns.length === 1, `schema.events.${at}: a list of scalars has one column`);
    requireDistinct(
      columns.map(({ name }) => name),
      `schema.events.${at}`,
    );
  }
}

function checkAttribute({ name, type, default: value }: Attribute): void {
  const fits =
    value === null ||
    (type === 'list<string>' && Array.isArray(value)) ||
    (type === 'bool' && typeof value === 'boolean') ||
    (type === 'string' && typeof value === 'string') ||
    (type === 'double' && typeof value === 'number') ||
    ((type === 'int' || type === 'timestamp') && Number.isSafeInteger(value));
  require(fits, `attributes: the default of ${name} is no ${type}`);
}

function checkAggregate({ name, fn, event, value, when, valueType }: Aggregate, programs: Programs): void {
  const type = programs.schema.events[event];
  if (type === undefined) throw new Error(`aggregates: ${name}: its event is missing`);
  const folds = fn === 'count' ? value === null && valueType === null : value !== null && value.result === valueType;
  require(folds, `aggregates: ${name}: ${fn} of ${valueType}`);
  if (value !== null) programs.check(value, FOLDED[fn] ?? ANY, type);
  if (when !== null) programs.check(when, BOOL, type);
}

function checkPolicy({ policy, channels, offers, templates, campaigns, schema, ...rest }: Workspace): void {
  requireDistinct(channels, 'channels');
  requireDistinct(
    offers.map(({ id }) => id),
    'offers',
  );
  requireDistinct(
    campaigns.map(({ id }) => id),
    'campaigns',
  );
  const byChannel = [policy.consent, policy.slots, ...templates.map((template) => template.channels)];
  require(byChannel.every((list) => list.length === channels.length), 'policy, templates: not one of each channel');
  const named = [policy.quietHours?.channels ?? [], ...policy.caps.map((cap) => cap.channels ?? [])].flat();
  require(named.every((channel) => isIndex(channel, channels)), 'policy: a channel is missing');
  require(policy.caps.every(
    ({ max, reserved }) => reserved === null || reserved.max <= max,
  ), 'policy.caps: more is reserved than there is');
  const { timezoneSlot } = policy;
  require(timezoneSlot < 0 || rest.attributes[timezoneSlot]?.type === 'string', 'policy.timezoneSlot: it is no text');
  for (const { profileSlots, segments } of templates)
    require(profileSlots.every((slot) => isIndex(slot, schema.profile)) &&
      segments.every((index) => isIndex(index, schema.segments)), 'templates: what they read is missing');
}

function checkCampaign(campaign: Campaign, workspace: Workspace, programs: Programs): void {
  const { schema, channels, offers, templates, campaigns } = workspace;
  const { id, event, schedule, wait, after, goal, value, score } = campaign;
  const place = `campaigns: ${id}`;
  const trigger = schema.events[event] ?? null;
  require(campaigns[campaign.index] === campaign, `${place}: out of order`);
  require(trigger === null ? event === -1 && schedule !== null : schedule === null, `${place}: what sets it off`);
  require(schedule === null || (wait === null && after === null), `${place}: a schedule neither waits nor looks back`);
  require(campaign.channels.every((channel) => isIndex(channel, channels)), `${place}: a channel is missing`);
  require(isIndex(campaign.offer, offers), `${place}: its offer is missing`);
  for (const { template } of [campaign, ...campaign.variants])
    require(isIndex(template, templates), `${place}: a template is missing`);
  require((wait?.restart?.event ?? event) === event, `${place}: another event restarts it`);
  programs.check(campaign.when, BOOL, trigger);
  for (const program of [value, score]) if (program !== null) programs.check(program, NUMBER, trigger);
  if (wait !== null && wait.when !== null) programs.check(wait.when, BOOL, trigger);
  const meetings = [...(wait?.unless ?? []), wait?.restart ?? null, ...(after?.events ?? []), goal];
  for (const meeting of meetings) {
    const met = meeting === null ? null : schema.events[meeting.event];
    if (met === undefined) throw new Error(`${place}: an event is missing`);
    if (meeting !== null && meeting.when !== null) programs.check(meeting.when, BOOL, met, trigger);
  }
}

/** None may need itself. Each is gone through once: a thousand may name each other. */
function checkSegments(segments: readonly Segment[], programs: Programs): void {
  for (const { when } of segments) programs.check(when, BOOL, null);
  /** false: what it needs is being gone through. */
  const done = new Map<number, boolean>();
  const visit = (index: number): void => {
    require(done.get(index) !== false, `segments: ${segments[index]?.name} needs itself`);
    if (done.has(index)) return;
    done.set(index, false);
    for (const next of segments[index]?.when.segments ?? []) visit(next);
    done.set(index, true);
  };
  for (let index = 0; index < segments.length; index++) visit(index);
}

/** Of what was made of plain JSON, with its keys in the compiler's order. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
