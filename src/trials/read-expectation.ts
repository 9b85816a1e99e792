/** What a step expects, held against the campaigns: what could never come is an issue before anything runs. */
import type { SuppressReason } from '../protocol/rejection.ts';
import type { IssueList } from '../workspace/issue-list.ts';
import { nextDueTime } from '../workspace/schedule-times.ts';
import type { DecisionDefinition, ExpectationDefinition } from '../workspace/trial-definition.ts';
import type { Campaign } from '../workspace/workspace.ts';
import type { YamlFile, YamlPath } from '../workspace/yaml-file.ts';
import type { ExpectedDecision, TrialCheck, TrialPlace } from './trial.ts';
import type { TrialScope } from './trial-scope.ts';

/** The step that it stands in. */
export interface ExpectingStep {
  /** Campaigns of the case that are taken as live. */
  readonly live: readonly string[];
  /** Those that `decided` looks at; null: all. */
  readonly campaigns: readonly string[] | null;
  /** null: time passes; undefined: it cannot be told. */
  readonly eventType: string | null | undefined;
  /** The step is what comes after this, up to atMs. */
  readonly sinceMs: number;
  /** null: it cannot be told. */
  readonly atMs: number | null;
}

export class ExpectationReader {
  readonly #scope: TrialScope;
  readonly #file: YamlFile;
  readonly #issues: IssueList;
  readonly #step: ExpectingStep;

  constructor(scope: TrialScope, file: YamlFile, issues: IssueList, step: ExpectingStep) {
    this.#scope = scope;
    this.#file = file;
    this.#issues = issues;
    this.#step = step;
  }

  read(expectation: ExpectationDefinition, path: YamlPath): TrialCheck[] {
    const { decided, suppressed, waiting, unmatched, nothing } = expectation;
    const customer = this.#customerOf(expectation.customer, [...path, 'customer']);
    const checks: TrialCheck[] = [];
    const place = (key: string): TrialPlace => this.#place([...path, key]);
    if (nothing === true) {
      checks.push({ place: place('nothing'), customer, kind: 'nothing' });
      if (decided !== undefined || suppressed !== undefined || waiting !== undefined)
        this.#report([...path, 'nothing'], 'nothing and something: leave one of them out');
    }
    if (decided !== undefined)
      checks.push({
        place: place('decided'),
        customer,
        kind: 'decided',
        decisions: this.#readDecided(decided, [...path, 'decided']),
      });
    for (const id of Object.keys(suppressed ?? {})) {
      const at = [...path, 'suppressed', id];
      this.#campaign(id, at, true);
      const reasons = [suppressed?.[id] as SuppressReason | SuppressReason[]].flat();
      checks.push({ place: this.#place(at), customer, kind: 'suppressed', campaign: id, reasons });
    }
    for (const kind of ['waiting', 'unmatched'] as const)
      for (const { value, at } of entries(kind === 'waiting' ? waiting : unmatched, [...path, kind])) {
        const campaign = this.#campaign(value, at, false);
        if (kind === 'unmatched' && campaign !== null) this.#checkAsked(campaign, at);
        checks.push({ place: this.#place(at), customer, kind, campaign: value });
      }
    return checks;
  }

  #readDecided(decided: DecisionDefinition | readonly DecisionDefinition[], path: YamlPath): ExpectedDecision[] {
    if (!isList(decided)) return [this.#readDecision(decided, path)];
    return decided.map((one, i) => this.#readDecision(one, [...path, i]));
  }

  #readDecision(definition: DecisionDefinition, path: YamlPath): ExpectedDecision {
    if (typeof definition === 'string') {
      this.#looked(this.#campaign(definition, path, false), path);
      return { campaign: definition };
    }
    const { campaign: id, customer, expires, at, ...rest } = definition;
    const campaign = this.#campaign(id, [...path, 'campaign'], false);
    this.#looked(campaign, [...path, 'campaign']);
    if (campaign !== null) this.#checkParts(definition, campaign, path);
    const who = this.#customerOf(customer, [...path, 'customer']);
    return Object.fromEntries(
      Object.entries({
        ...rest,
        campaign: id,
        customer: who,
        expires: typeof expires === 'string' ? this.#time(expires, [...path, 'expires']) : expires,
        at: at === undefined ? undefined : this.#time(at, [...path, 'at']),
      }).filter(([, value]) => value !== undefined),
    ) as unknown as ExpectedDecision;
  }

  /** A decision of it is looked at. */
  #looked(campaign: Campaign | null, path: YamlPath): void {
    const { campaigns, live } = this.#step;
    if (campaign?.status === 'shadow' && !live.includes(campaign.id))
      this.#reportValue(
        path,
        `\`${campaign.id}\` is in shadow, so it is never decided: expect \`suppressed: {${campaign.id}: shadow}\`, or give the case \`live: [${campaign.id}]\``,
      );
    if (campaign === null || campaigns === null || campaigns.includes(campaign.id)) return;
    this.#reportValue(path, `the case is about other campaigns: add \`${campaign.id}\` to its \`campaigns\``);
  }

  /** What a decision of this campaign can have at all. */
  #checkParts(definition: Exclude<DecisionDefinition, string>, campaign: Campaign, path: YamlPath): void {
    const { channel, variant, offer } = definition;
    const { channels, offers } = this.#scope.workspace;
    const named = campaign.channels.map((index) => channels[index] as string);
    if (
      channel !== undefined &&
      this.#scope.channels.resolve(channel, this.#file, [...path, 'channel'], this.#issues) >= 0
    )
      this.#oneOf(channel, named, 'goes by', [...path, 'channel']);
    const own = campaign.offer < 0 ? null : (offers[campaign.offer]?.id ?? null);
    if (offer !== undefined && offer !== own)
      this.#reportValue(
        [...path, 'offer'],
        `\`${campaign.id}\` ${own === null ? 'has no offer' : `has the offer \`${own}\``}`,
      );
    const variants = campaign.variants.map(({ name }) => name);
    if (typeof variant === 'string' && variants.length === 0)
      this.#reportValue([...path, 'variant'], `\`${campaign.id}\` has no variants`);
    else if (typeof variant === 'string') this.#oneOf(variant, variants, 'has the variants', [...path, 'variant']);
  }

  #oneOf(name: string, known: readonly string[], words: string, path: YamlPath): void {
    if (known.includes(name)) return;
    const list = known.map((one) => `\`${one}\``).join(', ');
    this.#reportValue(path, `\`${name}\` cannot come: the campaign ${words} ${list}`);
  }

  /** null: there is none that could be asked. `isKey`: it stands as a key. */
  #campaign(id: string, path: YamlPath, isKey: boolean): Campaign | null {
    const { campaigns } = this.#scope;
    const index = isKey
      ? campaigns.resolveKey(id, this.#file, path, this.#issues)
      : campaigns.resolve(id, this.#file, path, this.#issues);
    const campaign = index < 0 ? undefined : this.#scope.campaign(id);
    if (campaign === undefined) return null;
    const { status } = campaign;
    const asked = status !== 'draft' && status !== 'paused';
    if (asked || this.#step.live.includes(id)) return campaign;
    const what = status === 'draft' ? 'a draft' : status;
    const mark = isKey ? this.#file.keyMark(path) : this.#file.valueMark(path);
    this.#issues.report(
      this.#file.name,
      mark,
      `\`${id}\` is ${what}, so it is never asked: to test it, give the case \`live: [${id}]\``,
    );
    return null;
  }

  /** That it did not match says something only of a campaign that this step asks. */
  #checkAsked(campaign: Campaign, path: YamlPath): void {
    const { eventType, sinceMs, atMs } = this.#step;
    const { clock, zones, workspace } = this.#scope;
    const listensFor = this.#scope.eventTypeOf(campaign);
    if (listensFor !== null) {
      if (listensFor === eventType || eventType === undefined) return;
      const event = eventType === null ? 'this step has no event' : `this step's event is \`${eventType}\``;
      this.#reportValue(path, `\`${campaign.id}\` is not asked here: it listens for \`${listensFor}\`, and ${event}`);
      return;
    }
    if (atMs === null) return;
    const due = campaign.schedule === null ? null : nextDueTime(campaign.schedule, zones, workspace.timezone, sinceMs);
    if (due !== null && due <= atMs) return;
    const next = due === null ? 'never' : `next on ${clock.format(due)}`;
    this.#reportValue(path, `\`${campaign.id}\` is not asked here: its schedule is due ${next}`);
  }

  #customerOf(customer: string | number | null | undefined, path: YamlPath): string | null | undefined {
    return customer === undefined || customer === null ? customer : this.#file.scalarText(path);
  }

  #time(text: string, path: YamlPath): number {
    const ms = this.#scope.clock.parse(text);
    if (ms === null) this.#reportValue(path, `there is no such time since 1970: ${text}`);
    return ms ?? 0;
  }

  #place(path: YamlPath): TrialPlace {
    return { file: this.#file.name, ...this.#file.keyMark(path) };
  }

  #report(path: YamlPath, message: string): void {
    this.#issues.report(this.#file.name, this.#file.keyMark(path), message);
  }

  #reportValue(path: YamlPath, message: string): void {
    this.#issues.report(this.#file.name, this.#file.valueMark(path), message);
  }
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

/** One, or each of a list, with its path. */
function entries(value: string | readonly string[] | undefined, path: YamlPath): { value: string; at: YamlPath }[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return [{ value, at: path }];
  return value.flatMap((one, i) => [{ value: one, at: [...path, i] }]);
}
