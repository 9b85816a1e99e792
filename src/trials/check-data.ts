/** Holds the data of a test's events against what events.yaml and profile.yaml declare: what the machine would refuse is an issue at its place, and what nobody reads a warning. */
import { readScalar } from '../machine/decode/event-fields.ts';
import type { EventField, EventList, EventSchema, ScalarType, ValueType } from '../protocol/schema.ts';
import { show } from '../workspace/definition-parts.ts';
import type { IssueList } from '../workspace/issue-list.ts';
import { suggestion } from '../workspace/suggest.ts';
import type { YamlFile, YamlPath } from '../workspace/yaml-file.ts';

type Data = Readonly<Record<string, unknown>>;

const scalar = { number: 0, text: '' };

/** Whether a value is of a type; otherwise it is reported at `path`. null is absence, and always right. */
export function checkValue(value: unknown, type: ValueType, file: YamlFile, path: YamlPath, issues: IssueList): void {
  if (value === null || value === undefined) return;
  if (type === 'list<string>') {
    if (Array.isArray(value))
      for (const [i, item] of value.entries()) checkScalar(item, 'string', file, [...path, i], issues);
    else issues.report(file.name, file.valueMark(path), `expected a list of texts, got ${show(value)}`);
  } else checkScalar(value, type, file, path, issues);
}

function checkScalar(value: unknown, type: ScalarType, file: YamlFile, path: YamlPath, issues: IssueList): void {
  if (readScalar(value, type, scalar)) return;
  const quotes = type === 'string' && typeof value === 'number' ? ': put it into quotes' : '';
  issues.report(file.name, file.valueMark(path), `expected ${type}, got ${show(value)}${quotes}`);
}

/** Data of an event type that events.yaml declares. */
export class EventDataCheck {
  readonly #schema: EventSchema;
  readonly #fields: ReadonlyMap<string, EventField>;
  readonly #lists: ReadonlyMap<string, EventList>;
  readonly #file: YamlFile;
  readonly #issues: IssueList;

  constructor(schema: EventSchema, file: YamlFile, issues: IssueList) {
    this.#schema = schema;
    this.#fields = new Map(schema.fields.map((field) => [field.path, field]));
    this.#lists = new Map(schema.lists.map((list) => [list.path, list]));
    this.#file = file;
    this.#issues = issues;
  }

  check(data: Data, path: YamlPath, parent = ''): void {
    for (const key of Object.keys(data)) {
      const value = data[key];
      const name = parent + key;
      const place = [...path, key];
      const field = this.#fields.get(name);
      const list = this.#lists.get(name);
      if (field !== undefined) checkValue(value, field.type, this.#file, place, this.#issues);
      else if (list !== undefined) this.#checkList(value, list, place);
      else if (this.#names(`${name}.`).length > 0) this.#checkObject(value, place, `${name}.`);
      else this.#warnUnknown(key, place, this.#names(parent));
    }
  }

  #checkObject(value: unknown, path: YamlPath, parent: string): void {
    if (value === null || value === undefined) return;
    if (isMapping(value)) this.check(value, path, parent);
    else this.#issues.report(this.#file.name, this.#file.valueMark(path), `expected a mapping, got ${show(value)}`);
  }

  #checkList(value: unknown, list: EventList, path: YamlPath): void {
    if (value === null || value === undefined) return;
    if (!Array.isArray(value)) {
      this.#issues.report(this.#file.name, this.#file.valueMark(path), `expected a list, got ${show(value)}`);
      return;
    }
    for (const [i, element] of value.entries()) this.#checkElement(element, list, [...path, i]);
  }

  #checkElement(element: unknown, { columns, ofObjects }: EventList, path: YamlPath): void {
    if (!ofObjects) {
      // The machine takes no element that is nothing.
      checkScalar(element, columns[0]?.type ?? 'string', this.#file, path, this.#issues);
      return;
    }
    if (!isMapping(element)) {
      this.#issues.report(this.#file.name, this.#file.valueMark(path), `expected a mapping, got ${show(element)}`);
      return;
    }
    for (const key of Object.keys(element)) {
      const column = columns.find(({ name }) => name === key);
      const place = [...path, key];
      if (column !== undefined) checkValue(element[key], column.type, this.#file, place, this.#issues);
      else
        this.#warnUnknown(
          key,
          place,
          columns.map(({ name }) => name),
        );
    }
  }

  /** Names of one level: the first part behind `parent`. */
  #names(parent: string): string[] {
    const paths = [...this.#fields.keys(), ...this.#lists.keys()].filter((path) => path.startsWith(parent));
    return [...new Set(paths.map((path) => path.slice(parent.length).split('.')[0] as string))];
  }

  #warnUnknown(name: string, path: YamlPath, known: readonly string[]): void {
    this.#issues.warn(
      this.#file.name,
      this.#file.keyMark(path),
      `\`${this.#schema.type}\` declares no field \`${name}\`, so nothing reads it${suggestion(name, known)}`,
    );
  }
}

export function isMapping(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
