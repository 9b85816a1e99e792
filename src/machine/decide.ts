/**
 * Step 7, decide: candidates that won become decisions. Numbers are given here, 1, 2, 3 … in the partition, and the
 * bytes are made here, once.
 */
import type { Decision, EncodedDecision } from '../protocol/decision.ts';
import type { EventFrame } from '../protocol/frame.ts';
import type { EventSchema } from '../protocol/schema.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { assert } from '../stdx/assert.ts';
import type { Template, Variant } from '../workspace/workspace.ts';
import { Reason } from './accounting.ts';
import type { ActiveCampaign, ActiveEvent, ActiveWorkspace } from './active-workspace.ts';
import { Candidates } from './arbitrate.ts';
import { ContactHistory } from './contact-history.ts';
import type { Effects } from './effects.ts';
import { messageScope } from './message-scope.ts';
import { Policy, share } from './policy.ts';
import { formatRfc3339 } from './rfc3339.ts';

const encoder = new TextEncoder();

/** Where the partition counts its decisions: the machine's globals. */
export interface DecisionNumbers {
  decisionCount: number;
}

export class DecideStep {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #partition: number;
  readonly #numbers: DecisionNumbers;
  readonly #history: ContactHistory;
  readonly policy: Policy;
  readonly #standing: ActiveCampaign[] = [];
  readonly #candidates = new Candidates();

  constructor(state: PartitionState, active: ActiveWorkspace, partition: number, numbers: DecisionNumbers) {
    this.#state = state;
    this.#active = active;
    this.#partition = partition;
    this.#numbers = numbers;
    this.#history = new ContactHistory(state, active);
    this.policy = new Policy(state, active, this.#history);
  }

  /**
   * Takes the campaigns that matched one event (active.hits[0 … count − 1]) through policy and arbitration. `now` is
   * log time.
   */
  run(
    active: ActiveEvent,
    count: number,
    event: EventFrame,
    row: number,
    now: number,
    eventIndex: number,
    effects: Effects,
  ): void {
    const late = now - event.ts > this.#active.workspace.latenessMs;
    if (late) {
      for (let i = 0; i < count; i++) matched(active, i).account.suppress(Reason.late);
      return;
    }
    const known = event.customer !== '';
    this.policy.begin(row, event.customer, now);
    const standing = this.#standCampaigns(active, count);
    if (standing === 0) return;
    if (known) this.#history.open(row, now, this.#standing, standing);
    const candidates = this.#candidates;
    candidates.clear();
    for (let i = 0; i < standing; i++) {
      const campaign = this.#standing[i] as ActiveCampaign;
      const channel = this.policy.channelFor(campaign);
      if (channel < 0) campaign.account.suppress(-1 - channel);
      else candidates.add(campaign, channel, this.#valueOf(campaign, event, row, now));
    }
    candidates.rank();
    this.#pick(event, row, now, eventIndex, effects);
  }

  /** Keeps in #standing the campaigns that validity and holdout let pass; the others are counted. */
  #standCampaigns(active: ActiveEvent, count: number): number {
    let standing = 0;
    for (let i = 0; i < count; i++) {
      const campaign = matched(active, i);
      const reason = this.policy.standing(campaign);
      if (reason < 0) campaign.account.suppress(-1 - reason);
      else this.#standing[standing++] = campaign;
    }
    return standing;
  }

  #pick(event: EventFrame, row: number, now: number, eventIndex: number, effects: Effects): void {
    const candidates = this.#candidates;
    const known = event.customer !== '';
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
      this.#decide(campaign, channel, candidates.value(rank), event, row, now, eventIndex, effects);
    }
  }

  #decide(
    campaign: ActiveCampaign,
    channel: number,
    value: number,
    event: EventFrame,
    row: number,
    now: number,
    eventIndex: number,
    effects: Effects,
  ): void {
    const { workspace } = this.#active;
    const number = ++this.#numbers.decisionCount;
    const id = this.#partition + '-' + number;
    const known = event.customer !== '';
    if (known) {
      assert(this.#history.add(campaign, channel, number), 'room for a contact was asked for');
      this.#history.note(campaign, channel);
    }
    // An anonymous event's variant goes by its id, or by the decision's where it has none.
    const variant = chooseVariant(campaign, known ? event.customer : event.id !== '' ? event.id : id);
    const channelName = workspace.channels[channel] as string;
    const decision: Decision = {
      id,
      ts: formatRfc3339(now),
      customer: known ? event.customer : null,
      campaign: campaign.id,
      variant: variant === null ? null : variant.name,
      offer: campaign.offer === null ? null : campaign.offer.id,
      channel: channelName,
      message: this.#message(
        campaign,
        variant === null ? campaign.campaign.template : variant.template,
        channel,
        event,
        row,
        now,
      ),
      value,
      expires: null,
      event: { id: event.id === '' ? null : event.id, type: event.typeName },
      slot: null,
      follows: null,
      workspace: workspace.version,
    };
    campaign.account.decide(channelName);
    const encoded: EncodedDecision = {
      number,
      channel: channelName,
      campaign: campaign.id,
      json: encoder.encode(JSON.stringify(decision)),
    };
    effects.decisions.push({ ...encoded, eventIndex, decision });
  }

  /** 0 where the campaign has no value, or where it cannot be computed. */
  #valueOf(campaign: ActiveCampaign, event: EventFrame, row: number, now: number): number {
    const program = campaign.value;
    if (program === null) return 0;
    const { profile } = this.#active;
    this.#state.gather(row, program.profileSlots, now, profile);
    // −0 would rank and print like 0 anyway; adding 0 makes it 0.
    if (program.evaluate(event, profile, now) && Number.isFinite(program.number)) return program.number + 0;
    campaign.account.valueErrors++;
    return 0;
  }

  /** null without a template for the channel, or where it cannot be rendered (counted). */
  #message(
    campaign: ActiveCampaign,
    template: number,
    channel: number,
    event: EventFrame,
    row: number,
    now: number,
  ): Readonly<Record<string, string>> | null {
    if (template < 0) return null;
    const active = this.#active;
    this.#state.gather(row, active.templateSlots[template] as Int32Array, now, active.profile);
    const scope = messageScope(
      active,
      active.workspace.templates[template] as Template,
      campaign,
      active.events[event.type]?.schema as EventSchema,
      event,
    );
    const message = active.templates.render(template, channel, scope);
    if (message === null) campaign.account.messageErrors++;
    return message;
  }
}

/** The first variant whose cumulative share of weight exceeds u("variant"); null where the campaign has none. */
export function chooseVariant(campaign: ActiveCampaign, customer: string): Variant | null {
  const { variants } = campaign.campaign;
  if (variants.length === 0) return null;
  let total = 0;
  for (const variant of variants) total += variant.weight;
  const u = share('variant', campaign.id, customer);
  let cumulative = 0;
  for (const variant of variants) {
    cumulative += variant.weight;
    if (cumulative / total > u) return variant;
  }
  // Weights that are all 0 choose nobody's variant but the first.
  return variants[0] as Variant;
}

function matched(active: ActiveEvent, place: number): ActiveCampaign {
  return active.campaigns[active.hits[place] as number] as ActiveCampaign;
}
