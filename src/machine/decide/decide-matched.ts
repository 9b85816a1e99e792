/** From match to decide: what becomes of the campaigns that one event matched. */
import type { EventFrame } from '../../protocol/frame.ts';
import { Reason } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveEvent, ActiveWorkspace } from '../active-workspace.ts';
import type { Effects } from '../effects.ts';
import type { Trigger } from '../time/trigger.ts';
import type { Triggers } from '../time/triggers.ts';
import type { WaitStep } from '../time/waits.ts';
import type { DecideStep } from './decide.ts';

export class MatchedStep {
  readonly #latenessMs: number;
  readonly #decide: DecideStep;
  readonly #waits: WaitStep;
  readonly #triggers: Triggers;

  constructor({ workspace }: ActiveWorkspace, waits: WaitStep, triggers: Triggers, decide: DecideStep) {
    this.#latenessMs = workspace.latenessMs;
    this.#waits = waits;
    this.#triggers = triggers;
    this.#decide = decide;
  }

  /** Of the campaigns active.hits[0 … count − 1], count > 0. `now` is log time; the frame has its ids. */
  run(
    active: ActiveEvent,
    count: number,
    event: EventFrame,
    row: number,
    now: number,
    eventIndex: number,
    effects: Effects,
  ): void {
    const trigger = this.#triggers.ofEvent(event, eventIndex);
    if (now - event.ts > this.#latenessMs) {
      for (let i = 0; i < count; i++) matched(active, i).account.suppress(Reason.late, trigger, now);
      return;
    }
    const decide = this.#decide;
    let candidates = count;
    if (active.takesTime) candidates -= this.#startWaits(active, count, trigger, row, now);
    if (candidates === 0) return;
    decide.begin(row, event.customer, now);
    for (let i = 0; i < count; i++) {
      const campaign = matched(active, i);
      if (campaign.campaign.wait === null) decide.add(campaign, trigger);
    }
    decide.run(effects);
  }

  /** How many of the campaigns have a wait: it begins. */
  #startWaits(active: ActiveEvent, count: number, trigger: Trigger, row: number, now: number): number {
    let waiting = 0;
    for (let i = 0; i < count; i++) {
      const campaign = matched(active, i);
      if (campaign.campaign.wait === null) continue;
      this.#waits.start(campaign, trigger, row, now);
      waiting++;
    }
    return waiting;
  }
}

function matched(active: ActiveEvent, place: number): ActiveCampaign {
  return active.campaigns[active.hits[place] as number] as ActiveCampaign;
}
