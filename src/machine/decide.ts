/**
 * Steps 5 to 7 for the candidates of one customer at one moment: those of one event, of what falls due for a customer at
 * one millisecond, or of a schedule: policy, arbitration, decision.
 */
import type { PartitionState } from '../state/partition-state.ts';
import { Reason } from './accounting.ts';
import type { ActiveCampaign, ActiveWorkspace } from './active-workspace.ts';
import { Candidates } from './arbitrate.ts';
import { ContactHistory } from './contact-history.ts';
import type { DecidePorts } from './decide-ports.ts';
import { DecisionMaker, type DecisionNumbers } from './decision-maker.ts';
import type { Effects } from './effects.ts';
import { Moment } from './moment.ts';
import { Policy } from './policy.ts';
import type { Trigger } from './trigger.ts';

export class DecideStep {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #ports: DecidePorts;
  readonly #history: ContactHistory;
  readonly #moment = new Moment();
  readonly #maker: DecisionMaker;
  readonly policy: Policy;
  /** Whom validity and holdout let pass, of the round that is being gathered. */
  readonly #standing: ActiveCampaign[] = [];
  readonly #triggers: Trigger[] = [];
  #count = 0;
  readonly #candidates = new Candidates();

  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    partition: number,
    numbers: DecisionNumbers,
    ports: DecidePorts,
  ) {
    this.#state = state;
    this.#active = active;
    this.#ports = ports;
    this.#history = new ContactHistory(state, active);
    this.policy = new Policy(state, active, this.#history, this.#moment);
    this.#maker = new DecisionMaker(state, active, partition, numbers, this.#history, this.#moment);
  }

  /**
   * Begins a round: one customer ('': an anonymous event) at one log time, whose row's change has been announced
   * (`beginChange`). What `add` and `run` count are times that a campaign matched.
   */
  begin(row: number, customer: string, now: number): void {
    this.#moment.row = row;
    this.#moment.customer = customer;
    this.#moment.now = now;
    this.#count = 0;
    this.policy.begin();
    this.#active.segments.begin(this.#active.profile, now);
  }

  /** Another candidate, in the order of campaigns. It loses here, or `run` tells. */
  add(campaign: ActiveCampaign, trigger: Trigger): void {
    const reason = this.policy.standing(campaign);
    if (reason >= 0) {
      this.#standing[this.#count] = campaign;
      this.#triggers[this.#count++] = trigger;
      return;
    }
    campaign.account.suppress(-1 - reason);
    if (-1 - reason === Reason.holdout)
      this.#ports.aftermath.heldOut(campaign, this.#moment.row, this.#moment.now, trigger);
  }

  /** Decides who of the round wins. */
  run(effects: Effects): void {
    const count = this.#count;
    if (count === 0) return;
    const { row, now, known } = this.#moment;
    if (known) this.#history.open(row, now, this.#standing, count);
    const candidates = this.#candidates;
    candidates.clear();
    for (let i = 0; i < count; i++) {
      const campaign = this.#standing[i] as ActiveCampaign;
      const trigger = this.#triggers[i] as Trigger;
      const channel = this.policy.channelFor(campaign);
      if (channel < 0) campaign.account.suppress(-1 - channel);
      else candidates.add(campaign, trigger, channel, this.#valueOf(campaign, trigger));
    }
    candidates.rank();
    this.#pick(effects);
  }

  #pick(effects: Effects): void {
    const candidates = this.#candidates;
    const { known } = this.#moment;
    const { pick } = this.#active.workspace.policy;
    let winners = 0;
    for (let rank = 0; rank < candidates.count; rank++) {
      const campaign = candidates.campaign(rank);
      if (winners === pick) {
        campaign.account.suppress(Reason.outranked);
        continue;
      }
      const channel = known && winners > 0 ? this.policy.channelFor(campaign) : candidates.channel(rank);
      if (channel < 0) {
        campaign.account.suppress(-1 - channel);
        continue;
      }
      winners++;
      this.#maker.make(campaign, channel, candidates.value(rank), candidates.trigger(rank), effects);
    }
  }

  /** 0 where the campaign has no value, or where it cannot be computed. */
  #valueOf(campaign: ActiveCampaign, trigger: Trigger): number {
    const program = campaign.value;
    if (program === null) return 0;
    const { row, now } = this.#moment;
    const { profile } = this.#active;
    this.#state.gather(row, program.profileSlots, now, profile);
    // −0 would rank and print like 0 anyway; adding 0 makes it 0.
    if (program.evaluate(trigger.frame(), profile, now) && Number.isFinite(program.number)) return program.number + 0;
    campaign.account.valueErrors++;
    return 0;
  }
}
