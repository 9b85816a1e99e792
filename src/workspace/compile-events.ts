/** events.yaml → the schema that events are decoded by and rules are checked against. Nested objects become dotted paths, lists become columns; `$feedback` comes last. */
import { EVENT_FIELDS_MAX, EVENT_LISTS_MAX, EVENT_TYPES_MAX } from '../constants.ts';
import type { EventField, EventList, EventSchema, ScalarType } from '../protocol/schema.ts';
import { eventsDefinition, type FieldDefinition } from './definitions.ts';
import { FEEDBACK_TYPE, feedbackSchema } from './feedback-event.ts';
import type { IssueList } from './issue-list.ts';
import { Names } from './references.ts';
import { validate } from './validate.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

export interface Events {
  /** Those of events.yaml, and `$feedback`. */
  readonly schemas: readonly EventSchema[];
  /** Of schemas: what may refer to event types refers to these. */
  readonly names: Names;
  /** False where events.yaml is faulty: what reads events cannot be judged. */
  readonly complete: boolean;
}

/** `event.id`, `event.type` and `event.ts` are the event's own. */
const RESERVED_FIELDS = new Set(['id', 'type', 'ts']);

export function compileEvents(file: YamlFile | null, given: boolean, issues: IssueList): Events {
  if (file === null) return withFeedback([], !given);
  const data = validate(eventsDefinition, file, issues);
  if (data === null) return withFeedback([], false);
  const types = file.keys([]);
  if (types.length > EVENT_TYPES_MAX)
    issues.report(
      file.name,
      file.keyMark([types[EVENT_TYPES_MAX] as string]),
      `too many event types: at most ${EVENT_TYPES_MAX}`,
    );
  const schemas = types.map((type, index) => new EventCompiler(type, index, file, issues).compile(data[type] ?? {}));
  return withFeedback(schemas, !issues.has(file.name));
}

function withFeedback(declared: readonly EventSchema[], complete: boolean): Events {
  const types = declared.map((event) => event.type);
  return {
    schemas: [...declared, feedbackSchema(declared.length)],
    names: new Names('event type', 'events.yaml', complete, types, [FEEDBACK_TYPE]),
    complete,
  };
}

class EventCompiler {
  readonly #type: string;
  readonly #index: number;
  readonly #file: YamlFile;
  readonly #issues: IssueList;
  readonly #fields: EventField[] = [];
  readonly #lists: EventList[] = [];
  #columns = 0;

  constructor(type: string, index: number, file: YamlFile, issues: IssueList) {
    this.#type = type;
    this.#index = index;
    this.#file = file;
    this.#issues = issues;
  }

  compile(fields: Readonly<Record<string, FieldDefinition>>): EventSchema {
    this.#addFields(fields, []);
    if (this.#fields.length + this.#columns > EVENT_FIELDS_MAX)
      this.#report([this.#type], `too many fields in \`${this.#type}\`: at most ${EVENT_FIELDS_MAX}`);
    if (this.#lists.length > EVENT_LISTS_MAX)
      this.#report([this.#type], `too many lists in \`${this.#type}\`: at most ${EVENT_LISTS_MAX}`);
    return { type: this.#type, index: this.#index, fields: this.#fields, lists: this.#lists };
  }

  #addFields(fields: Readonly<Record<string, FieldDefinition>>, parents: readonly string[]): void {
    const names = this.#file.keys([this.#type, ...parents]);
    if (names.length === 0 && parents.length > 0)
      this.#report([this.#type, ...parents], `\`${parents.join('.')}\` has no fields`);
    for (const name of names) {
      const path = [...parents, name];
      const definition = fields[name] as FieldDefinition;
      if (parents.length === 0 && RESERVED_FIELDS.has(name))
        this.#report([this.#type, name], `\`${name}\` cannot be declared: event.${name} is the event's own`);
      else if (typeof definition === 'string')
        this.#fields.push({ path: path.join('.'), type: definition as ScalarType, slot: this.#fields.length });
      else if (isListDefinition(definition)) this.#addList(definition, path);
      else this.#addFields(definition, path);
    }
  }

  #addList(definition: readonly (string | Readonly<Record<string, string>>)[], path: readonly string[]): void {
    const [element] = definition;
    const ofObjects = typeof element === 'object';
    const names = ofObjects ? this.#file.keys([this.#type, ...path, 0]) : [''];
    if (names.length === 0) this.#report([this.#type, ...path], `\`${path.join('.')}\` has no fields`);
    const columns = names.map((name, column) => ({
      name,
      type: (ofObjects ? element[name] : element) as ScalarType,
      column,
    }));
    this.#columns += columns.length;
    this.#lists.push({ path: path.join('.'), list: this.#lists.length, ofObjects, columns });
  }

  #report(path: YamlPath, message: string): void {
    this.#issues.report(this.#file.name, this.#file.keyMark(path), message);
  }
}

function isListDefinition(
  definition: FieldDefinition,
): definition is readonly (string | Readonly<Record<string, string>>)[] {
  return Array.isArray(definition);
}
