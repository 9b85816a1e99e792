/** Warnings: what a workspace may say, but hardly means. Few, and only such as nearly always show a mistake. */
import { FILE_START, type IssueList } from './issue-list.ts';
import { didYouMean } from './suggest.ts';
import { type Campaign, type Cap, Consent, type Validity, type Workspace } from './workspace.ts';
import type { WorkspaceFiles } from './workspace-files.ts';

export function lint(workspace: Workspace, files: WorkspaceFiles, issues: IssueList): void {
  lintPolicy(workspace, files, issues);
  lintProfile(workspace, files, issues);
  const byId = new Map(files.campaigns.map((file) => [file.scalarText(['id']), file]));
  for (const campaign of workspace.campaigns) {
    const file = byId.get(campaign.id);
    if (file === undefined || campaign.status !== 'live') continue;
    const warn = (path: readonly (string | number)[], message: string): void =>
      issues.warn(file.name, file.valueMark(path), message);
    if (campaign.holdout === 1) warn(['holdout'], 'everyone is held out: the campaign never decides');
    const offer = workspace.offers[campaign.offer];
    if (offer !== undefined && !overlap(campaign.valid, offer.valid))
      warn(['offer'], `the campaign and its offer \`${offer.id}\` are never valid at the same time: it never decides`);
    const stop = campaign.channels.findIndex((channel) => alwaysAllowed(workspace, channel));
    const never = campaign.channels[stop + 1];
    if (stop >= 0 && never !== undefined)
      warn(
        ['channels', stop + 1],
        `\`${workspace.channels[never]}\` is never chosen: \`${workspace.channels[campaign.channels[stop] as number]}\` before it needs no consent and has neither caps nor quiet hours`,
      );
  }
  if (workspace.campaigns.every((campaign) => campaign.status !== 'live'))
    issues.warn(
      'workspace.yaml',
      FILE_START,
      workspace.campaigns.length === 0
        ? 'there are no campaigns: nothing will be decided'
        : 'no campaign is live: nothing will be decided',
    );
  lintTemplates(workspace, files, issues);
}

/** Anonymous events aside, nothing can keep a decision from this channel. */
function alwaysAllowed({ policy }: Workspace, channel: number): boolean {
  const { consent, caps, quietHours } = policy;
  const quiet =
    quietHours !== null && quietHours.fromMinute !== quietHours.toMinute && quietHours.channels.includes(channel);
  return (
    consent[channel] === Consent.noneNeeded &&
    !quiet &&
    !caps.some((cap) => cap.channels === null || cap.channels.includes(channel))
  );
}

function overlap(a: Validity, b: Validity): boolean {
  return (
    Math.max(a.fromMs ?? Number.NEGATIVE_INFINITY, b.fromMs ?? Number.NEGATIVE_INFINITY) <
    Math.min(a.toMs ?? Number.POSITIVE_INFINITY, b.toMs ?? Number.POSITIVE_INFINITY)
  );
}

function lintPolicy({ policy }: Workspace, { policy: file }: WorkspaceFiles, issues: IssueList): void {
  if (file === null) return;
  const { caps, quietHours } = policy;
  if (quietHours !== null && quietHours.fromMinute === quietHours.toMinute)
    issues.warn(file.name, file.keyMark(['quietHours']), '`from` equals `to`: there are no quiet hours');
  caps.forEach((cap, i) => {
    // As many or fewer over as long or longer, on the same channels or more: then this one has nothing left to stop.
    const stricter = caps.find((other, j) => {
      const equal = other.max === cap.max && other.perMs === cap.perMs && countsAll(cap, other);
      return i !== j && countsAll(other, cap) && other.max <= cap.max && other.perMs >= cap.perMs && (!equal || j < i);
    });
    if (stricter !== undefined)
      issues.warn(
        file.name,
        file.keyMark(['caps', i]),
        `cap \`${cap.name}\` never binds: \`${stricter.name}\` is at least as strict`,
      );
  });
}

/** What counts for `part` counts for `whole` as well. */
function countsAll(whole: Cap, part: Cap): boolean {
  const within = <T>(all: readonly T[] | null, some: readonly T[] | null): boolean =>
    all === null || some?.every((each) => all.includes(each)) === true;
  return (
    within(whole.channels, part.channels) &&
    within(whole.groups, part.groups) &&
    within(whole.categories, part.categories)
  );
}

function lintProfile({ attributes, zones }: Workspace, { profile: file }: WorkspaceFiles, issues: IssueList): void {
  const timezone = attributes.find((attribute) => attribute.name === 'timezone');
  if (file === null || timezone === undefined) return;
  const path = ['attributes', 'timezone'];
  const { type, default: value } = timezone;
  if (type !== 'string')
    issues.warn(
      file.name,
      file.valueMark([...path, 'type']),
      "quiet hours go by a customer's `timezone` only if it is a string such as Europe/Paris",
    );
  else if (typeof value === 'string' && !Object.hasOwn(zones.zones, value))
    issues.warn(
      file.name,
      file.valueMark([...path, 'default']),
      `unknown time zone \`${value}\`${didYouMean(value, Object.keys(zones.zones))}`,
    );
}

function lintTemplates({ templates, campaigns }: Workspace, files: WorkspaceFiles, issues: IssueList): void {
  const used = new Set(
    campaigns.flatMap((campaign: Campaign) => [
      campaign.template,
      ...campaign.variants.map((variant) => variant.template),
    ]),
  );
  templates.forEach((template, index) => {
    if (!used.has(index) && files.templates.length > 0)
      issues.warn(`templates/${template.name}.yaml`, FILE_START, `no campaign uses the template \`${template.name}\``);
  });
}
