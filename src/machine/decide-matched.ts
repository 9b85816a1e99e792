/** From match to decide: what becomes of the campaigns that one event matched. */
import type { EventFrame } from '../protocol/frame.ts';
import { Reason } from './accounting.ts';
import type { ActiveCampaign } from './active-campaign.ts';
import type { ActiveEvent, ActiveWorkspace } from './active-workspace.ts';
import type { DecideStep } from './decide.ts';
import type { Effects } from './effects.ts';
import { LiveTrigger } from './live-trigger.ts';

export class MatchedStep {
  readonly #latenessMs: number;
  readonly #decide: DecideStep;
  readonly #trigger = new LiveTrigger();

  constructor({ workspace }: ActiveWorkspace, decide: DecideStep) {
    this.#latenessMs = workspace.latenessMs;
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
    if (now - event.ts > this.#latenessMs) {
      for (let i = 0; i < count; i++) matched(active, i).account.suppress(Reason.late);
      return;
    }
    const decide = this.#decide;
    const trigger = this.#trigger.set(event, eventIndex);
    decide.begin(row, event.customer, now);
    for (let i = 0; i < count; i++) decide.add(matched(active, i), trigger);
    decide.run(effects);
  }
}

function matched(active: ActiveEvent, place: number): ActiveCampaign {
  return active.campaigns[active.hits[place] as number] as ActiveCampaign;
}
