/** From match to decide: what becomes of the campaigns that one event matched. */
import type { EventFrame } from '../../protocol/frame.ts';
import { Reason } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveEvent, ActiveWorkspace, Listeners } from '../active-workspace.ts';
import type { Effects } from '../effects.ts';
import type { Trigger } from '../time/trigger.ts';
import type { Triggers } from '../time/triggers.ts';
import type { WaitStep } from '../time/waits.ts';
import type { Tracer } from '../trace/tracer.ts';
import type { DecideStep } from './decide.ts';

export class MatchedStep {
  readonly #latenessMs: number;
  readonly #decide: DecideStep;
  readonly #waits: WaitStep;
  /** null: no campaign is in shadow. */
  readonly #shadowWaits: WaitStep | null;
  readonly #triggers: Triggers;
  readonly #tracer: Tracer | null;

  constructor(
    { workspace }: ActiveWorkspace,
    waits: WaitStep,
    shadowWaits: WaitStep | null,
    triggers: Triggers,
    decide: DecideStep,
    tracer: Tracer | null,
  ) {
    this.#tracer = tracer;
    this.#latenessMs = workspace.latenessMs;
    this.#waits = waits;
    this.#shadowWaits = shadowWaits;
    this.#triggers = triggers;
    this.#decide = decide;
  }

  /**
   * Of the live campaigns active.hits[0 … count − 1], and as many as `shadows` of those in shadow; there are some of either. `now` is log time; the frame has its
   * ids.
   */
  run(
    active: ActiveEvent,
    count: number,
    shadows: number,
    event: EventFrame,
    row: number,
    now: number,
    eventIndex: number,
    effects: Effects,
  ): void {
    const trigger = this.#triggers.ofEvent(event, eventIndex);
    const shadow = shadows === 0 ? null : active.shadow;
    const isLate = now - event.ts > this.#latenessMs;
    this.#tracer?.moment?.late(event, this.#latenessMs, !isLate);
    if (isLate) {
      suppressLate(active, count, trigger, now);
      if (shadow !== null) suppressLate(shadow, shadows, trigger, now);
      return;
    }
    let candidates = count + shadows;
    if (active.takesTime) candidates -= startWaits(this.#waits, active, count, trigger, row, now);
    if (shadow?.takesTime === true && this.#shadowWaits !== null)
      candidates -= startWaits(this.#shadowWaits, shadow, shadows, trigger, row, now);
    if (candidates === 0) return;
    this.#decide.begin(row, event.customer, now);
    this.#add(active, count, trigger);
    if (shadow !== null) this.#add(shadow, shadows, trigger);
    this.#decide.run(effects);
  }

  /** Who has a wait is no candidate now. */
  #add(listeners: Listeners, count: number, trigger: Trigger): void {
    for (let i = 0; i < count; i++) {
      const campaign = matched(listeners, i);
      if (campaign.campaign.wait === null) this.#decide.add(campaign, trigger);
    }
  }
}

function suppressLate(listeners: Listeners, count: number, trigger: Trigger, now: number): void {
  for (let i = 0; i < count; i++) matched(listeners, i).account.suppress(Reason.late, trigger, now);
}

/** How many of the campaigns have a wait: it begins. */
function startWaits(
  waits: WaitStep,
  listeners: Listeners,
  count: number,
  trigger: Trigger,
  row: number,
  now: number,
): number {
  let waiting = 0;
  for (let i = 0; i < count; i++) {
    const campaign = matched(listeners, i);
    if (campaign.campaign.wait === null) continue;
    waits.start(campaign, trigger, row, now);
    waiting++;
  }
  return waiting;
}

function matched({ campaigns, hits }: Listeners, place: number): ActiveCampaign {
  return campaigns[hits[place] as number] as ActiveCampaign;
}
