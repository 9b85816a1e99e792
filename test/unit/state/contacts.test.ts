import { describe, expect, it } from 'vitest';
import { CONTACTS_PER_CUSTOMER_MAX } from '../../../src/constants.ts';
import { reserveMemory, type StateLimits } from '../../../src/state/arena.ts';
import { PartitionState } from '../../../src/state/partition-state.ts';

const LIMITS: StateLimits = {
  customersMax: 100,
  dictionaryEntriesMax: 10,
  dictionaryBytesMax: 100,
  blockBytesMax: 1 << 18,
  eventIdsMax: 1,
};

function times(state: PartitionState, row: number): number[] {
  const list = [];
  for (let more = state.contacts.open(row); more; more = state.contacts.older()) list.push(state.contacts.ts);
  return list;
}

describe('contacts', () => {
  it('walks newest first with everything that was added', () => {
    const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
    const row = state.ensure('a');
    expect(state.contacts.open(row)).toBe(false);
    expect(state.addContact(row, 10, 1, 2, -1, 2 ** 40, 6, 7, 8)).toBe(true);
    expect(state.addContact(row, 10, 3, 4, 5, 7, -1, -1, -1)).toBe(true);
    const { contacts } = state;
    expect(contacts.open(row)).toBe(true);
    expect([contacts.ts, contacts.campaign, contacts.channel, contacts.offer, contacts.decision]).toEqual([
      10, 3, 4, 5, 7,
    ]);
    expect(contacts.older()).toBe(true);
    expect([contacts.campaign, contacts.channel, contacts.offer, contacts.decision]).toEqual([1, 2, -1, 2 ** 40]);
    expect([contacts.group, contacts.category, contacts.variant]).toEqual([6, 7, 8]);
    expect(contacts.older()).toBe(false);
    expect(contacts.older()).toBe(false);
  });

  it('finds a contact by its decision and keeps its flags', () => {
    const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
    const row = state.ensure('a');
    const numbers = [1, 2 ** 31, 2 ** 32 + 1, 2 ** 53 - 1];
    for (const number of numbers) expect(state.addContact(row, number, 1, 2, 3, number, 4, 5, 6)).toBe(true);
    expect(state.findContact(row, 2)).toBe(false);
    expect(state.setContactFlags(row, 2, 1)).toBe(false);
    for (const number of numbers) {
      expect(state.findContact(row, number)).toBe(true);
      expect([state.contacts.decision, state.contacts.flags, state.contacts.ts]).toEqual([number, 0, number]);
      const digest = state.digest(0);
      expect(state.setContactFlags(row, number, 255)).toBe(true);
      expect(state.digest(0)).not.toBe(digest);
      expect(state.setContactFlags(row, number, 0x91)).toBe(true);
      expect([state.contacts.decision, state.contacts.flags]).toEqual([number, 0x91]);
      expect(state.findContact(row, number)).toBe(true);
      expect([state.contacts.decision, state.contacts.flags]).toEqual([number, 0x91]);
    }
    state.retainContacts(row, (ts) => ts !== 1);
    expect(state.findContact(row, 1)).toBe(false);
    expect(state.findContact(row, 2 ** 53 - 1)).toBe(true);
    expect(state.contacts.flags).toBe(0x91);
  });

  it('is full at its bound, and has room after forgetting', () => {
    const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
    const row = state.ensure('a');
    for (let ts = 0; ts < CONTACTS_PER_CUSTOMER_MAX; ts++) {
      expect(state.contactRoom(row)).toBe(true);
      expect(state.addContact(row, ts, 0, 0, 0, ts, -1, -1, -1)).toBe(true);
    }
    expect(state.contactRoom(row)).toBe(false);
    expect(state.addContact(row, 5000, 0, 0, 0, 0, -1, -1, -1)).toBe(false);
    state.forgetContacts(row, 1);
    expect(state.contactRoom(row)).toBe(true);
    expect(state.addContact(row, 5000, 0, 0, 0, 0, -1, -1, -1)).toBe(true);
    expect(times(state, row)).toEqual([5000, ...Array.from({ length: 1023 }, (_, i) => 1023 - i)]);
    state.forgetContacts(row, 6000);
    expect(times(state, row)).toEqual([]);
  });

  it('stays bounded while it rolls', () => {
    const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
    const row = state.ensure('a');
    for (let ts = 0; ts < 10_000; ts++) {
      state.forgetContacts(row, ts - 10);
      expect(state.addContact(row, ts, 0, 0, 0, ts, -1, -1, -1)).toBe(true);
    }
    expect(times(state, row)).toEqual(Array.from({ length: 11 }, (_, i) => 9_999 - i));
  });

  it('promises room exactly where there is some', () => {
    const limits = { ...LIMITS, blockBytesMax: 3000 };
    const state = new PartitionState(reserveMemory(limits), limits);
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      const row = state.ensure(`customer-${i % 40}`);
      const room = state.contactRoom(row);
      expect(state.addContact(row, i, 0, 0, 0, i, -1, -1, -1)).toBe(room);
      if (!room) refused++;
    }
    expect(refused).toBeGreaterThan(0);
  });
});
