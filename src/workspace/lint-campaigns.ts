/** Warnings about one campaign that is live or in shadow: what of it never happens. */
import { countsFor, countsOn } from './cap-scope.ts';
import { formatDuration } from './duration.ts';
import type { IssueList } from './issue-list.ts';
import { type Campaign, Consent, type Validity, type Workspace } from './workspace.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

/** score: the text of policy.yaml's; null: there is none. */
export function lintCampaign(
  workspace: Workspace,
  campaign: Campaign,
  score: string | null,
  file: YamlFile,
  issues: IssueList,
): void {
  const warn = (path: YamlPath, message: string): void => issues.warn(file.name, file.valueMark(path), message);
  if (campaign.holdout === 1) warn(['holdout'], 'everyone is held out: the campaign never decides');
  const offer = workspace.offers[campaign.offer];
  if (offer !== undefined && !overlap(campaign.valid, offer.valid))
    warn(['offer'], `the campaign and its offer \`${offer.id}\` are never valid at the same time: it never decides`);
  const stop = campaign.channels.findIndex((channel) => alwaysAllowed(workspace, campaign, channel));
  const never = campaign.channels[stop + 1];
  if (stop >= 0 && never !== undefined && campaign.cascade === null)
    warn(
      ['channels', stop + 1],
      `\`${workspace.channels[never]}\` is never chosen: \`${workspace.channels[campaign.channels[stop] as number]}\` before it needs no consent and has neither caps nor quiet hours`,
    );
  const { total, perDay } = campaign.limits;
  if (total === 0) warn(['limits', 'total'], 'the limit is 0: the campaign never decides');
  else if (perDay === 0) warn(['limits', 'perDay'], 'the limit is 0: the campaign never decides');
  else if (total !== null && perDay !== null && perDay >= total)
    warn(['limits', 'perDay'], `\`perDay\` never binds: \`total\` is ${perDay === total ? 'as' : 'more'} strict`);
  lintWait(campaign, warn);
  lintCascade(workspace, campaign, warn);
  for (const part of ['propensity', 'weight'])
    if (file.has([part]) && !names(score, part))
      warn(
        [part],
        `\`${part}\` changes nothing: ${score === null ? 'policy.yaml has no `score`' : 'the `score` of policy.yaml does not name it'}`,
      );
}

type Warn = (path: YamlPath, message: string) => void;

/** The score reads a part by its plain name; a field may be called the same. */
export function names(score: string | null, part: string): boolean {
  return score !== null && new RegExp(`(?<![\\w.])${part}\\b`).test(score);
}

function lintWait({ wait, valid }: Campaign, warn: Warn): void {
  if (wait === null || !('afterMs' in wait.deadline) || valid.fromMs === null || valid.toMs === null) return;
  if (wait.deadline.afterMs >= valid.toMs - valid.fromMs)
    warn(['wait', 'for'], 'it waits longer than the campaign is valid: it never decides');
}

/** A follow-up that the message before it always stops. */
function lintCascade({ policy, channels }: Workspace, campaign: Campaign, warn: Warn): void {
  const { cascade } = campaign;
  if (cascade === null) return;
  const { quietHours } = policy;
  /** Then it may come later than `after`. */
  const deferred = (channel: number): boolean => quietHours?.defer === true && quietHours.channels.includes(channel);
  for (const cap of policy.caps) {
    if (cap.max > 1 || cap.perMs <= cascade.afterMs || !countsFor(cap, campaign)) continue;
    const next = campaign.channels.findIndex(
      (channel, i) =>
        i > 0 && countsOn(cap, channel) && countsOn(cap, campaign.channels[i - 1] as number) && !deferred(channel),
    );
    if (next < 0) continue;
    const rule = cap.isGap ? 'the gap of policy.yaml' : `cap \`${cap.name}\``;
    warn(
      ['cascade', 'after'],
      `\`${channels[campaign.channels[next] as number]}\` comes only where the message before it failed: ${rule} allows one in ${formatDuration(cap.perMs)}`,
    );
    return;
  }
}

/** Anonymous events aside, nothing can keep a decision from this channel. */
function alwaysAllowed({ policy }: Workspace, campaign: Campaign, channel: number): boolean {
  const { consent, caps, quietHours } = policy;
  const quiet =
    quietHours !== null && quietHours.fromMinute !== quietHours.toMinute && quietHours.channels.includes(channel);
  return (
    consent[channel] === Consent.noneNeeded &&
    policy.slots[channel] === null &&
    !quiet &&
    !caps.some((cap) => countsOn(cap, channel) && countsFor(cap, campaign))
  );
}

function overlap(a: Validity, b: Validity): boolean {
  return (
    Math.max(a.fromMs ?? Number.NEGATIVE_INFINITY, b.fromMs ?? Number.NEGATIVE_INFINITY) <
    Math.min(a.toMs ?? Number.POSITIVE_INFINITY, b.toMs ?? Number.POSITIVE_INFINITY)
  );
}
