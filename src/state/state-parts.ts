/**
 * The parts of one partition's memory, and the way they are carved from the arena: the one place that knows all of
 * them.
 */
import { SCAN_SCRATCH_BYTES } from '../constants.ts';
import { Arena, keyBytesFor, type StateLimits } from './arena.ts';
import { BlockHeap } from './block-heap.ts';
import type { ScanMemory } from './column-view.ts';
import { Consents } from './consents.ts';
import { Contacts } from './contacts.ts';
import { EventIds } from './event-ids.ts';
import { PendingStore } from './pending.ts';
import { ProfileTable } from './profile-table.ts';
import { RecentEvents } from './recent-events.ts';
import { RowBlocks } from './row-blocks.ts';
import type { ShadowState } from './shadow-state.ts';
import { Sweep } from './sweep.ts';
import { TextIndex } from './text-index.ts';

const DICTIONARY_STRINGS_CACHED = 16_384;
const KEY_STRINGS_CACHED = 256;

export interface StateParts {
  /** Customer ids; entry n is row n + 1, because row 0 is the anonymous one. */
  readonly keys: TextIndex;
  readonly dictionary: TextIndex;
  readonly blocks: RowBlocks;
  readonly consents: Consents;
  readonly contacts: Contacts;
  readonly pending: PendingStore;
  readonly recent: RecentEvents;
  /** null: no campaign is in shadow. */
  shadow: ShadowState | null;
  readonly eventIds: EventIds;
  readonly profile: ProfileTable;
  readonly sweep: Sweep;
  readonly scan: ScanMemory;
}

export function createStateParts(memory: WebAssembly.Memory, limits: StateLimits): StateParts {
  const arena = new Arena(memory, limits);
  const customers = limits.customersMax;
  const keys = new TextIndex(arena, customers, keyBytesFor(limits), KEY_STRINGS_CACHED, false);
  const { dictionaryEntriesMax, dictionaryBytesMax } = limits;
  const dictionary = new TextIndex(arena, dictionaryEntriesMax, dictionaryBytesMax, DICTIONARY_STRINGS_CACHED, true);
  const directories = arena.words(arena.rows);
  const consents = new Consents(arena);
  const eventIds = new EventIds(arena, limits.eventIdsMax);
  const blocks = new RowBlocks(new BlockHeap(arena, limits.blockBytesMax), directories);
  // These two first, as many as RowBlocks leaves out of `touch`.
  const pending = new PendingStore(blocks, blocks.addOrdinal('list'));
  const recent = new RecentEvents(blocks, blocks.addOrdinal('none'));
  const contacts = new Contacts(blocks, blocks.addOrdinal('none'));
  const scratch = arena.region(SCAN_SCRATCH_BYTES);
  const profile = new ProfileTable(arena, dictionary, blocks);
  return {
    keys,
    dictionary,
    blocks,
    consents,
    contacts,
    pending,
    recent,
    shadow: null,
    eventIds,
    profile,
    scan: { memory, directories: directories.byteOffset, scratch },
    sweep: new Sweep(blocks),
  };
}
