/** campaigns/*.yaml: one campaign each, its references resolved and its expressions checked against the event that it listens for. */
import { VARIANTS_MAX } from '../constants.ts';
import type { Events } from './compile-events.ts';
import type { Offers } from './compile-offers.ts';
import type { Profile } from './compile-profile.ts';
import type { Scores } from './compile-scores.ts';
import { compileValidity, type Settings } from './compile-settings.ts';
import { parsePercentage } from './definition-parts.ts';
import { type CampaignDefinition, campaignDefinition } from './definitions.ts';
import { parseDuration } from './duration.ts';
import { Expressions } from './expressions.ts';
import type { IssueList } from './issue-list.ts';
import type { Names } from './references.ts';
import { validate } from './validate.ts';
import type { Campaign, Template, Variant } from './workspace.ts';
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
  readonly scores: Scores;
  readonly templates: { readonly names: Names; readonly compiled: readonly Template[] };
}

/** Sorted by id. Faulty campaigns are left out, and reported. */
export function compileCampaigns(
  files: readonly YamlFile[],
  scope: CampaignScope,
  issues: IssueList,
): CompiledCampaign[] {
  const compiler = new CampaignCompiler(scope, issues);
  const campaigns = files.flatMap((file) => {
    const campaign = compiler.compile(file);
    return campaign === null ? [] : [{ campaign, file }];
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
    const programs = this.#programs(data, file);
    const { status = 'live' } = data;
    if (programs === null || status === 'shadow') return null;
    return {
      id: data.id,
      index: -1,
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
      group: null,
      category: null,
      slots: null,
      schedule: null,
      wait: null,
      after: null,
      cascade: null,
      limits: { total: null, perDay: null },
      goal: null,
    };
  }

  #claimId(id: string, file: YamlFile): void {
    const owner = this.#ids.get(id);
    if (owner !== undefined)
      this.#issues.report(file.name, file.valueMark(['id']), `\`${id}\` is already the id of ${owner}`);
    else this.#ids.set(id, file.name);
  }

  #programs(data: CampaignDefinition, file: YamlFile): Pick<Campaign, 'event' | 'when' | 'value' | 'score'> | null {
    // Schedules are refused elsewhere.
    if (typeof data.on !== 'string') return null;
    const index = this.#scope.events.names.resolve(data.on, file, ['on'], this.#issues);
    const event = this.#scope.events.schemas[index];
    // Against a faulty schema every expression would only repeat its faults.
    if (event === undefined || !this.#scope.events.complete || !this.#scope.profile.complete) return null;
    const when =
      data.when === undefined
        ? this.#expressions.always(event)
        : this.#expressions.check(file, ['when'], event, ['bool']);
    const value = data.value === undefined ? null : this.#expressions.check(file, ['value'], event, ['int', 'double']);
    if (when === null || (data.value !== undefined && value === null)) return null;
    return { event: index, when, value, score: this.#scope.scores.compile(data, file, event, value) };
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
