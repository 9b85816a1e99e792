/**
 * The digest of a partition's logical content: the sum over customers of a 64-bit hash of each one's id, attributes,
 * live window buckets, consents, contacts, pending entries and recent events; and of what is pending for anonymous
 * events. Two states that no read can tell apart have the same one, whatever the
 * order of their rows, the places of their columns and the numbering of their codes.
 */
import { assert } from '../stdx/assert.ts';
import { fmix32 } from '../stdx/hash.ts';
import { type Contacts, UNITS_PER_CONTACT } from './contacts.ts';
import type { AggregateField, AttributeField } from './profile-field.ts';
import { RowDigest } from './row-digest.ts';
import type { StateParts } from './state-parts.ts';
import { TextHash } from './text-hash.ts';

/**
 * Collects rows, which may change once they have been added. The layout is the one at construction, whatever follows.
 */
export class StateDigest {
  readonly #parts: StateParts;
  readonly #logTime: number;
  readonly #attributes: readonly AttributeField[];
  readonly #aggregates: readonly AggregateField[];
  readonly #row = new RowDigest();
  readonly #hash = new TextHash();
  readonly #consent = nameHash('consent');
  readonly #contacts = nameHash('contacts');
  readonly #pending = nameHash('pending');
  readonly #recent = nameHash('recent');
  readonly #shadowContacts = nameHash('shadow contacts');
  readonly #shadowPending = nameHash('shadow pending');
  readonly #shadowRecent = nameHash('shadow recent');
  readonly #anonymous = nameHash('anonymous');
  #low = 0;
  #high = 0;

  constructor(parts: StateParts, logTime: number) {
    this.#parts = parts;
    this.#logTime = logTime;
    this.#attributes = parts.profile.attributes;
    this.#aggregates = parts.profile.aggregates;
  }

  /** Of the rows added so far, in any order: 16 hex digits. */
  get text(): string {
    return hex(this.#high) + hex(this.#low);
  }

  /** Rows `first` to first + rows - 1, whole groups of SNAPSHOT_GROUP_ROWS but for the last; of row 0 counts what is pending. */
  add(first: number, rows: number): void {
    assert(first % RowDigest.rowsMax === 0, 'digests are made of whole groups');
    for (let at = first; at < first + rows; at += RowDigest.rowsMax)
      this.#addGroup(at, Math.min(RowDigest.rowsMax, first + rows - at));
  }

  #addGroup(first: number, rows: number): void {
    const digest = this.#row;
    digest.begin(first, rows, this.#parts.blocks.directories);
    for (const { column, name } of this.#attributes) column.digest(name, digest);
    for (const { store, name } of this.#aggregates) store.digest(name, this.#logTime, digest);
    this.#addConsents();
    const { contacts, pending, recent, shadow } = this.#parts;
    digest.eachWithBlocks((row) => {
      this.#addContacts(this.#contacts, contacts, row);
      pending.digest(this.#pending, row, digest, this.#addName);
      recent.digest(this.#recent, row, this.#logTime, digest, this.#addName);
      if (shadow === null) return;
      this.#addContacts(this.#shadowContacts, shadow.kept, row);
      shadow.pending.digest(this.#shadowPending, row, digest, this.#addName);
      shadow.recent.digest(this.#shadowRecent, row, this.#logTime, digest, this.#addName);
    });
    if (first === 0) this.#addAnonymous();
    for (digest.place = first === 0 ? 1 : 0; digest.place < rows; digest.place++) this.#addRow(first + digest.place);
  }

  /** Adds the row whose fields are complete. */
  #addRow(row: number): void {
    this.#parts.keys.hashOf(row - 1, this.#hash);
    this.#addHashed(this.#hash);
  }

  /** What the last anonymous event left in row 0 is nobody's; what is pending there is still to happen. */
  #addAnonymous(): void {
    const digest = this.#row;
    digest.place = 0;
    digest.low[0] = 0;
    digest.high[0] = 0;
    if (!this.#parts.pending.has(0)) return;
    this.#parts.pending.digest(this.#pending, 0, digest, this.#addName);
    this.#addHashed(this.#anonymous);
  }

  #addHashed(hash: TextHash): void {
    const { place, low, high } = this.#row;
    const a = fmix32(hash.low ^ (low[place] as number));
    const b = fmix32((hash.high ^ (high[place] as number)) + a);
    this.#low = (this.#low + fmix32(a + b)) >>> 0;
    this.#high = (this.#high + b) >>> 0;
  }

  #addConsents(): void {
    const { consents, dictionary } = this.#parts;
    const digest = this.#row;
    for (let channel = 0; channel < consents.channels.length; channel++) {
      dictionary.hashOf(consents.channels[channel] as number, this.#hash);
      for (digest.place = 0; digest.place < digest.rows; digest.place++) {
        const state = consents.stateAt(digest.first + digest.place, channel);
        if (state === 0) continue;
        digest.beginField(this.#consent);
        digest.text(this.#hash);
        digest.word(state);
        digest.endField();
      }
    }
  }

  #addContacts(name: TextHash, contacts: Contacts, row: number): void {
    const { blocks } = this.#parts;
    const digest = this.#row;
    const count = contacts.count(row);
    if (count === 0) return;
    const { doubles, ints } = blocks.heap;
    digest.beginField(name);
    digest.word(count);
    const first = contacts.first(row);
    for (let at = first; at < first + count * UNITS_PER_CONTACT; at += UNITS_PER_CONTACT) {
      digest.double(doubles[at] as number);
      // Number and flags.
      digest.word(ints[at * 2 + 2] as number);
      digest.word(ints[at * 2 + 3] as number);
      for (let word = at * 2 + 4; word < (at + UNITS_PER_CONTACT) * 2; word++) this.#addName(ints[word] as number);
    }
    digest.endField();
  }

  readonly #addName = (code: number): void => {
    if (code < 0) {
      this.#row.word(-1);
      return;
    }
    this.#parts.dictionary.hashOf(code, this.#hash);
    this.#row.text(this.#hash);
  };
}

function nameHash(name: string): TextHash {
  const hash = new TextHash();
  hash.of(name);
  return hash;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
