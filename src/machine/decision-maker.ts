/**
 * Step 7's end: one decision. Numbers are given here, 1, 2, 3 … in the partition, and the bytes are made here, once. A
 * known customer's decision becomes a contact at the same time.
 */
import type { Decision, EncodedDecision } from '../protocol/decision.ts';
import type { EventFrame } from '../protocol/frame.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { assert } from '../stdx/assert.ts';
import type { Template, Variant } from '../workspace/workspace.ts';
import type { ActiveCampaign, ActiveWorkspace } from './active-workspace.ts';
import type { ContactHistory } from './contact-history.ts';
import type { Effects } from './effects.ts';
import { messageScope } from './message-scope.ts';
import type { Moment } from './moment.ts';
import { share } from './policy.ts';
import { formatRfc3339 } from './rfc3339.ts';
import type { Trigger } from './trigger.ts';

const encoder = new TextEncoder();

/** Where the partition counts its decisions: the machine's globals. */
export interface DecisionNumbers {
  decisionCount: number;
}

export class DecisionMaker {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #partition: number;
  readonly #numbers: DecisionNumbers;
  readonly #history: ContactHistory;
  readonly #moment: Moment;

  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    partition: number,
    numbers: DecisionNumbers,
    history: ContactHistory,
    moment: Moment,
  ) {
    this.#state = state;
    this.#active = active;
    this.#partition = partition;
    this.#numbers = numbers;
    this.#history = history;
    this.#moment = moment;
  }

  /** Returns the decision's number. The history must be open, and have room. */
  make(campaign: ActiveCampaign, channel: number, value: number, trigger: Trigger, effects: Effects): number {
    const { workspace } = this.#active;
    const { row, customer, now, known } = this.#moment;
    const event = trigger.frame();
    const number = ++this.#numbers.decisionCount;
    const id = this.#partition + '-' + number;
    if (known) {
      assert(this.#history.add(campaign, channel, number), 'room for a contact was asked for');
      this.#history.note(campaign, channel);
    }
    // An anonymous event's variant goes by its id, or by the decision's where it has none.
    const variant = chooseVariant(campaign, known ? customer : event.id !== '' ? event.id : id);
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
      message: this.#message(campaign, template, channel, event, row, now),
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
    effects.decisions.push({ ...encoded, eventIndex: trigger.eventIndex, decision });
    return number;
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
      active.events[event.type]?.schema ?? null,
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
