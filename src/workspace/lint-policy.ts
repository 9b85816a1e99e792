/** Warnings about policy.yaml: rules that stop nothing or everything, and names that no campaign has. */
import { countsAll, countsFor } from './cap-scope.ts';
import type { IssueList } from './issue-list.ts';
import { didYouMean } from './suggest.ts';
import type { Cap, Workspace } from './workspace.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

export function lintPolicy(workspace: Workspace, file: YamlFile | null, issues: IssueList): void {
  if (file === null) return;
  const { policy } = workspace;
  if (policy.quietHours !== null && policy.quietHours.fromMinute === policy.quietHours.toMinute)
    issues.warn(file.name, file.keyMark(['quietHours']), '`from` equals `to`: there are no quiet hours');
  if (policy.holdout.share === 1 && policy.holdout.categories === null)
    issues.warn(file.name, file.valueMark(['holdout']), 'everyone is held out: nothing will be decided');
  lintCaps(workspace, file, issues);
  lintNames(workspace, file, issues);
  lintExclusions(workspace, file, issues);
  lintSlots(workspace, file, issues);
}

function lintCaps({ policy: { caps }, campaigns }: Workspace, file: YamlFile, issues: IssueList): void {
  const live = campaigns.filter((campaign) => campaign.status === 'live');
  caps.forEach((cap, i) => {
    const path: YamlPath = cap.isGap ? ['gap'] : ['caps', i];
    const stricter = caps.find((other, j) => i !== j && isStricter(other, cap, j < i));
    if (stricter !== undefined)
      issues.warn(
        file.name,
        file.keyMark(path),
        `${title(cap)} never binds: ${stricter.isGap ? 'the gap' : `\`${stricter.name}\``} is at least as strict`,
      );
    const { reserved } = cap;
    if (reserved === null) return;
    const counted = live.filter((campaign) => countsFor(cap, campaign));
    if (counted.length > 0 && counted.every((campaign) => campaign.priority < reserved.priority))
      issues.warn(
        file.name,
        file.valueMark([...path, 'reserved', 'priority']),
        `no campaign has priority ${reserved.priority} or more: what is reserved is never used`,
      );
    else if (reserved.max === cap.max && counted.some((campaign) => campaign.priority < reserved.priority))
      issues.warn(
        file.name,
        file.valueMark([...path, 'reserved', 'max']),
        `all of \`${cap.name}\` is reserved: campaigns of a lower priority than ${reserved.priority} never decide`,
      );
  });
}

function title(cap: Cap): string {
  return cap.isGap ? 'the gap' : `cap \`${cap.name}\``;
}

/** As few over as long, counting all that the other counts: then the other has nothing left to stop. Of two alike, `first` decides. */
function isStricter(cap: Cap, other: Cap, first: boolean): boolean {
  const places = other.max - (other.reserved?.max ?? 0);
  if (!countsAll(cap, other) || cap.max > places || cap.perMs < other.perMs) return false;
  const alike = cap.max === other.max && cap.perMs === other.perMs && countsAll(other, cap);
  return !alike || cap.reserved !== null || first;
}

/** Groups and categories are declared by the campaigns that have them: a name that none has is misspelt, or nothing goes by it any more. */
function lintNames({ policy, campaigns }: Workspace, file: YamlFile, issues: IssueList): void {
  const named = (name: string | null): readonly string[] => (name === null ? [] : [name]);
  const groups = new Set(campaigns.flatMap((campaign) => named(campaign.group)));
  const categories = new Set(campaigns.flatMap((campaign) => named(campaign.category)));
  const check = (what: string, known: ReadonlySet<string>, names: readonly string[] | null, path: YamlPath): void =>
    names?.forEach((name, i) => {
      if (!known.has(name))
        issues.warn(
          file.name,
          file.valueMark([...path, i]),
          `no campaign has the ${what} \`${name}\`${didYouMean(name, known)}`,
        );
    });
  policy.caps.forEach((cap, i) => {
    const path: YamlPath = cap.isGap ? ['gap'] : ['caps', i];
    check('group', groups, cap.groups, [...path, 'groups']);
    check('category', categories, cap.categories, [...path, 'categories']);
  });
  policy.exclusions.forEach((exclusion, i) => {
    check('group', groups, exclusion.groups, ['exclusions', i, 'groups']);
  });
  check('category', categories, policy.holdout.categories, ['holdout', 'categories']);
}

function lintExclusions({ policy, campaigns }: Workspace, file: YamlFile, issues: IssueList): void {
  const groups = new Set(campaigns.map((campaign) => campaign.group));
  policy.exclusions.forEach((exclusion, i) => {
    // A group that no campaign has is warned of already.
    if (exclusion.groups.some((group) => !groups.has(group))) return;
    const members = campaigns.filter(
      ({ id, group }) => exclusion.campaigns.includes(id) || (group !== null && exclusion.groups.includes(group)),
    );
    if (members.length < 2)
      issues.warn(
        file.name,
        file.keyMark(['exclusions', i]),
        `\`${exclusion.name}\` excludes nothing: it needs two campaigns, and only \`${members[0]?.id}\` is one of them`,
      );
  });
}

function lintSlots({ policy, channels }: Workspace, file: YamlFile, issues: IssueList): void {
  policy.slots.forEach((slots, channel) => {
    if (slots !== null && slots.length > policy.pick)
      issues.warn(
        file.name,
        file.valueMark(['arbitration', 'slots', channels[channel] as string]),
        `${policy.pick === 1 ? 'one campaign wins per event, so at most one of these' : `${policy.pick} campaigns win per event, so at most ${policy.pick} of these`} ${slots.length} slots ${policy.pick === 1 ? 'is' : 'are'} taken: raise \`pick\``,
      );
  });
}
