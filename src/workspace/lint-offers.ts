/** Warnings about offers.yaml. */
import type { IssueList } from './issue-list.ts';
import type { Workspace } from './workspace.ts';
import type { YamlFile } from './yaml-file.ts';

export function lintOffers({ offers, campaigns }: Workspace, file: YamlFile | null, issues: IssueList): void {
  if (file === null) return;
  offers.forEach((offer, index) => {
    const { id, budget } = offer;
    if (budget === 0) issues.warn(file.name, file.valueMark([id, 'budget']), 'the budget is 0: it is never given');
    if (!offer.returnsUnused) return;
    const mark = file.valueMark([id, 'unused']);
    const limited = campaigns.some(
      (campaign) => campaign.offer === index && (campaign.limits.total !== null || campaign.limits.perDay !== null),
    );
    if (offer.expires === null) issues.warn(file.name, mark, 'nothing comes back: the offer has no `expires`');
    else if (budget === null && !limited)
      issues.warn(file.name, mark, 'nothing comes back: neither the offer nor a campaign with it is limited');
  });
}
