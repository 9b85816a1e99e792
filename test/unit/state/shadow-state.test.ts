import { expect, test } from 'vitest';
import { CONTACTS_PER_CUSTOMER_MAX, WAITS_PER_CUSTOMER_MAX } from '../../../src/constants.ts';
import { reserveMemory, type StateLimits } from '../../../src/state/arena.ts';
import { PartitionState } from '../../../src/state/partition-state.ts';
import type { ShadowState } from '../../../src/state/shadow-state.ts';

const LIMITS: StateLimits = {
  customersMax: 100,
  dictionaryEntriesMax: 10,
  dictionaryBytesMax: 100,
  blockBytesMax: 1 << 18,
  eventIdsMax: 1,
};
const PAYLOAD = Uint8Array.of(1, 2, 3);

function withShadow(): { state: PartitionState; shadow: ShadowState; row: number } {
  const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
  const row = state.ensure('a');
  state.keepShadow(true);
  return { state, shadow: state.shadow as ShadowState, row };
}

function restored(state: PartitionState): PartitionState {
  const copy = new PartitionState(reserveMemory(LIMITS), LIMITS);
  const snapshot = state.beginSnapshot(0);
  for (let sections = snapshot.step(); sections !== null; sections = snapshot.step())
    for (const section of sections) copy.restore(new Uint8Array(section));
  copy.finishRestore();
  return copy;
}

test('what shadow campaigns keep takes no place of the others, and comes in an order of its own', () => {
  const { state, shadow, row } = withShadow();
  for (let i = 1; i <= WAITS_PER_CUSTOMER_MAX; i++)
    expect(shadow.pending.add(row, i, 1000 - i, 1, 0, PAYLOAD)).toBe(true);
  expect(shadow.pending.add(row, 100, 1, 1, 0, PAYLOAD)).toBe(false);
  expect(state.pending.has(row)).toBe(false);
  for (let i = 1; i <= WAITS_PER_CUSTOMER_MAX; i++) expect(state.pending.add(row, i, i, 1, 0, PAYLOAD)).toBe(true);
  expect([state.pending.nextDue, shadow.pending.nextDue]).toEqual([1, 1000 - WAITS_PER_CUSTOMER_MAX]);

  for (let i = 0; i < CONTACTS_PER_CUSTOMER_MAX; i++)
    expect(shadow.addContact(row, i, 1, 2, -1, 0, -1, -1, -1)).toBe(true);
  expect(shadow.contactRoom(row)).toBe(false);
  expect(state.contacts.open(row)).toBe(false);
  expect(state.contactRoom(row)).toBe(true);
  expect(state.findContact(row, 0)).toBe(false);

  shadow.recent.add(row, 5, 0, PAYLOAD, 8, 0);
  expect(state.recent.list(row, 5)).toEqual([]);
  expect(shadow.recent.list(row, 5)).toHaveLength(1);
});

test('a snapshot holds it, and the digest tells it from what is live', () => {
  const { state, shadow, row } = withShadow();
  const bare = state.digest(0);
  shadow.addContact(row, 3, -1, -1, -1, 0, -1, -1, -1);
  const contacted = state.digest(0);
  shadow.pending.add(row, 1, 7, 1, -1, PAYLOAD);
  const waiting = state.digest(0);
  shadow.recent.add(row, 5, -1, PAYLOAD, 8, 0);
  expect(new Set([bare, contacted, waiting, state.digest(0)]).size).toBe(4);
  const live = new PartitionState(reserveMemory(LIMITS), LIMITS);
  live.addContact(live.ensure('a'), 3, -1, -1, -1, 0, -1, -1, -1);
  expect(live.digest(0)).not.toBe(contacted);

  const copy = restored(state);
  expect(copy.digest(0)).toBe(state.digest(0));
  expect(copy.shadow?.pending.nextDue).toBe(7);
  expect(copy.shadow?.contacts.open(row)).toBe(true);
  copy.shadow?.pending.remove(row, 1);
  copy.keepShadow(false);
  expect(restored(copy).shadow).toBeNull();
});

test('it is given back when no campaign is in shadow any more, and begins empty when one is again', () => {
  const { state, shadow, row } = withShadow();
  const bare = state.digest(0);
  shadow.addContact(row, 3, 1, 2, -1, 0, -1, -1, -1);
  shadow.pending.add(row, 1, 7, 1, 0, PAYLOAD);
  expect(() => state.keepShadow(false)).toThrow('withdrawn');
  shadow.pending.remove(row, 1);
  state.keepShadow(true);
  expect(state.shadow).toBe(shadow);
  state.keepShadow(false);
  expect(state.shadow).toBeNull();
  expect(state.digest(0)).toBe(bare);
  state.keepShadow(true);
  expect(state.shadow?.contacts.open(row)).toBe(false);
  expect(state.digest(0)).toBe(bare);
});

test('a contact that would come before the newest one counts at its time', () => {
  const { shadow, row } = withShadow();
  shadow.addContact(row, 30, 1, 2, -1, 0, -1, -1, -1);
  expect(shadow.addContact(row, 20, 1, 2, -1, 0, -1, -1, -1)).toBe(true);
  expect(shadow.contacts.open(row) && shadow.contacts.ts).toBe(30);
  shadow.retainContacts(row, () => false);
  expect(shadow.contacts.open(row)).toBe(false);
});

test('where most of the memory is taken it gets no more, and live campaigns still do', () => {
  const { state, shadow } = withShadow();
  for (let i = 0; shadow.hasRoom; i++) state.addContact(state.ensure(`c${i % 90}`), i, 1, 2, -1, i + 1, -1, -1, -1);
  const row = state.ensure('c1');
  expect(shadow.contactRoom(row)).toBe(false);
  expect(state.contactRoom(row)).toBe(true);
});
