/**
 * Everything a partition knows about its customers, in columns of one reserved memory (arena.ts). One writer;
 * deterministic: the same calls in the same order give the same state everywhere, also when a part of them ran before
 * a snapshot and the rest after its restoration. That includes which calls find the dictionary, the heap or the table
 * full.
 *
 * Rows 1 … customers are customers; row 0 is a scratch row for events without one. Law: *call `beginChange(row)`
 * before the first store to a row for each event* (a running snapshot copies the row's group then). No call takes
 * longer because there are more customers; `configure`, `digest`, snapshots as a whole and restoration excepted.
 */
import type { ProfileFrame } from '../protocol/frame.ts';
import { assert } from '../stdx/assert.ts';
import { AggregateImages } from './aggregate-images.ts';
import type { StateLimits } from './arena.ts';
import { type ScanColumn, type ScanMemory, scanColumn } from './column-view.ts';
import { ContactCursor } from './contacts.ts';
import { compileGather, type Gather } from './gather.ts';
import { createIdSeed, type IdSeed } from './id-hash.ts';
import type { ProfileLayout } from './layout.ts';
import { compileObservations, type Observations } from './observations.ts';
import type { PendingStore } from './pending.ts';
import type { RecentEvents } from './recent-events.ts';
import { Restoration } from './restore.ts';
import { ShadowState } from './shadow-state.ts';
import { RunningSnapshot, type StateSnapshot } from './snapshot.ts';
import { StateDigest } from './state-digest.ts';
import { createStateParts, type StateParts } from './state-parts.ts';

export type { Gather } from './gather.ts';
export type { IdSeed } from './id-hash.ts';
export type { Observations } from './observations.ts';
export type { StateSnapshot } from './snapshot.ts';

/** What one store may allocate besides the row's directory: its own block, and a set that a bucket refers to. */
const BLOCKS_PER_STORE_MAX = 2;

export class PartitionState {
  readonly anonymousRow = 0;
  /** The decisions made for a customer, newest first: `open(row)`, then `older()`. */
  readonly contacts: ContactCursor;
  /** What is to happen to customers later. */
  readonly pending: PendingStore;
  /** Events remembered for sequences. */
  readonly recent: RecentEvents;
  readonly #parts: StateParts;
  #snapshot: RunningSnapshot | null = null;
  #restoration: Restoration | null = null;
  readonly #recalled = { first: 0, count: 0 };

  /** `memory` from reserveMemory with the same limits, fresh. */
  constructor(memory: WebAssembly.Memory, limits: StateLimits) {
    this.#parts = createStateParts(memory, limits);
    this.contacts = new ContactCursor(this.#parts.contacts, this.#parts.blocks.heap);
    this.pending = this.#parts.pending;
    this.recent = this.#parts.recent;
  }

  /**
   * Adopts a layout: an attribute of the same name and type, an aggregate of the same name and signature keep their
   * data, others start empty, those that are gone are dropped. Returns why it cannot (an attribute changed its type;
   * no room), and then nothing changed.
   */
  configure(layout: ProfileLayout): string | null {
    const { profile, keys } = this.#parts;
    return profile.configure(layout, keys.count + 1, (taken) => this.#snapshot?.beforeReuse(taken));
  }

  /** What shadow campaigns leave behind; null: there are none. */
  get shadow(): ShadowState | null {
    return this.#parts.shadow;
  }

  /** A version has campaigns in shadow, or none any more: nothing may be pending for them then. */
  keepShadow(keeps: boolean): void {
    const { shadow, blocks } = this.#parts;
    if (keeps === (shadow !== null)) return;
    shadow?.drop();
    this.#parts.shadow = keeps ? new ShadowState(blocks, null) : null;
  }

  // --- Customers ---------------------------------------------------------------------------------------------------------------

  /** Rows in use, without the anonymous one. */
  get customers(): number {
    return this.#parts.keys.count;
  }

  /** The customer's row, or -1. */
  find(customer: string): number {
    const entry = this.#parts.keys.find(customer);
    return entry < 0 ? -1 : entry + 1;
  }

  /** The customer's row, created if needed; -1 when there is no room for another customer. */
  ensure(customer: string): number {
    const entry = this.#parts.keys.intern(customer);
    return entry < 0 ? -1 : entry + 1;
  }

  /** Whether `ensure` would give a row. */
  hasRoomFor(customer: string): boolean {
    return this.#parts.keys.hasRoomFor(customer);
  }

  /**
   * For a batch of events: rows[i] = the row of the customer whose ASCII id stands in bytes from starts[i] to ends[i],
   * -1 if there is none yet, for i < count; the anonymous row where that is empty.
   */
  findBatch(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, count: number, rows: Int32Array): void {
    this.#parts.keys.findBatch(bytes, starts, ends, count, rows, 1);
  }

  /** As `find`, of the ASCII id in bytes start … end - 1. */
  findBytes(bytes: Uint8Array, start: number, end: number): number {
    const entry = this.#parts.keys.findBytes(bytes, start, end);
    return entry < 0 ? -1 : entry + 1;
  }

  /** As `ensure`, of the ASCII id in bytes start … end - 1. */
  ensureBytes(bytes: Uint8Array, start: number, end: number): number {
    const entry = this.#parts.keys.internBytes(bytes, start, end);
    return entry < 0 ? -1 : entry + 1;
  }

  /** Loads what stores to these rows begin with, all at once: changes nothing, and saves each of them a wait. */
  touchRows(rows: Int32Array, count: number): void {
    this.#parts.blocks.touch(rows, count);
  }

  customerOf(row: number): string {
    assert(row >= 1 && row <= this.customers, 'customerOf: no such row');
    return this.#parts.keys.textOf(row - 1);
  }

  /** Makes the anonymous row empty, but for what is pending: before each event without a customer. */
  clearAnonymous(): void {
    this.beginChange(0);
    this.#parts.profile.clearRow(0);
    this.#parts.consents.clear(0);
    this.#parts.blocks.releaseAllBut(0, this.pending.ordinal);
  }

  beginChange(row: number): void {
    if (this.#snapshot !== null) this.#snapshot.beforeChange(row);
  }

  // --- Profile -----------------------------------------------------------------------------------------------------------------

  /** bool as 0 or 1, int, double, timestamp as epoch ms. */
  setNumber(slot: number, row: number, value: number): void {
    this.#parts.profile.attribute(slot).setNumber(row, value);
  }

  /** false: the dictionary is full, nothing changed. */
  setText(slot: number, row: number, value: string): boolean {
    return this.#parts.profile.attribute(slot).setText(row, value);
  }

  /** false: dictionary or heap full, or more than LIST_ATTRIBUTE_LENGTH_MAX elements; nothing changed. */
  setList(slot: number, row: number, values: readonly string[]): boolean {
    return this.#parts.profile.attribute(slot).setList(row, values);
  }

  unset(slot: number, row: number): void {
    this.#parts.profile.attribute(slot).unset(row);
  }

  /**
   * Folds one observation into an aggregate. logTime: the partition's, this event included; an event later than that counts at logTime. `number` for bool, int, double,
   * timestamp; `text` for string. false: heap or dictionary full, nothing changed.
   */
  observe(slot: number, row: number, eventTs: number, logTime: number, number: number, text: string): boolean {
    const { profile } = this.#parts;
    this.#tickAt(logTime);
    return profile.aggregate(slot).observe(row, Math.min(eventTs, logTime), logTime, number, text);
  }

  /** `observe` for all aggregates of one event type at once. Valid until a `configure` that drops or moves one of them. */
  compileObservations(slots: readonly number[]): Observations {
    const { profile } = this.#parts;
    const stores = slots.map((slot) => profile.aggregate(slot));
    return compileObservations(stores, (logTime) => this.#tickAt(logTime));
  }

  /** To read and fill the aggregates of these slots apart from events. Valid until a `configure` that drops one of them. */
  aggregateImages(slots: readonly number[]): AggregateImages {
    const { profile, blocks, dictionary } = this.#parts;
    const stores = slots.map((slot) => profile.aggregate(slot));
    return new AggregateImages(stores, blocks.heap, dictionary, (row) => this.beginChange(row));
  }

  /**
   * Whether any `stores` calls of observe and setList for one row would find room in the heap, so that an event can be applied whole or not at all. Near the limit it may say
   * no to an event that would just have fitted, but it says so at every replay. For the dictionary, `intern` beforehand.
   */
  hasRoom(stores: number): boolean {
    const { blocks, profile } = this.#parts;
    return blocks.heap.hasSpare(stores * BLOCKS_PER_STORE_MAX + 1, profile.storeUnitsMax);
  }

  /**
   * As `hasRoom`; where there is none, some of what has expired is reclaimed first: while all events are refused nothing else would. Call it once for each event that
   * `hasRoom` refused, or replay would reclaim at another pace.
   */
  makeRoom(stores: number): boolean {
    if (this.hasRoom(stores)) return true;
    this.#sweep();
    return this.hasRoom(stores);
  }

  /** Log time is `logTime` by now: what has expired may be reclaimed, and no read will ask for an earlier time. */
  passTime(logTime: number): void {
    const { sweep } = this.#parts;
    if (logTime > sweep.logTime) sweep.logTime = logTime;
  }

  /**
   * Writes these slots of a row, as of logTime, into the frame; attributes with their defaults. Changes nothing. Lists are valid until the frame is gathered again.
   */
  gather(row: number, slots: Int32Array | readonly number[], logTime: number, into: ProfileFrame): void {
    this.#parts.profile.gather(row, slots, logTime, into);
  }

  /** `gather` of these slots. Valid until a `configure` that drops or moves one of them. */
  compileGather(slots: ArrayLike<number>): Gather {
    return compileGather(slots, (slot) => this.#parts.profile.reader(slot));
  }

  /** Where the values of a profile slot lie, for scans over all rows from any thread. */
  scanColumn(slot: number): ScanColumn {
    return scanColumn(this.#parts.profile, slot);
  }

  get scanMemory(): ScanMemory {
    return this.#parts.scan;
  }

  // --- Names -------------------------------------------------------------------------------------------------------------------

  /** A code for a name, the same for the life of the partition; -1 when the dictionary is full. */
  intern(text: string): number {
    return this.#parts.dictionary.intern(text);
  }

  /** The code of a string, or -1 if it was never interned. */
  codeOf(text: string): number {
    return this.#parts.dictionary.find(text);
  }

  textOf(code: number): string {
    assert(code >= 0 && code < this.#parts.dictionary.count, 'textOf: no such code');
    return this.#parts.dictionary.textOf(code);
  }

  // --- Consent, by the channel name's code -------------------------------------------------------------------------------------

  /** 0 unset, 1 granted, 2 denied. */
  consent(row: number, channelCode: number): number {
    return this.#parts.consents.get(row, channelCode);
  }

  /** false: CONSENT_CHANNELS_MAX other channels have consent recorded; nothing changed. */
  setConsent(row: number, channelCode: number, state: number): boolean {
    return this.#parts.consents.set(row, channelCode, state);
  }

  consentsOf(row: number): { channelCode: number; state: number }[] {
    return this.#parts.consents.of(row);
  }

  // --- Contacts ----------------------------------------------------------------------------------------------------------------

  /**
   * Adds a customer's newest contact, without flags; ts never less than that of the one before. Codes -1: none. false: no room, see contactRoom; nothing changed.
   */
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
    const { contacts } = this.#parts;
    return contacts.add(
      row,
      ts,
      campaignCode,
      channelCode,
      offerCode,
      decisionNumber,
      groupCode,
      categoryCode,
      variantCode,
    );
  }

  /** Puts `contacts` at the contact of this decision; false if the customer has none. */
  findContact(row: number, decisionNumber: number): boolean {
    return this.contacts.find(row, decisionNumber);
  }

  /** Sets the 8 flag bits of a contact and leaves `contacts` at it; false if there is no such contact. */
  setContactFlags(row: number, decisionNumber: number, flags: number): boolean {
    if (!this.contacts.find(row, decisionNumber)) return false;
    this.contacts.setFlags(flags);
    return true;
  }

  /** Whether addContact would succeed now. */
  contactRoom(row: number): boolean {
    return this.#parts.contacts.hasRoom(row);
  }

  /** Drops the contacts with ts < beforeTs. */
  forgetContacts(row: number, beforeTs: number): void {
    this.#parts.contacts.forget(row, beforeTs);
  }

  /** Drops the contacts that `keep` does not want; never for want of memory. */
  retainContacts(row: number, keep: (ts: number, offerCode: number) => boolean): void {
    this.#parts.contacts.retain(row, keep);
  }

  // --- Remembered event ids ----------------------------------------------------------------------------------------------------

  // By the customer's row, which never moves; anonymous events by row 0. A customer without a row remembers nothing.

  /** What ids of one event type are looked up with: make it once. */
  idSeed(type: string): IdSeed {
    return createIdSeed(type);
  }

  /** Where the event id is remembered, or -1, also for row -1. Valid until the next `remember`. */
  recall(row: number, seed: IdSeed, id: string): number {
    return this.#parts.eventIds.find(row, seed, id);
  }

  /**
   * Prepares recallPrepared and rememberPrepared for a batch, so that ids are hashed once and their memory is met all at once: the ASCII ids from starts[i] to ends[i] of
   * events of type seeds[i]. rows[i] only hints at where to look: it may be -1 for a customer who gets a row meanwhile.
   */
  prepareIds(
    rows: Int32Array,
    seeds: readonly IdSeed[],
    bytes: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    count: number,
  ): void {
    this.#parts.eventIds.prepare(rows, seeds, bytes, starts, ends, count);
  }

  /** `recall` of id `index` of the last `prepareIds`. */
  recallPrepared(index: number, row: number): number {
    return this.#parts.eventIds.findPrepared(index, row);
  }

  /** `remember` of id `index` of the last `prepareIds`. */
  rememberPrepared(index: number, row: number, firstDecision: number, decisionCount: number): void {
    this.#beforeRemembering();
    this.#parts.eventIds.addPrepared(index, row, firstDecision, decisionCount);
  }

  /** What `remember` was given. One object, overwritten by the next call. */
  recalledDecision(entry: number): { readonly first: number; readonly count: number } {
    this.#recalled.first = this.#parts.eventIds.firstDecision(entry);
    this.#recalled.count = this.#parts.eventIds.decisionCount(entry);
    return this.#recalled;
  }

  /** Remembers an id that `recall` did not find, of a row that is there; forgets the oldest if there are as many as the limits allow. */
  remember(row: number, seed: IdSeed, id: string, firstDecision: number, decisionCount: number): void {
    this.#beforeRemembering();
    this.#parts.eventIds.add(row, seed, id, firstDecision, decisionCount);
  }

  #beforeRemembering(): void {
    if (this.#snapshot === null) return;
    const { eventIds } = this.#parts;
    this.#snapshot.beforeForgetting(eventIds.total - eventIds.max);
  }

  // --- Whole -------------------------------------------------------------------------------------------------------------------

  /**
   * 16 hex digits of the logical content at logTime: independent of rows, places, codes and batching, of remembered
   * event ids and of what has expired. Reads every row.
   */
  digest(logTime: number): string {
    const digest = new StateDigest(this.#parts, logTime);
    digest.add(0, this.customers + 1);
    return digest.text;
  }

  /** Bytes touched so far, nearly. */
  get memoryBytes(): number {
    const { keys, dictionary, blocks, consents, eventIds, profile } = this.#parts;
    const rows = keys.count + 1;
    let perRow = 4 + consents.touchedBytesPerRow;
    for (const column of profile.columns()) perRow += column.bytesPerRow;
    const indexes =
      keys.touchedBytes +
      dictionary.touchedBytes +
      eventIds.touchedBytes +
      this.pending.queueBytes +
      (this.shadow?.pending.queueBytes ?? 0);
    return Math.round(indexes + blocks.heap.touchedBytes + rows * perRow);
  }

  /**
   * Starts a snapshot of the state as it is now; its digest will be that at logTime. One at a time: run its `step`
   * until null, or abandon it.
   */
  beginSnapshot(logTime: number): StateSnapshot {
    assert(this.#snapshot === null, 'a snapshot is running already');
    this.#snapshot = new RunningSnapshot(this.#parts, logTime, () => {
      this.#snapshot = null;
    });
    return this.#snapshot;
  }

  /**
   * Adds one section of a snapshot, in the order of `step`, to a fresh PartitionState of equal or larger limits; then
   * call finishRestore.
   */
  restore(section: Uint8Array): void {
    this.#restoration ??= new Restoration(this.#parts);
    this.#restoration.add(section);
  }

  finishRestore(): void {
    assert(this.#restoration !== null, 'finishRestore without restore');
    this.#restoration.finish();
    this.#restoration = null;
  }

  #tickAt(logTime: number): void {
    this.passTime(logTime);
    if (this.#parts.sweep.count()) this.#sweep();
  }

  #sweep(): void {
    this.#parts.sweep.step(this.customers + 1, (row) => this.beginChange(row));
  }
}
