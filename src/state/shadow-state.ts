/**
 * What campaigns in shadow leave behind: whom they would have contacted, what they wait for, which events their
 * sequences look back at. It stands beside what is kept for live campaigns, with numbers and limits of its own, so that
 * a customer's last place, and the order in which things fall due, are the same with shadow campaigns and without.
 *
 * The memory is shared: where most of it is taken (BlockHeap.nearlyFull) shadow campaigns get no more. Each part has
 * an ordinal of RowBlocks, made with the first version that has a campaign in shadow, and given back with the first
 * that has none: who never has any pays nothing.
 */
import { assert } from '../stdx/assert.ts';
import { ContactCursor, Contacts } from './contacts.ts';
import { PendingStore } from './pending.ts';
import { RecentEvents } from './recent-events.ts';
import type { RowBlocks } from './row-blocks.ts';

/** As a snapshot keeps it. */
export interface ShadowImage {
  /** Of contacts, pending entries, recent events. */
  readonly ordinals: readonly [number, number, number];
  readonly pendingEntries: number;
}

export class ShadowState {
  /** Newest first: `open(row)`, then `older()`. */
  readonly contacts: ContactCursor;
  readonly pending: PendingStore;
  readonly recent: RecentEvents;
  /** For the digest. */
  readonly kept: Contacts;
  readonly #blocks: RowBlocks;

  /** `ordinals`: those of a snapshot; null: new ones. */
  constructor(blocks: RowBlocks, ordinals: ShadowImage['ordinals'] | null) {
    const [contacts, pending, recent] = ordinals ?? [
      blocks.addOrdinal('none'),
      blocks.addOrdinal('list'),
      blocks.addOrdinal('none'),
    ];
    this.#blocks = blocks;
    this.kept = new Contacts(blocks, contacts);
    this.pending = new PendingStore(blocks, pending);
    this.recent = new RecentEvents(blocks, recent);
    this.contacts = new ContactCursor(this.kept, blocks.heap);
  }

  /** Whether shadow campaigns may keep more at all. */
  get hasRoom(): boolean {
    return !this.#blocks.heap.nearlyFull;
  }

  contactRoom(row: number): boolean {
    return this.hasRoom && this.kept.hasRoom(row);
  }

  /** As PartitionState.addContact. A contact dated before the newest one counts at its time: log time goes back where the event that let it pass was refused. */
  addContact(
    row: number,
    ts: number,
    campaignCode: number,
    channelCode: number,
    offerCode: number,
    decisionNumber: number,
    groupCode: number,
    categoryCode: number,
    variantCode: number,
  ): boolean {
    const inOrder = this.contacts.open(row) ? Math.max(ts, this.contacts.ts) : ts;
    return this.kept.add(
      row,
      inOrder,
      campaignCode,
      channelCode,
      offerCode,
      decisionNumber,
      groupCode,
      categoryCode,
      variantCode,
    );
  }

  forgetContacts(row: number, beforeTs: number): void {
    this.kept.forget(row, beforeTs);
  }
  retainContacts(row: number, keep: (ts: number, offerCode: number) => boolean): void {
    this.kept.retain(row, keep);
  }

  image(): ShadowImage {
    return {
      ordinals: [this.kept.ordinal, this.pending.ordinal, this.recent.ordinal],
      pendingEntries: this.pending.count,
    };
  }

  /** Gives everything back: the sweep frees the blocks. Nothing may be pending. */
  drop(): void {
    assert(this.pending.count === 0, 'what was pending has been withdrawn');
    for (const ordinal of this.image().ordinals) this.#blocks.dropOrdinal(ordinal);
  }
}
