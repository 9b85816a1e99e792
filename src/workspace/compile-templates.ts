/** templates/*.yaml: the messages by channel. Checked once the campaigns are known: they say which events a template is rendered for. */
import { MESSAGE_FIELDS_MAX, MESSAGE_SOURCE_LENGTH_MAX } from '../constants.ts';
import type { CompiledCampaign } from './compile-campaigns.ts';
import type { Profile } from './compile-profile.ts';
import { templateDefinition } from './definitions.ts';
import type { IssueList } from './issue-list.ts';
import { MessageChecker } from './message-check.ts';
import { messageVariables, type Need } from './message-shape.ts';
import { Names } from './references.ts';
import { validate } from './validate.ts';
import type { Campaign, Segment, Template } from './workspace.ts';
import { baseName } from './workspace-files.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

type Message = Readonly<Record<string, string>>;

/** The templates as far as they can be known before the campaigns are. */
export class Templates {
  readonly names: Names;
  /** In the order of names. A faulty template has no channels, not even empty ones. */
  readonly compiled: readonly Template[];
  readonly #files: ReadonlyMap<string, YamlFile>;
  readonly #channels: readonly string[];

  constructor(paths: readonly string[], files: readonly YamlFile[], channels: Names, issues: IssueList) {
    this.names = new Names('template', 'templates/', true, paths.map(baseName));
    this.#files = new Map(files.map((file) => [baseName(file.name), file]));
    this.#channels = [...channels.all];
    this.compiled = Array.from(this.names.all, (name) => {
      const file = this.#files.get(name);
      const messages = file === undefined ? [] : compileMessages(file, channels, issues);
      return { name, channels: messages, profileSlots: [], segments: [], readsEvent: false };
    });
  }

  /** Checks every message against the events of the campaigns that use it, or against any event where none does. */
  check(campaigns: readonly CompiledCampaign[], profile: Profile, issues: IssueList): Template[] {
    const users = usersByTemplate(campaigns, this.compiled.length);
    const checker = new MessageChecker();
    return this.compiled.map((template, index) => {
      const using = users[index] ?? [];
      const needs = this.#checkMessages(template, using, profile, checker, issues);
      if (needs.has('offer')) warnWithoutOffer(template, index, using, issues);
      if (needs.has('event')) refuseWithoutEvent(template, index, using, issues);
      const segments = [...needs].flatMap((need) =>
        typeof need === 'object' && 'segment' in need ? [need.segment] : [],
      );
      const slots = [...needs].flatMap((need) => (typeof need === 'object' && 'slot' in need ? [need.slot] : []));
      return {
        ...template,
        profileSlots: sorted([...slots, ...slotsOfSegments(segments, profile.segments)]),
        segments: sorted(segments),
        readsEvent: needs.has('event'),
      };
    });
  }

  #checkMessages(
    template: Template,
    using: readonly CompiledCampaign[],
    profile: Profile,
    checker: MessageChecker,
    issues: IssueList,
  ): Set<Need> {
    const needs = new Set<Need>();
    const file = this.#files.get(template.name);
    if (file === undefined) return needs;
    const schema = profile.complete ? profile.schema : null;
    const events = new Set(using.map(({ campaign }) => campaign.event));
    const scopes = Array.from(events.size === 0 ? [-1] : events, (event) =>
      messageVariables(schema, schema?.events[event] ?? null),
    );
    template.channels.forEach((message, channel) => {
      for (const [field, source] of Object.entries(message ?? {})) {
        const path = [this.#channels[channel] as string, field];
        for (const variables of scopes)
          checker.check(source, variables, needs, (offset, text) =>
            issues.report(file.name, file.textMark(path, offset), text),
          );
      }
    });
    return needs;
  }
}

/** files: those that could be read, of the templates among `paths`. */
export function compileTemplates(
  files: readonly YamlFile[],
  paths: readonly string[],
  channels: Names,
  issues: IssueList,
): Templates {
  const templates = paths.filter((path) => path.startsWith('templates/') && path.endsWith('.yaml')).toSorted();
  return new Templates(templates, files, channels, issues);
}

function compileMessages(file: YamlFile, channels: Names, issues: IssueList): (Message | null)[] {
  const data = validate(templateDefinition, file, issues);
  if (data === null) return [];
  const messages: (Message | null)[] = Array.from(channels.all, () => null);
  const names = file.keys([]);
  if (names.length === 0)
    issues.report(file.name, file.keyMark([]), 'the template is empty: it needs a message for at least one channel');
  for (const name of names) {
    const channel = channels.resolveKey(name, file, [name], issues);
    const fields = file.keys([name]);
    if (fields.length === 0) issues.report(file.name, file.keyMark([name]), `the message for \`${name}\` is empty`);
    if (fields.length > MESSAGE_FIELDS_MAX)
      issues.report(file.name, file.keyMark([name]), `too many fields: at most ${MESSAGE_FIELDS_MAX}`);
    const texts = fields.map((field): [string, string] => [field, file.scalarText([name, field])]);
    for (const [field, text] of texts)
      if (text.length > MESSAGE_SOURCE_LENGTH_MAX)
        issues.report(
          file.name,
          file.keyMark([name, field]),
          `\`${field}\` is too long: at most ${MESSAGE_SOURCE_LENGTH_MAX} characters`,
        );
    if (channel >= 0) messages[channel] = Object.fromEntries(texts);
  }
  return issues.has(file.name) ? [] : messages;
}

function usersByTemplate(campaigns: readonly CompiledCampaign[], templates: number): CompiledCampaign[][] {
  const users: CompiledCampaign[][] = Array.from({ length: templates }, () => []);
  for (const compiled of campaigns) {
    const { template, variants } = compiled.campaign;
    for (const index of new Set([template, ...variants.map((variant) => variant.template)]))
      users[index]?.push(compiled);
  }
  return users;
}

function warnWithoutOffer(
  template: Template,
  index: number,
  using: readonly CompiledCampaign[],
  issues: IssueList,
): void {
  for (const { campaign, file } of using) {
    if (file.has(['offer'])) continue;
    for (const path of placesOf(index, campaign))
      issues.warn(
        file.name,
        file.valueMark(path),
        `template \`${template.name}\` reads \`offer\`, but this campaign has none: it will be empty there`,
      );
  }
}

function refuseWithoutEvent(
  template: Template,
  index: number,
  using: readonly CompiledCampaign[],
  issues: IssueList,
): void {
  for (const { campaign, file } of using) {
    if (campaign.schedule === null) continue;
    for (const path of placesOf(index, campaign))
      issues.report(
        file.name,
        file.valueMark(path),
        `template \`${template.name}\` reads \`event\`, and on a schedule there is none: use \`profile\`, or another template`,
      );
  }
}

/** Where a campaign names the template. */
function placesOf(index: number, { template, variants }: Campaign): YamlPath[] {
  const inVariants = variants.filter((variant) => variant.template === index);
  return [
    ...(template === index ? [['template']] : []),
    ...inVariants.map((variant) => ['variants', variant.name, 'template']),
  ];
}

function slotsOfSegments(segments: readonly number[], all: readonly Segment[]): number[] {
  const reached = new Set<number>();
  const reach = (index: number): void => {
    if (reached.has(index)) return;
    reached.add(index);
    for (const next of all[index]?.when.segments ?? []) reach(next);
  };
  for (const index of segments) reach(index);
  return [...reached].flatMap((index) => [...(all[index]?.when.profileSlots ?? [])]);
}

function sorted(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}
