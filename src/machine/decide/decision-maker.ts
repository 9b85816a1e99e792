/**
 * Step 7's end: one decision. Numbers are given here, 1, 2, 3 … in the partition, and the bytes are made here, once. A
 * known customer's decision becomes a contact at the same time.
 */
import type { Decision, EncodedDecision } from '../../protocol/decision.ts';
import type { EventFrame } from '../../protocol/frame.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import { assert } from '../../stdx/assert.ts';
import { nextDueTime } from '../../workspace/schedule-times.ts';
import type { Template, Variant } from '../../workspace/workspace.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { formatRfc3339 } from '../decode/rfc3339.ts';
import type { Effects, MadeDecision } from '../effects.ts';
import type { Trigger } from '../time/trigger.ts';
import type { ContactHistory } from './contact-history.ts';
import type { Aftermath } from './decide-ports.ts';
import { messageScope } from './message-scope.ts';
import type { Moment } from './moment.ts';
import { share } from './policy.ts';

const encoder = new TextEncoder();

/** Where the partition counts its decisions: the machine's globals. */
export interface DecisionNumbers {
  decisionCount: number;
}

/** What was decided. */
export interface Draft {
  readonly campaign: ActiveCampaign;
  /** Index into Workspace.channels. */
  readonly channel: number;
  readonly slot: string | null;
  readonly value: number;
  /** Of a cascade: the id of the decision before it and its variant, which stays; null: the first. */
  readonly follows: { readonly id: string; readonly variant: string | null } | null;
  /** It used a unit of each. */
  readonly leaseKeys: readonly string[];
  readonly trigger: Trigger;
}

export class DecisionMaker {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #partition: number;
  readonly #numbers: DecisionNumbers;
  readonly #history: ContactHistory;
  readonly #aftermath: Aftermath;
  readonly #moment: Moment;

  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    partition: number,
    numbers: DecisionNumbers,
    history: ContactHistory,
    aftermath: Aftermath,
    moment: Moment,
  ) {
    this.#state = state;
    this.#active = active;
    this.#partition = partition;
    this.#numbers = numbers;
    this.#history = history;
    this.#aftermath = aftermath;
    this.#moment = moment;
  }

  /** Adds the decision to the effects and returns it. For a known customer the history must be open, and have room. */
  make(draft: Draft, effects: Effects): MadeDecision {
    const { campaign, channel, value, follows, trigger } = draft;
    const { workspace } = this.#active;
    const { customer, now, known } = this.#moment;
    const event = trigger.frame();
    const number = ++this.#numbers.decisionCount;
    const id = this.#partition + '-' + number;
    // An anonymous event's variant goes by its id, or by the decision's where it has none.
    const variant =
      follows === null
        ? chooseVariant(campaign, known ? customer : event.id !== '' ? event.id : id)
        : (campaign.campaign.variants.find(({ name }) => name === follows.variant) ?? null);
    if (known) this.#contact(draft, variant, number);
    const expiresMs = this.#expiresMs(campaign, now);
    const channelName = workspace.channels[channel] as string;
    const template = variant === null ? campaign.campaign.template : variant.template;
    const decision: Decision = {
      id,
      ts: formatRfc3339(now),
      customer: known ? customer : null,
      campaign: campaign.id,
      variant: variant === null ? null : variant.name,
      offer: campaign.offer === null ? null : campaign.offer.id,
      channel: channelName,
      message: this.#message(campaign, template, channel, event),
      value,
      expires: expiresMs === null ? null : formatRfc3339(expiresMs),
      event: { id: event.id === '' ? null : event.id, type: event.typeName },
      slot: draft.slot,
      follows: follows === null ? null : follows.id,
      workspace: workspace.version,
    };
    if (follows === null) campaign.account.decide(channelName, trigger, now, number);
    else campaign.account.responses.followUp(channelName);
    const encoded: EncodedDecision = {
      number,
      channel: channelName,
      campaign: campaign.id,
      json: encoder.encode(JSON.stringify(decision)),
    };
    const made: MadeDecision = { ...encoded, eventIndex: trigger.eventIndex, decision };
    effects.decisions.push(made);
    this.#moment.explainer?.decided(decision);
    if (known) this.#tellAftermath(draft, number, variant, expiresMs);
    return made;
  }

  #contact({ campaign, channel }: Draft, variant: Variant | null, number: number): void {
    const variantCode = variant === null ? -1 : (campaign.variantCodes.get(variant.name) as number);
    assert(this.#history.add(campaign, channel, number, variantCode), 'room for a contact was asked for');
    this.#history.note(campaign, channel);
  }

  #tellAftermath(draft: Draft, number: number, variant: Variant | null, expiresMs: number | null): void {
    const { campaign, channel, value, follows, leaseKeys, trigger } = draft;
    const { row, customer, now } = this.#moment;
    this.#aftermath.contacted({
      number,
      campaign,
      channel,
      row,
      customer,
      now,
      value,
      variant: variant === null ? null : variant.name,
      follows: follows === null ? null : follows.id,
      expiresMs,
      leaseKeys,
      trigger,
    });
  }

  /** null: never. */
  #expiresMs({ offer }: ActiveCampaign, now: number): number | null {
    const expires = offer === null ? null : offer.expires;
    if (expires === null) return null;
    const { zones, workspace } = this.#active;
    return 'afterMs' in expires ? now + expires.afterMs : nextDueTime(expires.schedule, zones, workspace.timezone, now);
  }

  /** null without a template for the channel, or where it cannot be rendered (counted). */
  #message(
    campaign: ActiveCampaign,
    template: number,
    channel: number,
    event: EventFrame,
  ): Readonly<Record<string, string>> | null {
    if (template < 0) return null;
    const active = this.#active;
    const { row, now } = this.#moment;
    this.#state.gather(row, active.templateSlots[template] as Int32Array, now, active.profile);
    const scope = messageScope(
      active,
      active.workspace.templates[template] as Template,
      campaign,
      active.events[event.type]?.schema ?? null,
      event,
    );
    const message = active.templates.render(template, channel, scope);
    if (message === null) campaign.account.messageErrors++;
    return message;
  }
}

/** The first variant whose cumulative share of weight exceeds u("variant"); null where the campaign has none. */
export function chooseVariant(campaign: Pick<ActiveCampaign, 'id' | 'campaign'>, customer: string): Variant | null {
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
