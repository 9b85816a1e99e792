/**
 * Cascades: a decision without the feedback that the campaign hopes for is followed by another one on its next channel.
 * One pending entry for each decision that channels are left for: it falls due after the campaign's time, feedback takes
 * it away, and a failed delivery lets it fall due at once. What a follow-up may do is in follow-ups.ts; quiet hours let
 * the entry wait until they end.
 *
 * Units of budgets and limits: a follow-up takes none. After a failed delivery it holds what the decision before it
 * held; otherwise both offers are out, and the units stay used, so that never more is given out than allowed.
 */
import { SuppressReason } from '../../protocol/rejection.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import { Reason } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { atLeast, ContactFlag } from '../decide/contact-flags.ts';
import type { Contacted } from '../decide/decide-ports.ts';
import type { FollowUps } from '../decide/follow-ups.ts';
import type { Effects } from '../effects.ts';
import { PendingKind } from '../time/pending-kind.ts';
import { type PendingEntry, type PendingWaits, readPayload } from '../time/pending-waits.ts';
import type { Triggers } from '../time/triggers.ts';
import type { ExpiryStep } from './expiry.ts';
import type { HeldUnits } from './held-units.ts';

interface CascadeBody {
  /** The number of the decision that is followed, its channel, value and variant. */
  readonly decision: number;
  readonly channel: string;
  readonly value: number;
  readonly variant: string | null;
  /** Numbers of the decisions before it in the cascade: an answer to one of them ends it as well. */
  readonly earlier: readonly number[];
}

export interface CascadeParts {
  readonly state: PartitionState;
  readonly active: ActiveWorkspace;
  readonly partition: number;
  readonly waits: PendingWaits;
  readonly triggers: Triggers;
  readonly units: HeldUnits;
  readonly expiry: ExpiryStep;
}

export class CascadeStep {
  readonly #parts: CascadeParts;
  readonly #followUps: () => FollowUps;
  /** The follow-up made last; 0: none since it was asked for. */
  #made = 0;
  /** Of the follow-up in the making. */
  #earlier: readonly number[] = [];

  /** `followUps` decide, and what they decide comes back by `followed`: they are there when it is first asked. */
  constructor(parts: CascadeParts, followUps: () => FollowUps) {
    this.#parts = parts;
    this.#followUps = followUps;
  }

  /** A decision was made, a follow-up too: the next channel has its turn. */
  begin(contact: Contacted): void {
    const { campaign, number, channel, row, now, value, variant, trigger, follows } = contact;
    const { cascade } = campaign.campaign;
    const { channels } = this.#parts.active.workspace;
    if (cascade === null || remaining(campaign, channel).length === 0) return;
    const earlier = follows === null ? [] : this.#earlier;
    const body: CascadeBody = { decision: number, channel: channels[channel] as string, value, variant, earlier };
    const { waits } = this.#parts;
    if (!waits.enter(PendingKind.cascade, campaign, row, now, now + cascade.afterMs, trigger, body))
      campaign.account.responses.suppressFollowUp('full');
  }

  /** The decision of number `before` is followed by this one. */
  followed(contact: Contacted, before: number): void {
    const { state, units, expiry } = this.#parts;
    const { row, now, number } = contact;
    this.#made = number;
    const failed = state.findContact(row, before) && (state.contacts.flags & ContactFlag.failed) !== 0;
    if (failed) units.move(row, before, number, now);
    else units.bind(row, before, now);
    expiry.carry(contact, before);
  }

  /** Feedback other than `failed` on a decision; its contact has these flags. Who reads the push late still needs no e-mail behind the text. */
  hear(row: number, decision: number, flags: number, now: number): void {
    const entry = this.#entryOf(row, (body) => body.decision === decision || body.earlier.includes(decision));
    const cascade = entry === null ? null : this.#campaignOf(entry)?.campaign.cascade;
    if (entry !== null && cascade && (flags & atLeast(cascade.unless)) !== 0)
      this.#parts.waits.suppress(entry, Reason.cancelled, now);
  }

  /** A decision's delivery failed. */
  failed(row: number, decision: number, customer: string, now: number, effects: Effects): void {
    const entry = this.#entryOf(row, (body) => body.decision === decision);
    if (entry === null) {
      this.#giveUp(row, decision, now);
      return;
    }
    this.#parts.waits.leave(entry);
    this.fire(entry, customer, now, effects);
  }

  /** An entry fell due, or need not wait any longer; it has left. */
  fire(entry: PendingEntry, customer: string, now: number, effects: Effects): void {
    const { active, partition, waits, triggers } = this.#parts;
    const { event, ...body } = readPayload<CascadeBody>(entry);
    const { decision, channel, value, variant, earlier } = body;
    const { row } = entry;
    const campaign = this.#campaignOf(entry);
    if (campaign === null) {
      this.#giveUp(row, decision, now);
      return;
    }
    const channels = remaining(campaign, active.channelIndex.get(channel) ?? -1);
    const trigger = event === null ? null : triggers.ofStored(event, customer);
    this.#made = 0;
    this.#earlier = [...earlier, decision];
    const followUps = this.#followUps();
    if (trigger === null || channels.length === 0) followUps.withdraw(campaign, entry, `${partition}-${decision}`);
    else {
      const followed = { id: `${partition}-${decision}`, value, variant };
      const again = followUps.run(campaign, channels, followed, trigger, row, customer, now, effects);
      if (again > 0) {
        const kept: CascadeBody = { decision, channel, value, variant, earlier };
        if (waits.enter(PendingKind.cascade, campaign, row, now, again, trigger, kept)) return;
        followUps.lose(campaign, SuppressReason.full);
      }
    }
    if (this.#made === 0) this.#giveUp(row, decision, now);
  }

  /** Nothing follows a decision any more: if it failed, what went into it comes back. */
  #giveUp(row: number, decision: number, now: number): void {
    const { state, units, expiry } = this.#parts;
    if (!state.findContact(row, decision) || (state.contacts.flags & ContactFlag.failed) === 0) return;
    if (units.giveBack(row, decision, now)) expiry.drop(row, decision);
  }

  /** null: it is not live any more. */
  #campaignOf({ campaign: code }: PendingEntry): ActiveCampaign | null {
    const { active } = this.#parts;
    const campaign = active.campaigns[active.campaignOfCode.get(code) ?? -1];
    return campaign === undefined || campaign.campaign.status !== 'live' ? null : campaign;
  }

  #entryOf(row: number, isIt: (body: CascadeBody) => boolean): PendingEntry | null {
    const { pending } = this.#parts.state;
    if (!pending.has(row)) return null;
    for (const entry of pending.list(row)) {
      if (entry.kind === PendingKind.cascade && isIt(readPayload<CascadeBody>(entry))) return entry;
    }
    return null;
  }
}

/** The campaign's channels behind this one; none where it is not among them. */
function remaining({ channels }: ActiveCampaign, channel: number): readonly number[] {
  const place = channels.indexOf(channel);
  return place < 0 ? [] : channels.slice(place + 1);
}
