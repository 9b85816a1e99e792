/** What all that decides shares: rounds, winners that waited for units, follow-ups. */

import { Reason } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { PendingKind } from '../time/pending-kind.ts';
import type { Trigger } from '../time/trigger.ts';
import type { ContactHistory } from './contact-history.ts';
import type { DecidePorts } from './decide-ports.ts';
import type { DecisionMaker } from './decision-maker.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { Slots } from './slots.ts';

export interface DecideParts {
  readonly active: ActiveWorkspace;
  readonly ports: DecidePorts;
  readonly moment: Moment;
  readonly policy: Policy;
  readonly history: ContactHistory;
  readonly slots: Slots;
  readonly maker: DecisionMaker;
}

/** From here on it is about one customer ('': an anonymous event) at one log time, whose row's change has been announced (`beginChange`). */
export function beginMoment({ moment, policy, active }: DecideParts, row: number, customer: string, now: number): void {
  moment.row = row;
  moment.customer = customer;
  moment.now = now;
  policy.begin();
  active.segments.begin(active.profile, now);
}

/** A candidate is stopped by policy: counted under the reason, or deferred until quiet hours end. */
export function lose(
  parts: Pick<DecideParts, 'policy' | 'ports' | 'moment'>,
  campaign: ActiveCampaign,
  trigger: Trigger,
  reason: number,
): void {
  const { policy, ports, moment } = parts;
  const { row, now } = moment;
  if (policy.defers(reason)) {
    if (!ports.waits.enter(PendingKind.quietHours, campaign, row, now, policy.quietUntil(), trigger))
      campaign.account.suppress(Reason.full, trigger, now);
    return;
  }
  campaign.account.suppress(reason, trigger, now);
}
