/** Which files make up a workspace: each path is recognised, measured and parsed; what is not part of a workspace is an issue. */
import {
  CAMPAIGNS_MAX,
  TEMPLATES_MAX,
  WORKSPACE_BYTES_MAX,
  WORKSPACE_FILE_BYTES_MAX,
  WORKSPACE_STRANGERS_TOLD,
} from '../constants.ts';
import { idFault } from './definition-parts.ts';
import { FILE_START, type IssueList } from './issue-list.ts';
import { Names } from './references.ts';
import { didYouMean } from './suggest.ts';
import { YamlFile } from './yaml-file.ts';

/** null: there is no such file, or it is no YAML (then that is reported). */
export interface WorkspaceFiles {
  readonly workspace: YamlFile | null;
  readonly profile: YamlFile | null;
  readonly events: YamlFile | null;
  readonly offers: YamlFile | null;
  readonly policy: YamlFile | null;
  readonly models: YamlFile | null;
  /** By path. */
  readonly campaigns: readonly YamlFile[];
  /** False where one of them is left out, since it cannot be read. */
  readonly campaignsComplete: boolean;
  readonly templates: readonly YamlFile[];
}

const SINGLE_FILES = [
  'workspace.yaml',
  'profile.yaml',
  'events.yaml',
  'offers.yaml',
  'policy.yaml',
  'models.yaml',
] as const;
const CAMPAIGNS = 'campaigns/';
const TEMPLATES = 'templates/';
export const WORKSPACE_HOLDS = `${SINGLE_FILES.join(', ')}, ${CAMPAIGNS}*.yaml and ${TEMPLATES}*.yaml`;

export function parseWorkspaceFiles(files: Readonly<Record<string, string>>, issues: IssueList): WorkspaceFiles {
  const single = new Map<string, YamlFile | null>();
  const campaigns: YamlFile[] = [];
  const templates: YamlFile[] = [];
  let bytes = 0;
  let [campaignCount, templateCount] = [0, 0];
  const strangers: { readonly path: string; readonly fault: string }[] = [];
  for (const path of Object.keys(files).toSorted()) {
    // Over HTTP anything may come.
    const text: unknown = files[path];
    const folder = path.startsWith(CAMPAIGNS) ? CAMPAIGNS : path.startsWith(TEMPLATES) ? TEMPLATES : '';
    const fault = pathFault(path, folder);
    if (fault !== null) {
      strangers.push({ path, fault });
      continue;
    }
    if (typeof text !== 'string') {
      issues.report(path, FILE_START, 'expected the text of the file');
      continue;
    }
    const size = Buffer.byteLength(text);
    bytes += size;
    if (folder === CAMPAIGNS && campaignCount++ === CAMPAIGNS_MAX)
      issues.report(path, FILE_START, `too many campaigns: at most ${CAMPAIGNS_MAX}`);
    if (folder === TEMPLATES && templateCount++ === TEMPLATES_MAX)
      issues.report(path, FILE_START, `too many templates: at most ${TEMPLATES_MAX}`);
    if (size > WORKSPACE_FILE_BYTES_MAX) {
      issues.report(path, FILE_START, `the file is too large: ${size} bytes, at most ${WORKSPACE_FILE_BYTES_MAX}`);
      continue;
    }
    if (bytes > WORKSPACE_BYTES_MAX) {
      issues.report(
        path,
        FILE_START,
        `the workspace is too large: with this file more than ${WORKSPACE_BYTES_MAX} bytes`,
      );
      break;
    }
    const file = YamlFile.parse(path, text, issues);
    if (folder === '') single.set(path, file);
    else if (file !== null) (folder === CAMPAIGNS ? campaigns : templates).push(file);
  }
  reportStrangers(strangers, issues);
  if (files['workspace.yaml'] === undefined)
    issues.report('workspace.yaml', FILE_START, 'missing file: it names the workspace, its time zone and its channels');
  const of = (name: (typeof SINGLE_FILES)[number]): YamlFile | null => single.get(name) ?? null;
  return {
    workspace: of('workspace.yaml'),
    profile: of('profile.yaml'),
    events: of('events.yaml'),
    offers: of('offers.yaml'),
    policy: of('policy.yaml'),
    models: of('models.yaml'),
    campaigns,
    campaignsComplete: campaigns.length === campaignCount,
    templates,
  };
}

/** What policy.yaml may call campaigns, whatever else is wrong with them. */
export function campaignIds({ campaigns, campaignsComplete }: WorkspaceFiles): Names {
  const ids = campaigns.map((file) => file.scalarText(['id']));
  return new Names('campaign', 'campaigns/', campaignsComplete, ids);
}

/** `campaigns/hearts.yaml` → `hearts`. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.yaml$/, '');
}

/** The last one that is told says how many more there are. */
function reportStrangers(
  strangers: readonly { readonly path: string; readonly fault: string }[],
  issues: IssueList,
): void {
  const more = strangers.length - WORKSPACE_STRANGERS_TOLD;
  const rest = `; and ${more} more ${more === 1 ? 'file that is' : 'files that are'} no part of a workspace`;
  for (const [index, { path, fault }] of strangers.slice(0, WORKSPACE_STRANGERS_TOLD).entries())
    issues.report(path, FILE_START, more > 0 && index === WORKSPACE_STRANGERS_TOLD - 1 ? `${fault}${rest}` : fault);
}

function pathFault(path: string, folder: string): string | null {
  if (folder === '') {
    if ((SINGLE_FILES as readonly string[]).includes(path)) return null;
    if (path.startsWith('tests/')) return 'campaign tests are not part of what is published: leave `tests/` out';
    const near = didYouMean(path, [
      ...SINGLE_FILES,
      `${CAMPAIGNS}${baseName(path)}.yaml`,
      `${TEMPLATES}${baseName(path)}.yaml`,
    ]);
    return `unknown file${near === '' ? `: a workspace holds ${WORKSPACE_HOLDS}` : near}`;
  }
  const name = path.slice(folder.length);
  if (name.includes('/')) return `folders inside ${folder} are not supported: put the file into ${folder} itself`;
  if (/\.yml$/.test(name)) return 'a file of a workspace ends in .yaml, not .yml';
  if (!name.endsWith('.yaml')) return `unknown file: ${folder} holds *.yaml`;
  return folder === TEMPLATES ? idFault(baseName(path)) : null;
}
