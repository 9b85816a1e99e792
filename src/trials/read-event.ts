/** An event of a test, held against events.yaml, or against what the engine's own types hold. */
import type { IssueList } from '../workspace/issue-list.ts';
import { suggestion } from '../workspace/suggest.ts';
import { FeedbackOutcome, type Workspace } from '../workspace/workspace.ts';
import type { YamlFile, YamlPath } from '../workspace/yaml-file.ts';
import { checkValue, EventDataCheck } from './check-data.ts';
import type { TrialEvent } from './trial.ts';
import type { TrialScope } from './trial-scope.ts';

export interface EventDefinition {
  readonly type: string;
  readonly data?: Readonly<Record<string, unknown>> | null | undefined;
  readonly id?: string | number | undefined;
}

type Data = Readonly<Record<string, unknown>>;

const NO_DATA: Data = {};

export class EventReader {
  readonly #scope: TrialScope;
  readonly #file: YamlFile;
  readonly #issues: IssueList;

  constructor(scope: TrialScope, file: YamlFile, issues: IssueList) {
    this.#scope = scope;
    this.#file = file;
    this.#issues = issues;
  }

  read(
    { type, data, id }: EventDefinition,
    path: YamlPath,
    when: Pick<TrialEvent, 'atMs' | 'ts' | 'customer'>,
  ): TrialEvent {
    this.#scope.eventTypes.resolve(type, this.#file, [...path, 'type'], this.#issues);
    if (type.startsWith('$') && when.customer === null)
      this.#issues.report(this.#file.name, this.#file.keyMark(path), `needs \`customer\`: ${type} is about somebody`);
    const fields = data ?? NO_DATA;
    this.#checkData(type, fields, [...path, 'data'], path);
    return {
      place: { file: this.#file.name, ...this.#file.keyMark(path) },
      type,
      ...when,
      id: id === undefined ? null : this.#file.scalarText([...path, 'id']),
      data: fields,
    };
  }

  #checkData(type: string, data: Data, path: YamlPath, event: YamlPath): void {
    const schema = this.#scope.event(type);
    if (schema !== undefined) new EventDataCheck(schema, this.#file, this.#issues).check(data, path);
    else if (type === '$profile') checkAttributes(data, this.#scope.workspace, this.#file, path, this.#issues);
    else if (type === '$consent') {
      this.#word(data, 'channel', this.#scope.workspace.channels, path, event);
      this.#word(data, 'state', ['granted', 'denied'], path, event);
    } else if (type === '$feedback') {
      this.#word(data, 'outcome', Object.values(FeedbackOutcome), path, event);
      this.#word(data, 'decision', this.#scope.campaigns.all, path, event);
    }
  }

  /** A field of an engine's type that is one of some words. */
  #word(data: Data, name: string, words: Iterable<string>, path: YamlPath, event: YamlPath): void {
    const value = data[name];
    if (value === undefined || value === null) {
      const campaign = name === 'decision' ? ': the campaign whose last decision the feedback is about' : '';
      this.#issues.report(
        this.#file.name,
        this.#file.keyMark(this.#file.has(path) ? path : event),
        `missing \`${name}\`${campaign}`,
      );
      return;
    }
    const known = [...words];
    if (typeof value === 'string' && known.includes(value)) return;
    const what = name === 'decision' ? 'campaign' : name;
    const text = typeof value === 'string' ? value : this.#file.scalarText([...path, name]);
    const hint = suggestion(text, known);
    this.#issues.report(this.#file.name, this.#file.valueMark([...path, name]), `unknown ${what} \`${text}\`${hint}`);
  }
}

/** Attributes by name, as `given` and $profile set them. */
export function checkAttributes(
  data: Data,
  workspace: Workspace,
  file: YamlFile,
  path: YamlPath,
  issues: IssueList,
): void {
  for (const name of Object.keys(data)) {
    const attribute = workspace.attributes.find((one) => one.name === name);
    if (attribute !== undefined) checkValue(data[name], attribute.type, file, [...path, name], issues);
    else issues.report(file.name, file.keyMark([...path, name]), unknownAttribute(name, workspace));
  }
}

function unknownAttribute(name: string, { attributes, aggregates }: Workspace): string {
  if (aggregates.some((aggregate) => aggregate.name === name))
    return `\`${name}\` is an aggregate, which is counted from events: give the events themselves`;
  if (attributes.length === 0) return `unknown attribute \`${name}\`: profile.yaml declares none`;
  return `unknown attribute \`${name}\`${suggestion(
    name,
    attributes.map((attribute) => attribute.name),
  )}`;
}
