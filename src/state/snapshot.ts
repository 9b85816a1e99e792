/**
 * A snapshot of one partition's memory, taken while the partition goes on: copy-on-write by groups of
 * SNAPSHOT_GROUP_ROWS rows.
 *
 * Law: *the sections hold the state as of `beginSnapshot`.* A row's group is copied before the first change to any of
 * its rows (PartitionState.beginChange), or when its turn comes, whichever is earlier. What is append-only (customer
 * ids, dictionary) needs no copy, only its length then; remembered event ids are copied just before one of them is
 * overwritten. No call does more than one group's or chunk's worth of work, with one exception: when a second layout
 * in the course of one snapshot wants the place of a column that the first one dropped, all that is left is copied.
 *
 * Sections are self-contained byte arrays, little-endian, whose first byte is their kind; framing and checksums are
 * the storage's. The header comes first, the others in the order of their copying:
 *
 *   1 header     text: JSON of SnapshotHeader
 *   2 strings    u8 0 customer ids, 1 dictionary; u32 first entry, u32 entries, then their bytes as in text-index.ts
 *   3 event ids  one run, see event-ids.ts
 *   4 rows       u32 first row, u32 rows; each column of the header in order (column.ts); each consent channel
 *                (consents.ts); u32 rows with a directory, and these (row-blocks.ts)
 *
 * Row 0, the anonymous row, is among the rows: what it holds counts for the room that is left in the heap.
 */
import { SNAPSHOT_CHUNK_ENTRIES, SNAPSHOT_GROUP_ROWS } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { ByteWriter } from '../stdx/bytes.ts';
import type { StoredColumn } from './column.ts';
import type { ProfileLayout } from './layout.ts';
import { columnsOf, ordinalOf } from './profile-field.ts';
import type { FieldPlace } from './profile-table.ts';
import type { Nesting } from './row-blocks.ts';
import type { ShadowImage } from './shadow-state.ts';
import { StateDigest } from './state-digest.ts';
import type { StateParts } from './state-parts.ts';
import type { SweepState } from './sweep.ts';
import type { TextIndex } from './text-index.ts';

/**
 * 2: event ids are remembered by row, and hashes are other ones. 3: their decisions are apart from them. 4: contacts
 * carry group, category, variant and flags; pending entries and recent events. 5: what shadow campaigns keep.
 */
export const STATE_FORMAT = 5;

export const SectionKind = { header: 1, strings: 2, eventIds: 3, rows: 4 } as const;

/** Buffers kept for the sections of later steps, and what most of them have to hold. */
const SPARE_WRITERS_MAX = 8;
const SECTION_BYTES_EXPECTED = 1 << 17;

export interface SnapshotHeader {
  readonly format: typeof STATE_FORMAT;
  readonly customers: number;
  readonly dictionaryEntries: number;
  /** Entries ever remembered, and the oldest still there. */
  readonly eventIdsTotal: number;
  readonly eventIdsOldest: number;
  readonly layout: ProfileLayout;
  /** Attributes, then aggregates. */
  readonly places: readonly FieldPlace[];
  readonly ordinals: readonly {
    readonly state: 'free' | 'live' | 'dying';
    readonly nesting: Nesting;
    readonly passes: number;
  }[];
  /** By class of block: the most that were alive together. */
  readonly carved: readonly number[];
  /** Of all rows, so that a restoration knows whether it has to look for any. */
  readonly pendingEntries: number;
  /** null: no campaign is in shadow. */
  readonly shadow: ShadowImage | null;
  readonly consentChannels: readonly number[];
  readonly sweep: SweepState;
}

/** What the storage drives. */
export interface StateSnapshot {
  /**
   * The next sections, null when there are none left. A bounded amount of work; call it between records until it says
   * null. The bytes are valid until the next step.
   */
  step(): Uint8Array[] | null;
  /** PartitionState.digest of the state that the sections hold. Known once `step` has returned null. */
  readonly digest: string;
  /** Ends it early: the sections are of no use then. */
  abandon(): void;
}

export class RunningSnapshot implements StateSnapshot {
  readonly #parts: StateParts;
  readonly #onEnd: () => void;
  readonly #header: SnapshotHeader;
  readonly #digest: StateDigest;
  readonly #columns: readonly StoredColumn[];
  readonly #rows: number;
  /** 1 where the group has been copied. */
  readonly #copied: Uint8Array;
  /** Copied, not handed out yet; handed out and in use until the next step; to be used again. */
  #ready: ByteWriter[] = [];
  #handedOut: ByteWriter[] = [];
  readonly #spare: ByteWriter[] = [];
  #writer = new ByteWriter(0);
  #headerDone = false;
  #nextKey = 0;
  #nextEntry = 0;
  #nextEventId: number;
  #nextGroup = 0;
  #ended = false;

  /** `onEnd`: called once, when nothing is left to copy. */
  constructor(parts: StateParts, logTime: number, onEnd: () => void) {
    this.#parts = parts;
    this.#onEnd = onEnd;
    this.#header = describe(parts);
    this.#digest = new StateDigest(parts, logTime);
    this.#columns = parts.profile.columns();
    this.#rows = parts.keys.count + 1;
    this.#copied = new Uint8Array(Math.ceil(this.#rows / SNAPSHOT_GROUP_ROWS));
    this.#nextEventId = this.#header.eventIdsOldest;
  }

  step(): Uint8Array[] | null {
    if (this.#ended && this.#ready.length === 0) return null;
    // Fresh memory for every section would cost more than filling it.
    for (const writer of this.#handedOut) if (this.#spare.length < SPARE_WRITERS_MAX) this.#spare.push(writer);
    if (!this.#ended && !this.#advance()) this.#end();
    this.#handedOut = this.#ready;
    this.#ready = [];
    return this.#handedOut.length === 0 && this.#ended ? null : this.#handedOut.map((writer) => writer.bytes());
  }

  get digest(): string {
    assert(this.#ended && this.#ready.length === 0, 'the digest is known when all sections have been taken');
    return this.#digest.text;
  }

  abandon(): void {
    if (this.#ended) return;
    this.#ready = [];
    this.#end();
  }

  beforeChange(row: number): void {
    const group = Math.floor(row / SNAPSHOT_GROUP_ROWS);
    if (group < this.#copied.length && this.#copied[group] === 0) this.#copyGroup(group);
  }

  /** Before event id number `entry` is forgotten. */
  beforeForgetting(entry: number): void {
    while (entry >= this.#nextEventId && this.#nextEventId < this.#header.eventIdsTotal) this.#copyEventIds();
  }

  /** Before strips get new columns: copies all that is left if this snapshot reads any of them. */
  beforeReuse(strips: ReadonlySet<number>): void {
    const needed = this.#columns.some(({ strip, strips: count }) => {
      for (let i = strip; i < strip + count; i++) if (strips.has(i)) return true;
      return false;
    });
    if (!needed) return;
    for (let group = 0; group < this.#copied.length; group++) if (this.#copied[group] === 0) this.#copyGroup(group);
  }

  /** Copies the next part that is left; false if none is. */
  #advance(): boolean {
    if (!this.#headerDone) this.#copyHeader();
    else if (this.#nextKey < this.#header.customers) {
      this.#nextKey = this.#copyStrings(0, this.#parts.keys, this.#nextKey, this.#header.customers);
    } else if (this.#nextEntry < this.#header.dictionaryEntries) {
      this.#nextEntry = this.#copyStrings(1, this.#parts.dictionary, this.#nextEntry, this.#header.dictionaryEntries);
    } else if (this.#nextEventId < this.#header.eventIdsTotal) this.#copyEventIds();
    else return this.#copyNextGroup();
    return true;
  }

  #copyHeader(): void {
    this.#begin(SectionKind.header);
    this.#writer.text(JSON.stringify(this.#header));
    this.#finish();
    // The header must be the first section, whatever was copied before its turn.
    this.#ready.unshift(this.#ready.pop() as ByteWriter);
    this.#headerDone = true;
  }

  #copyStrings(kind: number, index: TextIndex, from: number, end: number): number {
    const to = Math.min(end, from + SNAPSHOT_CHUNK_ENTRIES);
    this.#begin(SectionKind.strings);
    this.#writer.u8(kind);
    this.#writer.u32(from);
    this.#writer.u32(to - from);
    this.#writer.raw(index.stored(from, to));
    this.#finish();
    return to;
  }

  #copyEventIds(): void {
    const end = Math.min(this.#header.eventIdsTotal, this.#nextEventId + SNAPSHOT_CHUNK_ENTRIES);
    this.#begin(SectionKind.eventIds);
    this.#parts.eventIds.writeRun(this.#writer, this.#nextEventId, end);
    this.#finish();
    this.#nextEventId = end;
  }

  #copyNextGroup(): boolean {
    while (this.#nextGroup < this.#copied.length && this.#copied[this.#nextGroup] === 1) this.#nextGroup++;
    if (this.#nextGroup === this.#copied.length) return false;
    this.#copyGroup(this.#nextGroup);
    return true;
  }

  #copyGroup(group: number): void {
    const { blocks, consents } = this.#parts;
    const first = group * SNAPSHOT_GROUP_ROWS;
    const rows = Math.min(SNAPSHOT_GROUP_ROWS, this.#rows - first);
    this.#begin(SectionKind.rows);
    const writer = this.#writer;
    writer.u32(first);
    writer.u32(rows);
    for (const column of this.#columns) column.write(writer, first, rows);
    consents.write(writer, this.#header.consentChannels.length, first, rows);
    const countAt = writer.reserve(4);
    let count = 0;
    for (let i = 0; i < rows; i++) {
      if (blocks.directories[first + i] === 0) continue;
      blocks.writeRow(writer, first + i, i);
      count++;
    }
    writer.setU32(countAt, count);
    this.#finish();
    this.#digest.add(first, rows);
    this.#copied[group] = 1;
  }

  #begin(kind: number): void {
    this.#writer = this.#spare.pop() ?? new ByteWriter(SECTION_BYTES_EXPECTED);
    this.#writer.clear();
    this.#writer.u8(kind);
  }
  #finish(): void {
    this.#ready.push(this.#writer);
  }
  #end(): void {
    this.#ended = true;
    this.#onEnd();
  }
}

function describe(parts: StateParts): SnapshotHeader {
  const { blocks, profile, eventIds, consents, sweep } = parts;
  const fields = [...profile.attributes, ...profile.aggregates];
  return {
    format: STATE_FORMAT,
    customers: parts.keys.count,
    dictionaryEntries: parts.dictionary.count,
    eventIdsTotal: eventIds.total,
    eventIdsOldest: eventIds.oldestHeld,
    layout: {
      attributes: profile.attributes.map((field) => field.layout),
      aggregates: profile.aggregates.map((field) => field.layout),
    },
    places: fields.map((field) => ({
      strips: columnsOf(field).map((column) => column.strip),
      ordinal: ordinalOf(field),
    })),
    ordinals: blocks.ordinals.map(({ state, nesting, passes }) => ({ state, nesting, passes })),
    carved: [...blocks.heap.carved],
    pendingEntries: parts.pending.count,
    shadow: parts.shadow === null ? null : parts.shadow.image(),
    consentChannels: [...consents.channels],
    sweep: { row: sweep.row, logTime: sweep.logTime, calls: sweep.calls },
  };
}
