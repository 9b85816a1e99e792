/** policy.yaml: consent, caps, quiet hours, arbitration. Without the file every channel is opt-in and nothing else is restricted. */
import { CAPS_MAX } from '../constants.ts';
import { parseTimeOfDay } from './definition-parts.ts';
import { type PolicyDefinition, policyDefinition } from './definitions.ts';
import { parseDuration } from './duration.ts';
import type { IssueList } from './issue-list.ts';
import type { Names } from './references.ts';
import { validate } from './validate.ts';
import { type Attribute, type Cap, Consent, type Policy, type QuietHours } from './workspace.ts';
import type { YamlFile } from './yaml-file.ts';

export function compilePolicy(
  file: YamlFile | null,
  channels: Names,
  attributes: readonly Attribute[],
  issues: IssueList,
): Policy {
  const timezoneSlot =
    attributes.find((attribute) => attribute.name === 'timezone' && attribute.type === 'string')?.slot ?? -1;
  const optIn = Array.from(channels.all, () => Consent.optIn);
  const data = file === null ? null : validate(policyDefinition, file, issues);
  const nothing: Policy = {
    consent: optIn,
    caps: [],
    exclusions: [],
    holdout: { share: 0, categories: null },
    quietHours: null,
    pick: 1,
    slots: Array.from(channels.all, () => null),
    timezoneSlot,
  };
  if (file === null || data === null) return nothing;
  return {
    ...nothing,
    consent: compileConsent(data, file, channels, optIn, issues),
    caps: compileCaps(data, file, channels, issues),
    quietHours: compileQuietHours(data, file, channels, issues),
    pick: data.arbitration?.pick ?? 1,
  };
}

function compileConsent(
  data: PolicyDefinition,
  file: YamlFile,
  channels: Names,
  optIn: readonly Consent[],
  issues: IssueList,
): Consent[] {
  const consent = [...optIn];
  for (const name of file.keys(['consent'])) {
    const channel = channels.resolveKey(name, file, ['consent', name], issues);
    if (channel >= 0) consent[channel] = data.consent?.[name] ?? Consent.optIn;
  }
  return consent;
}

function compileCaps(data: PolicyDefinition, file: YamlFile, channels: Names, issues: IssueList): Cap[] {
  const names = new Map<string, number>();
  return (data.caps ?? []).map((cap, i) => {
    if (i === CAPS_MAX) issues.report(file.name, file.keyMark(['caps', i]), `too many caps: at most ${CAPS_MAX}`);
    const first = names.get(cap.name);
    if (first !== undefined)
      issues.report(
        file.name,
        file.valueMark(['caps', i, 'name']),
        `\`${cap.name}\` is already the name of the cap on line ${file.keyMark(['caps', first]).line}`,
      );
    else names.set(cap.name, i);
    const indices =
      cap.channels === undefined ? null : channels.resolveList(cap.channels, file, ['caps', i, 'channels'], issues);
    return {
      name: cap.name,
      max: cap.max,
      perMs: parseDuration(cap.per) ?? 0,
      channels: indices,
      groups: null,
      categories: null,
      reserved: null,
      isGap: false,
    };
  });
}

function compileQuietHours(
  data: PolicyDefinition,
  file: YamlFile,
  channels: Names,
  issues: IssueList,
): QuietHours | null {
  const { quietHours } = data;
  if (quietHours === undefined) return null;
  const indices =
    quietHours.channels === undefined
      ? Array.from({ length: channels.size }, (_, i) => i)
      : channels.resolveList(quietHours.channels, file, ['quietHours', 'channels'], issues);
  return {
    fromMinute: parseTimeOfDay(quietHours.from),
    toMinute: parseTimeOfDay(quietHours.to),
    channels: indices,
    defer: quietHours.then === 'defer',
  };
}
