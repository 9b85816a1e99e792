/**
 * The digest of a partition's logical content: the sum over customers of a 64-bit hash of each one's id, attributes, live window buckets, consents and contacts. Two states that no read can tell apart have the same one, whatever
 * the order of their rows, the places of their columns and the numbering of their codes.
 */
import { fmix32 } from '../stdx/hash.ts';
import { RowDigest } from './row-digest.ts';
import type { StateParts } from './state-parts.ts';
import { TextHash } from './text-hash.ts';

export function digestState(parts: StateParts, logTime: number): string {
  const row = new RowDigest();
  const hash = new TextHash();
  const names = { consent: nameHash('consent'), contacts: nameHash('contacts') };
  let low = 0;
  let high = 0;
  for (let at = 1; at <= parts.keys.count; at++) {
    row.begin();
    parts.profile.digest(at, logTime, row);
    digestConsents(parts, at, row, names.consent, hash);
    digestContacts(parts, at, row, names.contacts, hash);
    parts.keys.hashOf(at - 1, hash);
    const a = fmix32(hash.low ^ row.low);
    const b = fmix32((hash.high ^ row.high) + a);
    low = (low + fmix32(a + b)) >>> 0;
    high = (high + b) >>> 0;
  }
  return hex(high) + hex(low);
}

function digestConsents(parts: StateParts, row: number, digest: RowDigest, name: TextHash, hash: TextHash): void {
  const { consents, dictionary } = parts;
  for (let channel = 0; channel < consents.channels.length; channel++) {
    const state = consents.stateAt(row, channel);
    if (state === 0) continue;
    digest.beginField(name);
    dictionary.hashOf(consents.channels[channel] as number, hash);
    digest.text(hash);
    digest.word(state);
    digest.endField();
  }
}

function digestContacts(parts: StateParts, row: number, digest: RowDigest, name: TextHash, hash: TextHash): void {
  const { contacts, dictionary } = parts;
  const count = contacts.count(row);
  if (count === 0) return;
  const { doubles, ints } = parts.blocks.heap;
  digest.beginField(name);
  digest.word(count);
  const first = contacts.first(row);
  for (let at = first; at < first + count * 4; at += 4) {
    digest.double(doubles[at] as number);
    digest.double(doubles[at + 1] as number);
    for (let word = at * 2 + 4; word < at * 2 + 7; word++) {
      const code = ints[word] as number;
      if (code >= 0) {
        dictionary.hashOf(code, hash);
        digest.text(hash);
      } else digest.word(-1);
    }
  }
  digest.endField();
}

function nameHash(name: string): TextHash {
  const hash = new TextHash();
  hash.of(name);
  return hash;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
