/** policy.yaml: consent, contact policy, quiet hours, arbitration. Without the file every channel is opt-in and nothing else is restricted. */
import { CAPS_MAX, EXCLUSIONS_MAX } from '../constants.ts';
import { parsePercentage, parseTimeOfDay } from './definition-parts.ts';
import { type PolicyDefinition, policyDefinition } from './definitions.ts';
import { parseDuration } from './duration.ts';
import type { IssueList } from './issue-list.ts';
import type { Names } from './references.ts';
import { validate } from './validate.ts';
import { type Attribute, type Cap, Consent, type Exclusion, type Policy, type QuietHours } from './workspace.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

/** What a policy may refer to. */
export interface PolicyScope {
  readonly channels: Names;
  readonly campaigns: Names;
  readonly attributes: readonly Attribute[];
}

export function compilePolicy(file: YamlFile | null, scope: PolicyScope, issues: IssueList): Policy {
  const { channels, attributes } = scope;
  const timezoneSlot =
    attributes.find((attribute) => attribute.name === 'timezone' && attribute.type === 'string')?.slot ?? -1;
  const data = file === null ? null : validate(policyDefinition, file, issues);
  if (file === null || data === null)
    return {
      consent: Array.from(channels.all, () => Consent.optIn),
      caps: [],
      quietHours: null,
      exclusions: [],
      holdout: { share: 0, categories: null },
      pick: 1,
      slots: Array.from(channels.all, () => null),
      timezoneSlot,
    };
  const compiler = new PolicyCompiler(data, file, scope, issues);
  return {
    consent: compiler.consent(),
    caps: [...compiler.caps(), ...compiler.gap()],
    quietHours: compiler.quietHours(),
    exclusions: compiler.exclusions(),
    holdout: compiler.holdout(),
    pick: data.arbitration?.pick ?? 1,
    slots: compiler.slots(),
    timezoneSlot,
  };
}

class PolicyCompiler {
  readonly #data: PolicyDefinition;
  readonly #file: YamlFile;
  readonly #scope: PolicyScope;
  readonly #issues: IssueList;

  constructor(data: PolicyDefinition, file: YamlFile, scope: PolicyScope, issues: IssueList) {
    this.#data = data;
    this.#file = file;
    this.#scope = scope;
    this.#issues = issues;
  }

  consent(): Consent[] {
    const { channels } = this.#scope;
    const consent: Consent[] = Array.from(channels.all, () => Consent.optIn);
    for (const name of this.#file.keys(['consent'])) {
      const channel = channels.resolveKey(name, this.#file, ['consent', name], this.#issues);
      if (channel >= 0) consent[channel] = this.#data.consent?.[name] ?? Consent.optIn;
    }
    return consent;
  }

  caps(): Cap[] {
    const caps = this.#data.caps ?? [];
    this.#checkNames('cap', 'caps', caps, CAPS_MAX);
    return caps.map((cap, i): Cap => {
      const path = ['caps', i];
      const { reserved } = cap;
      if (reserved !== undefined && reserved.max > cap.max)
        this.#reportValue(
          [...path, 'reserved', 'max'],
          `more is reserved than there is: \`max\` of the cap is ${cap.max}`,
        );
      return {
        name: cap.name,
        max: cap.max,
        perMs: parseDuration(cap.per) ?? 0,
        channels: this.#channels(cap.channels, [...path, 'channels']),
        groups: this.#words(cap.groups, [...path, 'groups']),
        categories: this.#words(cap.categories, [...path, 'categories']),
        reserved: reserved ?? null,
        isGap: false,
      };
    });
  }

  /** One message at most in a window as long as the gap. */
  gap(): Cap[] {
    const { gap } = this.#data;
    if (gap === undefined) return [];
    return [
      {
        name: 'gap',
        max: 1,
        perMs: parseDuration(gap.min) ?? 0,
        channels: this.#channels(gap.channels, ['gap', 'channels']),
        groups: null,
        categories: this.#words(gap.categories, ['gap', 'categories']),
        reserved: null,
        isGap: true,
      },
    ];
  }

  exclusions(): Exclusion[] {
    const exclusions = this.#data.exclusions ?? [];
    this.#checkNames('exclusion', 'exclusions', exclusions, EXCLUSIONS_MAX);
    return exclusions.map(({ name, per, campaigns = [], groups }, i) => {
      const path = ['exclusions', i, 'campaigns'];
      this.#scope.campaigns.resolveList(campaigns, this.#file, path, this.#issues);
      return {
        name,
        perMs: parseDuration(per) ?? 0,
        campaigns,
        groups: this.#words(groups, ['exclusions', i, 'groups']) ?? [],
      };
    });
  }

  holdout(): Policy['holdout'] {
    const { holdout } = this.#data;
    if (holdout === undefined) return { share: 0, categories: null };
    if (typeof holdout === 'string') return { share: parsePercentage(holdout), categories: null };
    const categories = this.#words(holdout.categories, ['holdout', 'categories']);
    return { share: parsePercentage(holdout.share), categories };
  }

  quietHours(): QuietHours | null {
    const { quietHours } = this.#data;
    if (quietHours === undefined) return null;
    const all = Array.from({ length: this.#scope.channels.size }, (_, i) => i);
    return {
      fromMinute: parseTimeOfDay(quietHours.from),
      toMinute: parseTimeOfDay(quietHours.to),
      channels: this.#channels(quietHours.channels, ['quietHours', 'channels']) ?? all,
      defer: quietHours.then === 'defer',
    };
  }

  slots(): Policy['slots'] {
    const { channels } = this.#scope;
    const slots: (readonly string[] | null)[] = Array.from(channels.all, () => null);
    const path = ['arbitration', 'slots'];
    for (const name of this.#file.keys(path)) {
      const channel = channels.resolveKey(name, this.#file, [...path, name], this.#issues);
      const names = this.#words(this.#data.arbitration?.slots?.[name], [...path, name]);
      if (channel >= 0) slots[channel] = names;
    }
    return slots;
  }

  #channels(names: readonly string[] | undefined, path: YamlPath): readonly number[] | null {
    return names === undefined ? null : this.#scope.channels.resolveList(names, this.#file, path, this.#issues);
  }

  /** Names that nothing declares, each at most once. */
  #words(names: readonly string[] | undefined, path: YamlPath): readonly string[] | null {
    names?.forEach((name, i) => {
      if (names.indexOf(name) < i) this.#reportValue([...path, i], `\`${name}\` is given twice`);
    });
    return names ?? null;
  }

  #checkNames(what: string, key: string, entries: readonly { readonly name: string }[], max: number): void {
    const names = new Map<string, number>();
    entries.forEach(({ name }, i) => {
      if (i === max)
        this.#issues.report(this.#file.name, this.#file.keyMark([key, i]), `too many ${key}: at most ${max}`);
      const first = names.get(name);
      if (first === undefined) names.set(name, i);
      else
        this.#reportValue(
          [key, i, 'name'],
          `\`${name}\` is already the name of the ${what} on line ${this.#file.keyMark([key, first]).line}`,
        );
    });
  }

  #reportValue(path: YamlPath, message: string): void {
    this.#issues.report(this.#file.name, this.#file.valueMark(path), message);
  }
}
