/**
 * Rounds in which campaigns in shadow take part: played through before production decides, with everybody, by the same
 * rules, and without any effect on it. Who of the shadow campaigns wins here would have been decided (`shadow`), who
 * loses is counted under its reason. Then production decides from the same state, as if there had been no rehearsal.
 *
 * A shadow campaign's winners become contacts that shadow campaigns alone see, so that its cooldown and its caps hold.
 * Live campaigns lose a place to them in this round only: what production contacted is what it sees at the next.
 */
import type { PartitionState } from '../../state/partition-state.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { Effects } from '../effects.ts';
import type { Trigger } from '../time/trigger.ts';
import { ContactHistory } from './contact-history.ts';
import { type DecideParts, lose } from './decide-parts.ts';
import type { WaitingRoom } from './decide-ports.ts';
import { Policy } from './policy.ts';
import { type Placed, Round, type Seats, type View } from './round.ts';
import { Slots } from './slots.ts';

export class Rehearsal implements Seats {
  readonly #parts: Pick<DecideParts, 'policy' | 'ports' | 'moment' | 'active'>;
  readonly #views: { readonly live: View; readonly shadow: View };
  readonly #round: Round;
  /** Of this round. */
  #shadows = 0;
  #winners: Placed[] = [];

  /** `parts` are production's: nothing of them is touched but what they only read. */
  constructor(state: PartitionState, parts: DecideParts, waits: WaitingRoom) {
    const { active, moment } = parts;
    const { leases } = parts.ports;
    const usedUp = (keys: readonly string[]): string | null => leases.seemsUsedUp(keys);
    const inHand = (key: string): number => leases.inHand(key);
    const view = (keeps: 'shadow' | 'nothing'): View => {
      const history = new ContactHistory(state, active, keeps);
      return {
        history,
        policy: new Policy(state, active, history, { usedUp, inHand }, moment),
      };
    };
    this.#views = { live: view('nothing'), shadow: view('shadow') };
    this.#parts = { active, moment, policy: this.#views.shadow.policy, ports: { ...parts.ports, waits } };
    this.#round = new Round({ state, active, moment, slots: new Slots(active.workspace), ...this.#views }, this);
  }

  /** The moment has begun. */
  begin(): void {
    const { live, shadow } = this.#views;
    live.policy.begin();
    shadow.policy.begin();
    this.#round.begin();
    this.#shadows = 0;
  }

  /** A candidate in shadow. It loses here, or `run` tells. */
  add(campaign: ActiveCampaign, trigger: Trigger): void {
    const reason = this.#round.add(campaign, trigger);
    if (reason < 0) this.lost(campaign, trigger, -1 - reason);
    else this.#shadows++;
  }

  /** Before production's round runs. */
  run(production: Round, effects: Effects): void {
    if (this.#shadows === 0) return;
    this.#round.addAll(production);
    const winners = this.#play(effects);
    if (!winners.some(({ campaign }) => campaign.isShadow)) return;
    this.#round.begin();
    this.#round.addAll(production);
    const alone = this.#play(effects);
    const displaced = alone.filter(({ campaign, trigger }) => !holds(winners, campaign, trigger));
    const ids = displaced.map(({ campaign }) => campaign.id);
    for (const winner of winners) if (winner.campaign.isShadow) this.#book(winner, ids);
  }

  lost(campaign: ActiveCampaign, trigger: Trigger, reason: number): void {
    if (campaign.isShadow) lose(this.#parts, campaign, trigger, reason);
  }

  outranked(campaign: ActiveCampaign, trigger: Trigger, winners: readonly string[]): void {
    if (campaign.isShadow) campaign.account.outrank(winners, trigger, this.#parts.moment.now);
  }

  worthless(campaign: ActiveCampaign): void {
    if (campaign.isShadow) campaign.account.valueErrors++;
  }

  /** Units that are not known to be used up are taken to be there. */
  take(placed: Placed): boolean {
    this.#winners.push(placed);
    this.#parts.moment.explainer?.contacts.rehearsed(placed.campaign, placed.channel);
    if (!this.#parts.moment.known) return true;
    const { live, shadow } = this.#views;
    live.history.note(placed.campaign, placed.channel);
    shadow.history.note(placed.campaign, placed.channel);
    return true;
  }

  #play(effects: Effects): readonly Placed[] {
    this.#winners = [];
    this.#parts.moment.explainer?.contacts.rehearse();
    this.#round.run(effects);
    return this.#winners;
  }

  #book({ campaign, trigger, channel }: Placed, displaced: readonly string[]): void {
    const { active, moment } = this.#parts;
    const name = active.workspace.channels[channel] as string;
    moment.explainer?.focus(campaign, trigger);
    moment.explainer?.note({ step: 'shadow', passed: false, channel: name, displaced });
    campaign.account.shadow(name, displaced, trigger, moment.now);
    // Without room it is forgotten: then the campaign would have been decided once too often, and nothing else comes of it.
    if (moment.known) this.#views.shadow.history.add(campaign, channel, 0, -1);
  }
}

function holds(winners: readonly Placed[], campaign: ActiveCampaign, trigger: Trigger): boolean {
  return winners.some((winner) => winner.campaign === campaign && winner.trigger === trigger);
}
