/** Units come back once, and only where somebody can use them. */
import { describe, expect, test } from 'vitest';
import { Accounting } from '../../../src/machine/accounting.ts';
import { ActiveWorkspace } from '../../../src/machine/active-workspace.ts';
import { HeldUnits } from '../../../src/machine/aftermath/held-units.ts';
import { ContactFlag } from '../../../src/machine/decide/contact-flags.ts';
import { reserveMemory } from '../../../src/state/arena.ts';
import { PartitionState } from '../../../src/state/partition-state.ts';
import { SMALL_LIMITS, workspaceOf } from '../../support/machine-fixture.ts';

const NOON = Date.parse('2010-12-01T12:00:00Z');
const HOUR = 3_600_000;
/** 2010-12-01 in Berlin, where a day begins at 23:00 UTC. */
const TODAY = 14_944;
const KEYS = ['total/a', `day/a/${TODAY}`, 'offer/gift'];

class Bench {
  readonly state = new PartitionState(reserveMemory(SMALL_LIMITS), SMALL_LIMITS);
  readonly returned: string[] = [];
  readonly row: number;
  readonly units: HeldUnits;

  constructor() {
    const workspace = workspaceOf({
      'workspace.yaml': 'name: test\ntimezone: Europe/Berlin\nchannels: [push]\n',
      'offers.yaml': 'gift: {title: A gift}\n',
      'campaigns/a.yaml': 'id: a\non: receipt\nchannels: [push]\noffer: gift\n',
    });
    const active = new ActiveWorkspace(workspace, this.state, new Accounting());
    this.units = new HeldUnits(this.state, active, (keys) => this.returned.push(...keys));
    this.row = this.state.ensure('ann');
  }

  contact(number: number, now: number): void {
    const code = (text: string): number => this.state.intern(text);
    expect(this.state.addContact(this.row, now, code('a'), code('push'), code('gift'), number, -1, -1, -1)).toBe(true);
  }

  flag(number: number, flag: number): void {
    this.state.findContact(this.row, number);
    this.state.setContactFlags(this.row, number, this.state.contacts.flags | flag);
  }
}

describe('units of a decision', () => {
  test('come back once when it fails', () => {
    const { units, row, returned } = contacted(KEYS);
    expect(units.giveBack(row, 1, NOON + HOUR)).toBe(true);
    expect(returned).toEqual(KEYS);
    expect(units.giveBack(row, 1, NOON + HOUR)).toBe(false);
    expect(returned).toHaveLength(3);
  });

  test('only those that it took', () => {
    const { units, row, returned } = contacted(['total/a']);
    units.giveBack(row, 1, NOON);
    expect(returned).toEqual(['total/a']);
    const none = contacted([]);
    expect(none.units.giveBack(none.row, 1, NOON)).toBe(false);
  });

  test('those of a day on that day only, by the clock of the workspace', () => {
    const late = contacted(KEYS);
    late.units.giveBack(late.row, 1, NOON + 11 * HOUR);
    expect(late.returned).toEqual(['total/a', 'offer/gift']);
    const intime = contacted(KEYS);
    intime.units.giveBack(intime.row, 1, NOON + 11 * HOUR - 1);
    expect(intime.returned).toEqual(KEYS);
    // Taken before midnight for a decision that was made after it.
    const before = contacted(['total/a', `day/a/${TODAY - 1}`]);
    before.units.giveBack(before.row, 1, NOON);
    expect(before.returned).toEqual(['total/a']);
  });

  test('never where it was used', () => {
    const bench = contacted(KEYS);
    bench.flag(1, ContactFlag.converted);
    expect(bench.units.giveBack(bench.row, 1, NOON)).toBe(false);
    expect(bench.returned).toEqual([]);
  });

  test('are carried on by a follow-up, or bound', () => {
    const bench = contacted(KEYS);
    bench.contact(2, NOON + 13 * HOUR);
    bench.units.move(bench.row, 1, 2, NOON + 13 * HOUR);
    expect(bench.units.giveBack(bench.row, 1, NOON + 13 * HOUR)).toBe(false);
    expect(bench.units.giveBack(bench.row, 2, NOON + 13 * HOUR)).toBe(true);
    // The day of the first decision was over when the second was made.
    expect(bench.returned).toEqual(['total/a', 'offer/gift']);

    const bound = contacted(KEYS);
    bound.units.bind(bound.row, 1, NOON);
    expect(bound.units.giveBack(bound.row, 1, NOON)).toBe(false);
  });

  test('come back by their keys where the contact is forgotten', () => {
    const { units, row, returned } = contacted(KEYS);
    units.giveBackKeys(row, 99, KEYS, NOON + 13 * HOUR);
    expect(returned).toEqual(['total/a', 'offer/gift']);
    units.giveBackKeys(row, 1, ['offer/gift'], NOON);
    expect(units.giveBack(row, 1, NOON)).toBe(false);
  });
});

/** Decision 1 at noon, with a unit of each key. */
function contacted(keys: readonly string[]): Bench {
  const bench = new Bench();
  bench.contact(1, NOON);
  bench.units.hold(bench.row, 1, keys, NOON);
  return bench;
}
