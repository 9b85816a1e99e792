/** Keys of the interface whose behaviour is not built yet: they are refused by name, never ignored. */
import type { IssueList } from './issue-list.ts';
import type { WorkspaceFiles } from './workspace-files.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

const CAMPAIGN_KEYS: readonly (readonly [YamlPath, string, string])[] = [
  [['wait'], '`wait`', 'the campaign would decide at once; leave it out'],
  [['cascade'], '`cascade`', 'only the first channel that consent and policy allow is tried'],
  [['limits'], '`limits`', 'use `perCustomer` of an offer, `cooldown` or caps for what is counted per customer'],
  [['on', 'schedule'], '`on: {schedule: …}`', 'name an event type'],
];

export function refuseUnsupported(files: WorkspaceFiles, issues: IssueList): void {
  for (const file of files.campaigns) {
    for (const [path, key, instead] of CAMPAIGN_KEYS)
      if (file.has(path)) issues.report(file.name, file.keyMark(path), `${key} is not supported yet: ${instead}`);
    refuseValue(file, ['status'], 'shadow', 'use draft, live or paused', issues);
  }
}

function refuseValue(file: YamlFile, path: YamlPath, value: string, instead: string, issues: IssueList): void {
  if (file.has(path) && file.scalarText(path) === value)
    issues.report(file.name, file.valueMark(path), `\`${path.at(-1)}: ${value}\` is not supported yet: ${instead}`);
}
