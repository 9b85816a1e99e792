/**
 * What a message template reads: built for decisions only, from the event's frame and from those slots and segments of
 * the profile that the template names.
 */
import type { EventFrame, ListFrame, ProfileFrame } from '../../protocol/frame.ts';
import type { EventList, EventSchema, ProfileField, ValueType } from '../../protocol/schema.ts';
import type { SegmentSet } from '../../rules/segment-set.ts';
import type { MessageScope } from '../../workspace/message-templates.ts';
import type { Template } from '../../workspace/workspace.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { formatRfc3339 } from '../decode/rfc3339.ts';

type Fields = Record<string, unknown>;

/**
 * `schema` is the event's; null where a schedule led here: there is no event to read. The profile frame must hold the template's slots, and segments must have been begun on it. Absent values are absent
 * keys; timestamps are RFC 3339.
 */
export function messageScope(
  active: ActiveWorkspace,
  template: Template,
  campaign: ActiveCampaign,
  schema: EventSchema | null,
  event: EventFrame,
): MessageScope {
  const { offer } = campaign;
  const fields = template.readsEvent && schema !== null ? eventFields(schema, event) : {};
  return {
    event: fields,
    trigger: fields,
    profile: profileFields(active.workspace.schema.profile, template, active.profile),
    segment: segmentFields(active.workspace.schema.segments, template, active.segments),
    offer: offer === null ? null : { id: offer.id, title: offer.title },
    campaign: { id: campaign.id },
  };
}

function eventFields(schema: EventSchema, event: EventFrame): Fields {
  const fields: Fields = {};
  for (const { path, type, slot } of schema.fields) {
    if (event.present[slot] === 1)
      setPath(fields, path, scalar(type, event.number[slot] as number, event.text[slot] as string));
  }
  for (const list of schema.lists) {
    if (event.listPresent[list.list] === 1)
      setPath(fields, list.path, elements(list, event.lists[list.list] as ListFrame));
  }
  // Last, so that the envelope wins over a field of the same name.
  fields['type'] = event.typeName;
  fields['ts'] = formatRfc3339(event.ts);
  if (event.id !== '') fields['id'] = event.id;
  return fields;
}

function elements(list: EventList, frame: ListFrame): unknown[] {
  return Array.from({ length: frame.length }, (_, i) => {
    const element: Fields = {};
    for (const { name, type, column } of list.columns) {
      const { number, text, present } = frame.columns[column] as ListFrame['columns'][number];
      if (present[i] !== 1) continue;
      const value = scalar(type, number[i] as number, text[i] as string);
      if (!list.ofObjects) return value;
      element[name] = value;
    }
    return element;
  });
}

function profileFields(profile: readonly ProfileField[], template: Template, frame: ProfileFrame): Fields {
  const fields: Fields = {};
  for (const slot of template.profileSlots) {
    const { name, type } = profile[slot] as ProfileField;
    if (frame.present[slot] !== 1) continue;
    fields[name] =
      type === 'list<string>'
        ? [...(frame.list[slot] as readonly string[])]
        : scalar(type, frame.number[slot] as number, frame.text[slot] as string);
  }
  return fields;
}

function segmentFields(names: readonly string[], template: Template, segments: SegmentSet): Record<string, boolean> {
  return Object.fromEntries(template.segments.map((index) => [names[index] as string, segments.evaluate(index) === 1]));
}

function scalar(type: ValueType, number: number, text: string): boolean | number | string {
  if (type === 'string') return text;
  if (type === 'bool') return number === 1;
  return type === 'timestamp' ? formatRfc3339(number) : number;
}

/** Declared names are identifiers: none of them is a prototype's key. */
function setPath(root: Fields, path: string, value: unknown): void {
  const keys = path.split('.');
  let object = root;
  for (let i = 0; i < keys.length - 1; i++) {
    const key = keys[i] as string;
    object[key] ??= {};
    object = object[key] as Fields;
  }
  object[keys[keys.length - 1] as string] = value;
}
