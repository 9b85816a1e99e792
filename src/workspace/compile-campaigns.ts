/** campaigns/*.yaml: one campaign each, its references resolved and its expressions checked against what sets it off: an event, or a schedule. */
import { VARIANTS_MAX } from '../constants.ts';
import { compileCascade, compileSlots } from './compile-delivery.ts';
import type { Events } from './compile-events.ts';
import { compileGoal } from './compile-goal.ts';
import type { CampaignParts } from './compile-meeting.ts';
import type { Offers } from './compile-offers.ts';
import type { Profile } from './compile-profile.ts';
import { compileSchedule } from './compile-schedule.ts';
import type { Scores } from './compile-scores.ts';
import { compileSequence } from './compile-sequence.ts';
import { compileValidity, type Settings } from './compile-settings.ts';
import { compileWait } from './compile-wait.ts';
import type { CompiledSize } from './compiled-size.ts';
import { parsePercentage } from './definition-parts.ts';
import { type CampaignDefinition, campaignDefinition } from './definitions.ts';
import { parseDuration } from './duration.ts';
import { Expressions } from './expressions.ts';
import type { IssueList } from './issue-list.ts';
import type { Names } from './references.ts';
import { validate } from './validate.ts';
import type { Campaign, Policy, Template, Variant } from './workspace.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

export interface CompiledCampaign {
  readonly campaign: Campaign;
  readonly file: YamlFile;
}

/** What campaigns may refer to. */
export interface CampaignScope {
  readonly settings: Settings;
  readonly events: Events;
  readonly profile: Profile;
  readonly offers: Offers;
  /** null: policy.yaml is faulty. */
  readonly policy: Policy | null;
  readonly scores: Scores;
  readonly templates: { readonly names: Names; readonly compiled: readonly Template[] };
}

/** Sorted by id. Faulty campaigns are left out, and reported. */
export function compileCampaigns(
  files: readonly YamlFile[],
  scope: CampaignScope,
  size: CompiledSize,
  issues: IssueList,
): CompiledCampaign[] {
  const compiler = new CampaignCompiler(scope, issues);
  const campaigns = files.flatMap((file) => {
    const campaign = size.isFull ? null : compiler.compile(file);
    if (campaign === null) return [];
    size.add(campaign, file.name);
    return [{ campaign, file }];
  });
  campaigns.sort((a, b) => (a.campaign.id < b.campaign.id ? -1 : 1));
  return campaigns.map(({ campaign, file }, index) => ({ campaign: { ...campaign, index }, file }));
}

class CampaignCompiler {
  readonly #scope: CampaignScope;
  readonly #issues: IssueList;
  readonly #expressions: Expressions;
  /** Campaign id → its file. */
  readonly #ids = new Map<string, string>();

  constructor(scope: CampaignScope, issues: IssueList) {
    this.#scope = scope;
    this.#issues = issues;
    this.#expressions = new Expressions(scope.profile.schema, issues);
  }

  compile(file: YamlFile): Campaign | null {
    const data = validate(campaignDefinition, file, this.#issues);
    if (data === null) return null;
    this.#claimId(data.id, file);
    const { settings, offers } = this.#scope;
    const channels = settings.channels.resolveList(data.channels, file, ['channels'], this.#issues);
    const offer = data.offer === undefined ? -1 : offers.names.resolve(data.offer, file, ['offer'], this.#issues);
    const template = data.template === undefined ? -1 : this.#template(data.template, file, ['template'], channels);
    const variants = this.#variants(data, file, channels);
    const parts = this.#parts(data, file);
    const wait = compileWait(data.wait, parts);
    const after = compileSequence(data.after, parts);
    const goal = compileGoal(data.goal, parts);
    const cascade = compileCascade(data.cascade, data.channels.length, file, this.#issues);
    const slots = compileSlots(data.slots, this.#slotsOf(channels), file, this.#issues);
    const setOff = this.#setOff(data, parts);
    const programs = this.#programs(data, parts);
    const { status = 'live' } = data;
    if (setOff === null || programs === null) return null;
    return {
      id: data.id,
      index: -1,
      ...setOff,
      ...programs,
      offer,
      channels,
      priority: data.priority ?? 0,
      cooldownMs: data.cooldown === undefined ? 0 : (parseDuration(data.cooldown) ?? 0),
      holdout: data.holdout === undefined ? 0 : parsePercentage(data.holdout),
      variants,
      template,
      valid: compileValidity(data.valid, settings),
      status,
      group: data.group ?? null,
      category: data.category ?? null,
      slots,
      wait,
      after,
      cascade,
      limits: { total: data.limits?.total ?? null, perDay: data.limits?.perDay ?? null },
      goal,
    };
  }

  #parts({ on }: CampaignDefinition, file: YamlFile): CampaignParts {
    const { settings, events, profile } = this.#scope;
    const index = typeof on === 'string' ? events.names.resolve(on, file, ['on'], this.#issues) : -1;
    return {
      file,
      settings,
      events,
      expressions: this.#expressions,
      trigger: events.schemas[index] ?? null,
      onSchedule: typeof on !== 'string',
      // Against a faulty schema every expression would only repeat its faults.
      judges: events.complete && profile.complete,
      issues: this.#issues,
    };
  }

  /** What sets it off. */
  #setOff({ on }: CampaignDefinition, { file, trigger }: CampaignParts): Pick<Campaign, 'event' | 'schedule'> | null {
    if (typeof on === 'string') return trigger === null ? null : { event: trigger.index, schedule: null };
    const { schedules } = this.#scope.settings;
    const schedule = compileSchedule(on.schedule, on.offset, schedules, file, ['on', 'schedule'], this.#issues);
    return schedule === null ? null : { event: -1, schedule };
  }

  #claimId(id: string, file: YamlFile): void {
    const owner = this.#ids.get(id);
    if (owner !== undefined)
      this.#issues.report(file.name, file.valueMark(['id']), `\`${id}\` is already the id of ${owner}`);
    else this.#ids.set(id, file.name);
  }

  #programs(data: CampaignDefinition, parts: CampaignParts): Pick<Campaign, 'when' | 'value' | 'score'> | null {
    const { file, trigger, onSchedule, judges, expressions } = parts;
    if (!judges || (trigger === null && !onSchedule)) return null;
    const when =
      data.when === undefined ? expressions.always(trigger) : expressions.check(file, ['when'], trigger, ['bool']);
    const value = data.value === undefined ? null : expressions.check(file, ['value'], trigger, ['int', 'double']);
    if (when === null || (data.value !== undefined && value === null)) return null;
    return { when, value, score: this.#scope.scores.compile(data, file, trigger, value) };
  }

  /** null: nobody knows. */
  #slotsOf(channels: readonly number[]): readonly string[] | null {
    return this.#scope.policy && channels.flatMap((channel) => this.#scope.policy?.slots[channel] ?? []);
  }

  #variants(data: CampaignDefinition, file: YamlFile, channels: readonly number[]): Variant[] {
    if (data.variants === undefined) return [];
    const names = file.keys(['variants']);
    const report = (path: YamlPath, message: string) => this.#issues.report(file.name, file.keyMark(path), message);
    if (data.template !== undefined)
      report(['template'], '`template` is for a campaign without variants: give each variant its own');
    if (names.length === 0) report(['variants'], '`variants` is empty');
    if (names.length > VARIANTS_MAX)
      report(['variants', names[VARIANTS_MAX] as string], `too many variants: at most ${VARIANTS_MAX}`);
    const variants = names.map((name): Variant => {
      const { weight = 0, template } = data.variants?.[name] ?? {};
      return {
        name,
        weight,
        template:
          template === undefined ? -1 : this.#template(template, file, ['variants', name, 'template'], channels),
      };
    });
    if (names.length > 0 && variants.every((variant) => variant.weight === 0))
      report(['variants'], 'all variants have weight 0: none could be drawn');
    return variants;
  }

  #template(name: string, file: YamlFile, path: YamlPath, channels: readonly number[]): number {
    const { templates, settings } = this.#scope;
    const index = templates.names.resolve(name, file, path, this.#issues);
    const template = templates.compiled[index];
    const names = [...settings.channels.all];
    for (const channel of channels)
      if (template?.channels[channel] === null)
        this.#issues.report(
          file.name,
          file.valueMark(path),
          `template \`${name}\` has no message for channel \`${names[channel]}\`, which this campaign uses`,
        );
    return index;
  }
}
