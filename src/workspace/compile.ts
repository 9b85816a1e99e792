/**
 * A folder's files → a workspace version, or everything that is wrong with them. Runs on the control plane; the result is plain JSON.
 * What hangs on a faulty file is not judged: one misspelt type must not make a hundred campaigns look wrong.
 */
import { COLUMN_STRIPS_MAX } from '../constants.ts';
import { compileCampaigns } from './compile-campaigns.ts';
import { compileEvents } from './compile-events.ts';
import { compileModels } from './compile-models.ts';
import { compileOffers } from './compile-offers.ts';
import { compilePolicy } from './compile-policy.ts';
import { compileProfile } from './compile-profile.ts';
import { Scores } from './compile-scores.ts';
import { compileSettings } from './compile-settings.ts';
import { compileTemplates } from './compile-templates.ts';
import { CompiledSize } from './compiled-size.ts';
import { IssueList } from './issue-list.ts';
import { lint } from './lint.ts';
import { WORKSPACE_FORMAT, type Workspace, type WorkspaceIssue } from './workspace.ts';
import { campaignIds, parseWorkspaceFiles } from './workspace-files.ts';
import { zoneTable } from './zone-table.ts';

export type CompiledWorkspace =
  | { readonly workspace: Workspace; readonly warnings: readonly WorkspaceIssue[] }
  | { readonly issues: readonly WorkspaceIssue[]; readonly warnings: readonly WorkspaceIssue[] };

/** files: path within the folder, with forward slashes → text. The workspace has version 0: the control plane gives it its number when it is published. `columnBits`: room for the profile, where it is known for which partitions. */
export function compileWorkspace(
  files: Readonly<Record<string, string>>,
  columnBits: number = COLUMN_STRIPS_MAX,
): CompiledWorkspace {
  const issues = new IssueList();
  const parsed = parseWorkspaceFiles(files, issues);
  const given = (path: string): boolean => files[path] !== undefined;
  const settings = compileSettings(parsed.workspace, issues);
  const events = compileEvents(parsed.events, given('events.yaml'), issues);
  const profile = compileProfile(parsed.profile, given('profile.yaml'), events, columnBits, issues);
  const offers = compileOffers(parsed.offers, given('offers.yaml'), settings, issues);
  const policy = compilePolicy(
    parsed.policy,
    { channels: settings.channels, campaigns: campaignIds(parsed), attributes: profile.attributes },
    issues,
  );
  const templates = compileTemplates(parsed.templates, Object.keys(files), settings.channels, issues);
  const judges = events.complete && profile.complete;
  const models = compileModels(parsed.models, given('models.yaml'), judges ? profile.schema : null, issues);
  const scores = new Scores(parsed.policy, profile.schema, models, issues);
  const judged = issues.has('policy.yaml') ? null : policy;
  const scope = { settings, events, profile, offers, policy: judged, templates, scores };
  const size = new CompiledSize(issues);
  const campaigns = compileCampaigns(parsed.campaigns, scope, size, issues);
  scores.report();
  const checkedTemplates = templates.check(campaigns, profile, issues);
  if (!issues.empty) return { issues: issues.issues, warnings: issues.warnings };
  const workspace: Workspace = {
    format: WORKSPACE_FORMAT,
    version: 0,
    name: settings.name,
    files: { ...files },
    timezone: settings.timezone,
    latenessMs: settings.latenessMs,
    zones: zoneTable(),
    channels: [...settings.channels.all],
    schema: profile.schema,
    attributes: profile.attributes,
    aggregates: profile.aggregates,
    segments: profile.segments,
    offers: offers.compiled,
    policy,
    templates: checkedTemplates,
    campaigns: campaigns.map(({ campaign }) => campaign),
    feedbackEvent: events.schemas.length - 1,
    shares: {},
  };
  size.checkWhole(workspace);
  if (!issues.empty) return { issues: issues.issues, warnings: issues.warnings };
  lint(workspace, parsed, settings.schedules.compiled, issues);
  return { workspace, warnings: issues.warnings };
}
