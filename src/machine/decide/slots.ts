/** The placements of each channel in one round of decisions: who has which. */
import type { Workspace } from '../../workspace/workspace.ts';
import type { ActiveCampaign } from '../active-campaign.ts';

/** The channel has no placements: nothing to take. */
export const SLOTLESS = -1;
/** It has, and none that the campaign may take is free. */
export const ALL_TAKEN = -2;

export class Slots {
  /** By channel index. */
  readonly #names: readonly (readonly string[] | null)[];
  /** By channel and slot: id of the winner that has it. */
  readonly #takers: readonly (string | null)[][];
  #anyTaken = false;

  constructor({ policy, channels }: Workspace) {
    this.#names = channels.map((_, channel) => policy.slots[channel] ?? null);
    this.#takers = this.#names.map((names) => (names ?? []).map(() => null));
  }

  /** All are free: a new round. */
  clear(): void {
    if (!this.#anyTaken) return;
    for (const takers of this.#takers) takers.fill(null);
    this.#anyTaken = false;
  }

  /** Index of the first free slot that the campaign allows, in the channel's order; SLOTLESS or ALL_TAKEN. */
  find(campaign: ActiveCampaign, channel: number): number {
    const names = this.#names[channel] as readonly string[] | null;
    if (names === null) return SLOTLESS;
    const takers = this.#takers[channel] as (string | null)[];
    for (let slot = 0; slot < names.length; slot++)
      if (takers[slot] === null && allows(campaign, names[slot] as string)) return slot;
    return ALL_TAKEN;
  }

  take(channel: number, slot: number, winner: string): void {
    if (slot === SLOTLESS) return;
    (this.#takers[channel] as (string | null)[])[slot] = winner;
    this.#anyTaken = true;
  }

  name(channel: number, slot: number): string | null {
    return slot === SLOTLESS ? null : ((this.#names[channel] as readonly string[])[slot] as string);
  }

  /** Who has the slots that the campaign could have taken, in the channel's order; none: it allows none of them. */
  takers(campaign: ActiveCampaign, channel: number): readonly string[] {
    const names = this.#names[channel] ?? [];
    return (this.#takers[channel] ?? []).filter(
      (taker, slot): taker is string => taker !== null && allows(campaign, names[slot] as string),
    );
  }

  /** For a decision outside of a round: whether the campaign may take this slot of the channel. */
  offers(campaign: ActiveCampaign, channel: number, name: string): boolean {
    return this.#names[channel]?.includes(name) === true && allows(campaign, name);
  }
}

function allows({ campaign }: ActiveCampaign, slot: string): boolean {
  return campaign.slots === null || campaign.slots.includes(slot);
}
