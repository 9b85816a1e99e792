/**
 * What waits in a partition, as the books see it: entries of state.pending (of state.shadow.pending for campaigns in shadow) with their numbers, their payloads and the
 * campaigns' counts of what is waiting. Entries are numbered 1, 2, 3 … in the partition, in the order in which they
 * begin. A match that waits is counted as waiting from `enter` to `leave`; what hangs on a decision that was made
 * (cascade, goal, expiry) is not.
 *
 * A payload is JSON in UTF-8: {since, event, …body}. `event` is the trigger as it was stored (null where there is
 * none), `body` belongs to whoever entered it.
 */

import type { PartitionState } from '../../state/partition-state.ts';
import type { PendingEntry, PendingHead, PendingStore } from '../../state/pending.ts';
import { assert } from '../../stdx/assert.ts';
import type { Accounting, CampaignAccount, MatchOrigin } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import { PendingKind } from './pending-kind.ts';
import type { StoredEvent } from './stored-event.ts';
import type { Trigger } from './trigger.ts';

/** Where the partition counts its entries: the machine's globals. */
export interface PendingNumbers {
  /** The last entry has this number. */
  pendingCount: number;
  readonly accounting: Accounting;
}

/** What every payload holds; `body` adds to it. */
export interface PendingPayload {
  /** Log time at which the wait began, epoch ms. */
  readonly since: number;
  readonly event: StoredEvent | null;
}

export type { PendingEntry } from '../../state/pending.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export class PendingWaits {
  /** What waits for live campaigns, or for those in shadow. */
  readonly store: PendingStore;
  readonly #state: PartitionState;
  readonly #numbers: PendingNumbers;

  constructor(state: PartitionState, store: PendingStore, numbers: PendingNumbers) {
    this.store = store;
    this.#state = state;
    this.#numbers = numbers;
  }

  /**
   * A new entry of this row; `now` is log time, dueMs Infinity where nothing fires it but its owner. False: there is no room, nothing changed, and the caller counts `full`. `trigger`
   * null: there is no event to keep. `body` must be less than 1 KiB of JSON and name neither `since` nor `event`.
   */
  enter(
    kind: PendingKind,
    campaign: ActiveCampaign,
    row: number,
    now: number,
    dueMs: number,
    trigger: Trigger | null,
    body: object = {},
  ): boolean {
    const payload = encodePayload(now, campaign, trigger, body);
    if (payload === null) return false;
    const number = this.#numbers.pendingCount + 1;
    if (campaign.isShadow && this.#state.shadow?.hasRoom !== true) return false;
    if (!this.store.add(row, number, dueMs, kind, campaign.campaignCode, payload)) return false;
    this.#numbers.pendingCount = number;
    if (countsAsWaiting(kind)) {
      assert(trigger !== null, 'a match is about something');
      campaign.account.beginWait(trigger, now, kind, dueMs);
    } else if (kind === PendingKind.cascade) campaign.account.beginFollowUp(dueMs);
    return true;
  }

  /** Takes an entry away: whoever does it says what became of the match. */
  leave(entry: PendingHead): void {
    this.store.remove(entry.row, entry.number);
    if (!countsAsWaiting(entry.kind)) return;
    this.accountOf(entry).endWait();
  }

  /** Takes an entry away before its time; a match that waited is counted under `reason`. `now` is log time. */
  suppress(entry: PendingHead, reason: number, now: number): void {
    // Before it is gone, who asks what it was about finds it.
    const origin = new WaitOrigin(this.#state, this.store, entry);
    if (countsAsWaiting(entry.kind)) this.accountOf(entry).suppress(reason, origin, now);
    else if (entry.kind === PendingKind.cascade) this.accountOf(entry).endFollowUp(reason, origin, now);
    this.leave(entry);
  }

  /** Of the entry's campaign, also if the active version does not have it any more. */
  accountOf({ campaign }: PendingHead): CampaignAccount {
    const account = this.#numbers.accounting.find(this.#state.textOf(campaign));
    assert(account !== undefined, 'whoever waits has an account');
    return account;
  }
}

/** What a match that waits is about. Valid while the entry is there. */
export class WaitOrigin implements MatchOrigin {
  readonly entry: PendingHead;
  readonly #state: PartitionState;
  readonly #store: PendingStore;

  constructor(state: PartitionState, store: PendingStore, entry: PendingHead) {
    this.#state = state;
    this.#store = store;
    this.entry = entry;
  }

  read(): PendingEntry {
    const { row, number } = this.entry;
    const entry = this.#store.find(row, number);
    assert(entry !== null, 'the entry is there');
    return entry;
  }

  frame(): ReturnType<MatchOrigin['frame']> {
    const { row } = this.entry;
    const { event } = readPayload(this.read());
    assert(event !== null, 'a match that waits keeps its event');
    const customer = row === this.#state.anonymousRow ? '' : this.#state.customerOf(row);
    return { customer, id: event.id ?? '', typeName: event.type, ts: event.ts };
  }
}

/** Whether an entry of this kind is a match that is neither decided nor suppressed yet. */
export function countsAsWaiting(kind: number): boolean {
  return kind === PendingKind.wait || kind === PendingKind.quietHours || kind === PendingKind.units;
}

/** `Body` is what `enter` was given. The bytes are our own. */
export function readPayload<Body extends object = object>({ payload }: PendingEntry): PendingPayload & Body {
  return JSON.parse(decoder.decode(payload)) as PendingPayload & Body;
}

/** null: the event is too large to be kept. */
function encodePayload(
  since: number,
  campaign: ActiveCampaign,
  trigger: Trigger | null,
  body: object,
): Uint8Array | null {
  const event = trigger === null ? 'null' : trigger.stored(campaign);
  if (event === null) return null;
  return encoder.encode(`${JSON.stringify({ since, ...body }).slice(0, -1)},"event":${event}}`);
}
