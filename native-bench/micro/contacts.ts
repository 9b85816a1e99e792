/**
 * Caps, cooldowns and offer limits: one walk over the customer's contacts per event that has a candidate, then a question per channel. Customers have had 0, 1,
 * 10 or 100 contacts within the longest cap.
 */
import { ContactHistory } from '../../src/machine/decide/contact-history.ts';
import { assert } from '../../src/stdx/assert.ts';
import { Prng } from '../../src/stdx/prng.ts';
import type { Suite } from '../suite.ts';
import { customerId, FIRST_TS } from '../workload/kernel.ts';
import { type Case, runCases } from './cases.ts';
import { machineUnder, workspaceOf } from './compiled-workspace.ts';

const CONTACTS = [0, 1, 10, 100];
const CUSTOMERS = 10_000;
const CHECKS = 1000;
const CAMPAIGNS = 20;
const HOUR_MS = 3_600_000;
/** Contacts lie so far apart: a hundred of them are within 30 days. */
const APART_MS = 7 * HOUR_MS;

export const suite: Suite = {
  name: 'contacts',
  about: 'caps, cooldowns and offer limits of a customer with 0 to 100 contacts',
  ratios: [],
  async run(bench) {
    const measured = await runCases(
      bench,
      CONTACTS.map((contacts) => caseOf(contacts, bench.quick ? 100 : CUSTOMERS)),
    );
    bench.series({
      chart: 'check',
      name: 'check',
      xLabel: 'contacts of the customer',
      yLabel: 'ns',
      logX: false,
      logY: false,
      points: CONTACTS.map((contacts) => ({ x: contacts, y: measured.spread(nameOf(contacts)).median })),
    });
    bench.note(
      'Three caps (two a day, one text message a week, 200 in 30 days), a cooldown and an offer limit; two candidates, two channels asked.',
    );
  },
};

function nameOf(contacts: number): string {
  return `check, ${contacts} contact${contacts === 1 ? '' : 's'}`;
}

function caseOf(contacts: number, customers: number): Case {
  const files: Record<string, string> = {
    'workspace.yaml': 'name: contacts\ntimezone: UTC\nchannels: [push, sms]\n',
    'events.yaml': 'receipt: {total: double}\n',
    'policy.yaml':
      'consent: {push: none-needed, sms: none-needed}\ncaps:\n' +
      '  - {name: any-day, max: 2, per: 1d}\n  - {name: sms-week, max: 1, per: 7d, channels: [sms]}\n  - {name: any-month, max: 200, per: 30d}\n',
    'offers.yaml': 'flowers: {title: Flowers, perCustomer: {max: 1, per: 30d}}\n',
  };
  for (let n = 0; n < CAMPAIGNS; n++)
    files[`campaigns/c${n}.yaml`] = `id: c${n}\non: receipt\nchannels: [push, sms]\noffer: flowers\ncooldown: 7d\n`;
  const { machine, state } = machineUnder(workspaceOf(files), customers);
  const active = machine.activeWorkspace;
  assert(active !== null, 'a workspace is active');
  const now = FIRST_TS + 31 * 24 * HOUR_MS;
  for (let n = 0; n < customers; n++) {
    const row = state.ensure(customerId(n));
    for (let i = contacts; i > 0; i--) {
      const { campaignCode, offerCode } = active.campaigns[(n + i) % CAMPAIGNS] as (typeof active.campaigns)[0];
      const added = state.addContact(
        row,
        now - i * APART_MS,
        campaignCode,
        active.channelCodes[0] as number,
        offerCode,
        i,
        -1,
        -1,
        -1,
      );
      assert(added, 'room for a contact');
    }
  }
  const history = new ContactHistory(state, active);
  const candidates = [active.campaigns[0], active.campaigns[1]] as (typeof active.campaigns)[0][];
  const random = new Prng(5);
  const rows = Int32Array.from({ length: CHECKS * 16 }, () => 1 + random.below(customers));
  let next = 0;
  let held = 0;
  const run = () => {
    for (let i = 0; i < CHECKS; i++) {
      history.open(rows[next++ % rows.length] as number, now, candidates, candidates.length);
      for (const candidate of candidates)
        if (
          history.coolingDown(candidate) ||
          history.offerUsedUp(candidate) ||
          history.capped(candidate, 0) > 0 ||
          history.capped(candidate, 1) > 0
        )
          held++;
    }
    assert(contacts > 0 === held > 0, 'contacts hold candidates back');
  };
  return { name: nameOf(contacts), operations: CHECKS, run };
}
