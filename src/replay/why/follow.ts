/** What became of events: the moments that have to do with them, and whether something of theirs is still pending for their customer. */
import { formatRfc3339 } from '../../machine/decode/rfc3339.ts';
import { PendingKind } from '../../machine/time/pending-kind.ts';
import { type PendingEntry, readPayload } from '../../machine/time/pending-waits.ts';
import type { CampaignVerdict, ExplainedMoment } from '../../protocol/explanation.ts';
import type { PartitionState } from '../../state/partition-state.ts';

/** A match, or what follows from its decision: goals and expiries lead to none. */
const FOLLOWED_KINDS: ReadonlySet<number> = new Set([
  PendingKind.wait,
  PendingKind.quietHours,
  PendingKind.units,
  PendingKind.cascade,
]);

export class FollowedEvents {
  readonly #campaign: string | null;
  readonly #keys = new Set<string>();

  /** `campaign`: nothing is told of others; null: everything of all. */
  constructor(campaign: string | null) {
    this.#campaign = campaign;
  }

  clear(): void {
    this.#keys.clear();
  }

  /** From this moment on: its own event, and those that its campaigns were asked about. */
  follow({ cause, campaigns }: ExplainedMoment): void {
    if (cause.kind === 'event') this.#keys.add(keyOf(cause));
    for (const { event } of this.#of(campaigns)) this.#keys.add(keyOf(event));
  }

  /** The moment with what it says of these events; null: nothing. */
  partOf(moment: ExplainedMoment): ExplainedMoment | null {
    const campaigns = this.#of(moment.campaigns).filter(({ event }) => this.#keys.has(keyOf(event)));
    return campaigns.length === 0 ? null : { ...moment, campaigns };
  }

  /** The moment with the one campaign that is asked about. */
  narrowed(moment: ExplainedMoment): ExplainedMoment {
    return this.#campaign === null ? moment : { ...moment, campaigns: this.#of(moment.campaigns) };
  }

  isPending(state: PartitionState, customer: string): boolean {
    const row = state.find(customer);
    if (row < 0) return false;
    const stores = state.shadow === null ? [state.pending] : [state.pending, state.shadow.pending];
    return stores.some((store) => store.has(row) && store.list(row).some((entry) => this.#isOf(entry, state)));
  }

  #isOf(entry: PendingEntry, state: PartitionState): boolean {
    if (!FOLLOWED_KINDS.has(entry.kind)) return false;
    if (this.#campaign !== null && state.textOf(entry.campaign) !== this.#campaign) return false;
    const { event } = readPayload(entry);
    return event !== null && this.#keys.has(keyOf({ ...event, id: event.id ?? null, ts: formatRfc3339(event.ts) }));
  }

  #of(campaigns: readonly CampaignVerdict[]): readonly CampaignVerdict[] {
    return this.#campaign === null ? campaigns : campaigns.filter(({ campaign }) => campaign === this.#campaign);
  }
}

function keyOf({ id, type, ts }: CampaignVerdict['event']): string {
  return `${type} ${ts} ${id ?? ''}`;
}
