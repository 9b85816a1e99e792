/** Warnings: what a workspace may say, but hardly means. Few, and only such as nearly always show a mistake. */
import { FILE_START, type IssueList } from './issue-list.ts';
import { lintCampaign, names } from './lint-campaigns.ts';
import { lintOffers } from './lint-offers.ts';
import { lintPolicy } from './lint-policy.ts';
import { lintSchedules } from './lint-schedules.ts';
import { didYouMean } from './suggest.ts';
import type { Campaign, Schedule, Workspace } from './workspace.ts';
import type { WorkspaceFiles } from './workspace-files.ts';

const SCORE_PATH = ['arbitration', 'score'];

/** schedules: the named ones. */
export function lint(
  workspace: Workspace,
  files: WorkspaceFiles,
  schedules: ReadonlyMap<string, Schedule | null>,
  issues: IssueList,
): void {
  const { policy } = files;
  const score = policy?.has(SCORE_PATH) === true ? policy.scalarText(SCORE_PATH) : null;
  lintPolicy(workspace, policy, issues);
  lintProfile(workspace, files, issues);
  lintOffers(workspace, files.offers, issues);
  lintSchedules(workspace, files, schedules, issues);
  const byId = new Map(files.campaigns.map((file) => [file.scalarText(['id']), file]));
  for (const campaign of workspace.campaigns) {
    const file = byId.get(campaign.id);
    if (file !== undefined && (campaign.status === 'live' || campaign.status === 'shadow'))
      lintCampaign(workspace, campaign, score, file, issues);
  }
  const parts = ['value', 'propensity', 'weight'].filter((part) => names(score, part));
  if (policy !== null && parts.length > 0 && files.campaigns.every((file) => !parts.some((part) => file.has([part]))))
    issues.warn(
      policy.name,
      policy.valueMark(SCORE_PATH),
      `no campaign has ${parts.map((part) => `\`${part}\``).join(' or ')}: the score cannot tell them apart by it`,
    );
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
