/**
 * Fills a fresh partition from the sections of a snapshot (snapshot.ts has the format). Sections are trusted: the
 * storage has checked their checksums; what does not fit is a programmer's error.
 */
import { assert } from '../stdx/assert.ts';
import { ByteReader } from '../stdx/bytes.ts';
import { ShadowState } from './shadow-state.ts';
import { SectionKind, type SnapshotHeader, STATE_FORMAT } from './snapshot.ts';
import type { StateParts } from './state-parts.ts';

export class Restoration {
  readonly #parts: StateParts;
  #header: SnapshotHeader | null = null;
  #rows = 0;

  constructor(parts: StateParts) {
    assert(parts.keys.count === 0, 'restore into a partition that has customers');
    assert(
      parts.profile.attributes.length + parts.profile.aggregates.length === 0,
      'restore into a configured partition',
    );
    this.#parts = parts;
  }

  add(section: Uint8Array): void {
    const reader = new ByteReader(section);
    const kind = reader.u8();
    if (kind === SectionKind.header) this.#readHeader(reader);
    else if (kind === SectionKind.strings) this.#readStrings(reader);
    else if (kind === SectionKind.eventIds) this.#parts.eventIds.readRun(reader);
    else if (kind === SectionKind.rows) this.#readRows(reader);
    else assert(false, `snapshot section of unknown kind ${kind}`);
    assert(reader.remaining === 0, `snapshot section of kind ${kind} has bytes left over`);
  }

  /** Builds the tables. */
  finish(): void {
    const header = this.#header;
    assert(header !== null, 'snapshot without a header');
    const { keys, dictionary, eventIds } = this.#parts;
    assert(keys.count === header.customers, 'snapshot lacks customer ids');
    assert(dictionary.count === header.dictionaryEntries, 'snapshot lacks dictionary entries');
    assert(this.#rows === header.customers + 1, 'snapshot lacks rows');
    keys.rebuild();
    dictionary.rebuild();
    eventIds.total = header.eventIdsTotal;
    eventIds.rebuild(header.eventIdsOldest);
    this.#parts.profile.restoreDefaults();
    if (header.pendingEntries > 0) this.#parts.pending.rebuild(this.#rows);
    assert(this.#parts.pending.count === header.pendingEntries, 'snapshot lacks pending entries');
    const { shadow } = this.#parts;
    const shadowEntries = header.shadow?.pendingEntries ?? 0;
    if (shadow !== null && shadowEntries > 0) shadow.pending.rebuild(this.#rows);
    assert((shadow?.pending.count ?? 0) === shadowEntries, 'snapshot lacks pending entries of shadow campaigns');
  }

  #readHeader(reader: ByteReader): void {
    assert(this.#header === null, 'snapshot with two headers');
    const header = JSON.parse(reader.text()) as SnapshotHeader;
    assert(
      header.format === STATE_FORMAT,
      `snapshot of state format ${header.format}, this program reads ${STATE_FORMAT}`,
    );
    const { blocks, consents, sweep } = this.#parts;
    this.#header = header;
    blocks.ordinals.length = 0;
    for (const ordinal of header.ordinals) blocks.ordinals.push({ ...ordinal, expiring: null });
    this.#parts.recent.attach();
    if (header.shadow !== null) this.#parts.shadow = new ShadowState(blocks, header.shadow.ordinals);
    blocks.heap.restoreCarved(Uint32Array.from(header.carved));
    consents.channels.push(...header.consentChannels);
    sweep.row = header.sweep.row;
    sweep.logTime = header.sweep.logTime;
    sweep.calls = header.sweep.calls;
    this.#parts.profile.restore(header.layout, header.places);
  }

  #readStrings(reader: ByteReader): void {
    const index = reader.u8() === 0 ? this.#parts.keys : this.#parts.dictionary;
    const from = reader.u32();
    const count = reader.u32();
    assert(from === index.count, 'snapshot strings out of order');
    index.restore(reader.raw(reader.remaining), count);
  }

  #readRows(reader: ByteReader): void {
    assert(this.#header !== null, 'snapshot rows before the header');
    const { profile, consents, blocks } = this.#parts;
    const first = reader.u32();
    const rows = reader.u32();
    for (const column of profile.columns()) column.read(reader, first, rows);
    consents.read(reader, this.#header.consentChannels.length, first, rows);
    for (let count = reader.u32(); count > 0; count--) blocks.readRow(reader, first + reader.u16());
    this.#rows += rows;
  }
}
