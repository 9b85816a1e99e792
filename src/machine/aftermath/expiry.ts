/**
 * Offers whose unused decisions give their units back: one entry for each such decision, due when it expires. Feedback
 * `converted` on it, or on a follow-up that offers the same again, takes the entry away. A follow-up expires later than
 * the decision before it, and takes the entry over.
 */
import type { PartitionState } from '../../state/partition-state.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { Contacted } from '../decide/decide-ports.ts';
import { PendingKind } from '../time/pending-kind.ts';
import { type PendingEntry, type PendingWaits, readPayload } from '../time/pending-waits.ts';
import type { HeldUnits } from './held-units.ts';

interface ExpiryBody {
  /** Numbers of the decisions that offer it, oldest first. */
  readonly decisions: readonly number[];
  readonly keys: readonly string[];
}

export class ExpiryStep {
  readonly #state: PartitionState;
  readonly #waits: PendingWaits;
  readonly #units: HeldUnits;

  constructor(state: PartitionState, waits: PendingWaits, units: HeldUnits) {
    this.#state = state;
    this.#waits = waits;
    this.#units = units;
  }

  /** A first decision. Without room for the entry the units stay used: less than allowed is given out, never more. */
  begin({ number, campaign, row, now, expiresMs, leaseKeys }: Contacted): void {
    if (campaign.offer?.returnsUnused !== true || expiresMs === null || leaseKeys.length === 0) return;
    this.#enter(campaign, row, now, expiresMs, { decisions: [number], keys: leaseKeys });
  }

  /** A follow-up of decision `before`. */
  carry({ number, campaign, row, now, expiresMs }: Contacted, before: number): void {
    const entry = this.#entryOf(row, before);
    if (entry === null) return;
    const { decisions, keys } = readPayload<ExpiryBody>(entry);
    this.#waits.leave(entry);
    if (expiresMs === null) return;
    this.#enter(campaign, row, now, expiresMs, { decisions: [...decisions, number], keys });
  }

  /** Its units do not come back by expiry: it was used, or they came back by failure. */
  drop(row: number, decision: number): void {
    const entry = this.#entryOf(row, decision);
    if (entry !== null) this.#waits.leave(entry);
  }

  /** An entry fell due, and has left. `offered`: the active version still has its campaign and an offer with it. */
  fire(entry: PendingEntry, offered: boolean, now: number): void {
    if (!offered) return;
    const { decisions, keys } = readPayload<ExpiryBody>(entry);
    this.#units.giveBackKeys(entry.row, decisions.at(-1) as number, keys, now);
  }

  #enter(campaign: ActiveCampaign, row: number, now: number, dueMs: number, body: ExpiryBody): void {
    this.#waits.enter(PendingKind.expiry, campaign, row, now, dueMs, null, body);
  }

  #entryOf(row: number, decision: number): PendingEntry | null {
    if (!this.#state.pending.has(row)) return null;
    for (const entry of this.#state.pending.list(row)) {
      if (entry.kind !== PendingKind.expiry) continue;
      if (readPayload<ExpiryBody>(entry).decisions.includes(decision)) return entry;
    }
    return null;
  }
}
