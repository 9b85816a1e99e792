/** The words of explanations: the whole text of a moment with every reason, as a terminal shows it. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { explanationText, type TextOptions } from '../../../src/explain/explanation-text.ts';
import type {
  CampaignVerdict,
  ExplainedMoment,
  ExplainedStep,
  Explanation,
  MomentCause,
  NotAsked,
} from '../../../src/protocol/explanation.ts';
import { SuppressReason } from '../../../src/protocol/rejection.ts';
import { AT, DECIDED, LOST, MOMENT, UNMATCHED, verdict } from './verdicts.ts';

const PLAIN: TextOptions = { width: 80, colour: false, detail: false };

const EXPLANATION: Explanation = {
  customer: '17850',
  campaign: null,
  partition: 0,
  historyFrom: '2010-12-01T00:00:00.000Z',
  historyIsWhole: false,
  until: '2010-12-09T08:00:00.000Z',
  timezone: 'UTC',
  moments: [MOMENT],
};

function lines(moment: Partial<ExplainedMoment>, options: Partial<TextOptions> = {}): string[] {
  const text = explanationText({ ...EXPLANATION, moments: [{ ...MOMENT, ...moment }] }, { ...PLAIN, ...options });
  const all = text.split('\n');
  return all.slice(2, all.lastIndexOf('', -2) + 1);
}

describe('a terminal of 80 columns', () => {
  const text = explanationText(EXPLANATION, PLAIN);

  it('is told what was decided, who waits, who lost and why, and who did not match', () => {
    expect(text).toMatchInlineSnapshot(`
      "Customer 17850   times in UTC

      Wed 1 Dec 2010 22:14  receipt 536365
        ✓ welcome      email “£5 off your second order · Thank you, and see you soon.
                       You…”, offer welcome-5, variant cosy, decision 0-12,
                       place 1 of 5
        … still-there  waits until 4 Dec 22:14 (3 d)
        … tea          waits until quiet hours end, 2 Dec 09:00
        … voucher      waits for a unit of a budget or limit
        ○ shadow       in shadow: would have gone out by push in place of tea
        ✗ outranked    outranked by candles: place 4 of 5 (score 0.3, priority 10,
                       value 2)
        ✗ late         late: it happened at 19:02, 3 h 12 min before it came; 1 h is
                       the most
        ✗ expired      not valid now: the offer runs from 5 Dec 00:00 until
                       31 Dec 2011 00:00
        ✗ holdout      held out: 4 % of customers never get campaigns of this kind, to
                       compare (draw 0.0132 < 0.04)
        ✗ limit        the campaign's limit of the day is used up: all 500
        ✗ budget       the budget of offer candles-10 is used up: all 50,000
        ✗ offer        offer candles-10: had it already, 1 of 1 in the 30 d before:
                       29 Nov 09:10 (candles, email)
        ✗ cooldown     cooldown of 7 d: had it at 29 Nov 09:10 (email); again from
                       6 Dec 09:10
        ✗ consent      sms: no consent: opt-in, and the customer never said yes
                       push: no consent: the customer said no
        ✗ quiet-hours  push: quiet hours from 21:00 to 09:00: it is 22:14 in
                       Europe/London; over 2 Dec 09:00 in UTC
        ✗ cap          push: cap two-a-day: 2 of 2 in the 24 h before, at 08:26
                       (welcome, push) and 19:30 (tea, push); free again 2 Dec 08:26
                       sms: no consent: opt-in, and the customer never said yes
        ✗ cancelled    cancelled by this receipt
        ✗ superseded   superseded: waits anew from this receipt
        ✗ withdrawn    withdrawn: the campaign went away while it waited
        ✗ gap          push: gap of 3 h: just heard from us at 19:30 (tea, push); free
                       again 22:30
        ✗ excluded     exclusion one-idea: another of them in the 3 d before, at
                       29 Nov 09:10 (candles, email); free again 2 Dec 09:10
        ✗ lapsed       lapsed: after the wait it was true no more
                       profile.receipts_30d >= 3 (is 1)
                       waited since receipt 536001 of 30 Nov 09:00
        ✗ full         no room to wait: 64 of 64 places are taken
        · club         profile.receipts_30d >= 3 (is 1)
        · garden       event.items.exists(i, i.name.contains("ROBIN"))
                       (true for none of 14)
        · post-abroad  profile.country has no value for this customer
        · vip          segment.vip: profile.spend_30d > 2000.0 (is 1234.56)
                       event.total / event.items.size() > 20.0 (is 12.5)
                       !segment.abroad (segment.abroad is true)
        · then         in the 7 d before: basket came at 29 Nov 09:10, then cancelled
                       where event.total > 10.0 did not come (1 more was to follow)
        · till         the event names no customer, and this campaign needs one

      Looked until Thu 9 Dec 2010 08:00; history reaches back to Wed 1 Dec 2010 00:00
      ✓ decided   … waits   ○ in shadow   ✗ lost   · did not match
      "
    `);
  });

  it('is not written beyond', () => {
    expect(Math.max(...text.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(80);
  });

  it('reads the same in colour', () => {
    const coloured = explanationText(EXPLANATION, { ...PLAIN, colour: true });
    expect(coloured).not.toBe(text);
    expect(stripVTControlCharacters(coloured)).toBe(text);
  });
});

it('has a case for every reason, and a sentence where no step tells it', () => {
  expect(LOST.map(({ reason }) => reason)).toEqual(Object.values(SuppressReason));
  for (const reason of Object.values(SuppressReason)) {
    const [, line = ''] = lines({ campaigns: [verdict('a', { result: 'suppressed', reason })] });
    expect(line).toMatch(/^ {2}[✗○] a {2}\w[\w ,:']{8,}$/);
  }
});

it('says how many there are above the most, which the next channels of a cascade may lead to', () => {
  const contacts = ['push', 'email'].map((channel, i) => ({
    ...{ at: `2010-11-2${8 + i}T09:10:00.000Z`, campaign: 'candles', channel, decision: null },
  }));
  const counted = { passed: false, max: 1, contacts };
  const offer = { ...counted, step: 'offer', offer: 'candles-10' } as const;
  const cap = { ...counted, step: 'cap', channel: 'push', name: 'one', room: 1, perMs: 30 * 86_400_000 } as const;
  const steps: readonly ExplainedStep[] = [
    { ...offer, perMs: 30 * 86_400_000 },
    { ...offer, perMs: null },
    { ...cap, until: '2010-12-29T09:10:00.000Z' },
    { ...cap, max: 2, until: '2010-12-29T09:10:00.000Z' },
  ];
  const campaigns = steps.map((step) =>
    verdict('a', { result: 'suppressed', reason: step.step as SuppressReason, steps: [step] }),
  );
  expect(lines({ campaigns }).slice(1, -1).join('\n')).toMatchInlineSnapshot(`
    "  ✗ a  offer candles-10: 1 is the most in 30 d; had it 2 times: 28 Nov 09:10
           (candles, push) and 29 Nov 09:10 (candles, email)
      ✗ a  offer candles-10: 1 is the most; had it 2 times: 28 Nov 09:10 (candles,
           push) and 29 Nov 09:10 (candles, email)
      ✗ a  push: cap one: 1 is the most in 30 d; heard from us 2 times, at
           28 Nov 09:10 (candles, push) and 29 Nov 09:10 (candles, email); free
           again 29 Dec 09:10
      ✗ a  push: cap one: 2 of 2 in the 30 d before and 1 kept for others, at
           28 Nov 09:10 (candles, push) and 29 Nov 09:10 (candles, email); free
           again 29 Dec 09:10"
  `);
});

it('paints the mark and the name', () => {
  expect(lines({ campaigns: [DECIDED, UNMATCHED[0] ?? DECIDED] }, { colour: true, width: 120 })).toEqual([
    '\u001b[1mWed 1 Dec 2010 22:14\u001b[22m  receipt 536365',
    '  \u001b[32m✓ welcome\u001b[39m  email “£5 off your second order · Thank you, and see you soon. You…”, offer welcome-5,',
    '             variant cosy, decision 0-12, place 1 of 5',
    '  \u001b[2m· club   \u001b[22m  profile.receipts_30d >= 3 (is 1)',
    '',
  ]);
});

it('tells every step and every part of the predicate where details are wanted', () => {
  const campaigns = [DECIDED, LOST[9] ?? DECIDED, UNMATCHED[3] ?? DECIDED];
  expect(lines({ campaigns }, { detail: true, width: 120 }).join('\n')).toMatchInlineSnapshot(`
    "Wed 1 Dec 2010 22:14  receipt 536365
      ✓ welcome  email “£5 off your second order · Thank you, and see you soon. You…”, offer welcome-5,
                 variant cosy, decision 0-12, place 1 of 5
          ✓ profile.receipts_30d >= 3 (is 5)
          ✓ the campaign is valid at any time
          ✓ not held out of this campaign (draw 0.5316 ≥ 0.1)
          ✓ push: cap two-a-day: 1 of 2 in the 24 h before, at 08:26 (welcome, push)
          ✓ place 1 of 5 (score 3.2, priority 50, value 8)
      ✗ cap      cap: had heard enough from us
          ✓ push: needs no consent (opt-out)
          ✗ push: cap two-a-day: 2 of 2 in the 24 h before, at 08:26 (welcome, push) and 19:30 (tea,
            push); free again 2 Dec 08:26
          ✗ sms: no consent: opt-in, and the customer never said yes
      · vip      did not match
          ✗ at least one of
            ✗ segment.vip
              ✗ profile.spend_30d > 2000.0 (is 1234.56)
            ✗ all of
              ✗ event.total / event.items.size() > 20.0 (is 12.5)
              ✗ !segment.abroad (segment.abroad is true)
    "
  `);
});

it('keeps the clock of the workspace', () => {
  const explanation = explanationText({ ...EXPLANATION, timezone: 'Australia/Brisbane' }, PLAIN);
  expect(explanation.split('\n').slice(0, 3)).toEqual([
    'Customer 17850   times in Australia/Brisbane',
    '',
    'Thu 2 Dec 2010 08:14  receipt 536365',
  ]);
  expect(explanation).toContain('over 19:00 in Australia/Brisbane');
  const london = explanationText({ ...EXPLANATION, timezone: 'Europe/London' }, PLAIN);
  expect(london).toContain('over 2 Dec 09:00\n');
  expect(explanationText({ ...EXPLANATION, timezone: 'Mars/Olympus' }, PLAIN)).toContain('times in UTC');
});

it.each([
  [{ kind: 'due' }, 'what was waiting fell due'],
  [{ kind: 'schedule', due: '2010-12-01T22:00:00.000Z' }, 'the schedule of 22:00'],
  [{ kind: 'units' }, 'an answer about units of a budget or limit'],
  [{ kind: 'published' }, 'version 3 of the workspace'],
  [{ kind: 'event', id: null, type: 'visit', ts: '2010-12-01T19:00:00.000Z' }, 'visit, of 19:00'],
] as const)('says what happened: %j', (cause, words) => {
  expect(lines({ cause, campaigns: [] })).toEqual([
    `Wed 1 Dec 2010 22:14  ${words}`,
    '  No campaign listens for this.',
    '',
  ]);
});

const SCHEDULE = { kind: 'schedule', due: '2010-12-01T22:00:00.000Z' } as const;
it.each<[NotAsked, MomentCause, string]>([
  [{ status: 'absent', on: null }, MOMENT.cause, 'version 3 has no such campaign'],
  [{ status: 'draft', on: 'receipt' }, MOMENT.cause, 'it was a draft in version 3'],
  [{ status: 'paused', on: 'basket' }, MOMENT.cause, 'it was paused in version 3'],
  [{ status: 'live', on: 'basket' }, MOMENT.cause, 'in version 3 it listened for basket, not for receipt'],
  [{ status: 'shadow', on: '$schedule' }, MOMENT.cause, 'in version 3 it ran by a schedule, not for receipt'],
  [{ status: 'live', on: 'basket' }, { kind: 'due' }, 'in version 3 it listened for basket, and nothing of it was due'],
  [{ status: 'live', on: 'basket' }, SCHEDULE, 'in version 3 it listened for basket, and nothing of it was due'],
  [{ status: 'live', on: '$schedule' }, SCHEDULE, 'in version 3 it ran by a schedule, and nothing of it was due'],
])('says of a campaign that was not asked what was the matter: %j', (notAsked, cause, words) => {
  const moments = [{ ...MOMENT, cause, campaigns: [], notAsked }];
  const text = explanationText({ ...EXPLANATION, campaign: 'new-one', moments }, { ...PLAIN, width: 100 });
  expect(text).toContain(`  new-one was not asked: ${words}.\n`);
});

it('says when the next channel of a decision has its turn, and what came in between', () => {
  const wait = { step: 'wait', for: 'cascade', since: MOMENT.at, until: '2010-12-02T22:14:05.000Z' } as const;
  const decided = { ...DECIDED, steps: [...DECIDED.steps.slice(-1), { ...wait, passed: false }] };
  const by = { id: 'f1', type: '$feedback', ts: '2010-12-01T22:14:05.000Z' };
  const over = (reason: 'cancelled' | 'withdrawn'): CampaignVerdict => {
    const ended = { step: 'ended', passed: false, reason, by: reason === 'cancelled' ? by : null } as const;
    const steps: readonly ExplainedStep[] = [
      { step: 'follow_up', passed: true, decision: '0-12' },
      { ...wait, passed: true },
      ended,
    ];
    return verdict(reason, { result: 'suppressed', reason, steps });
  };
  const campaigns = [decided, over('cancelled'), over('withdrawn')];
  expect(lines({ campaigns }).join('\n')).toMatchInlineSnapshot(`
    "Wed 1 Dec 2010 22:14  receipt 536365
      ✓ welcome    email “£5 off your second order · Thank you, and see you soon.
                   You…”, offer welcome-5, variant cosy, decision 0-12, place 1 of 5
                   the next channel has its turn at 2 Dec 22:14 (24 h), unless
                   feedback ends it
      ✗ cancelled  cancelled by $feedback f1 of 22:14
                   for the next channel after decision 0-12
      ✗ withdrawn  withdrawn: the campaign went away while it waited
                   for the next channel after decision 0-12
    "
  `);
  expect(lines({ campaigns }, { detail: true }).join('\n')).toMatchInlineSnapshot(`
    "Wed 1 Dec 2010 22:14  receipt 536365
      ✓ welcome    email “£5 off your second order · Thank you, and see you soon.
                   You…”, offer welcome-5, variant cosy, decision 0-12, place 1 of 5
          ✓ profile.receipts_30d >= 3 (is 5)
          ✓ place 1 of 5 (score 3.2, priority 50, value 8)
          … the next channel has its turn at 2 Dec 22:14 (24 h), unless feedback
            ends it
      ✗ cancelled  cancelled: what it waited to miss came; for the next channel
                   after decision 0-12
          ✓ follows decision 0-12
          ✓ waited for its turn since 22:14, due 2 Dec 22:14
          ✗ cancelled by $feedback f1 of 22:14
      ✗ withdrawn  withdrawn: the campaign went away while it waited; for the next
                   channel after decision 0-12
          ✓ follows decision 0-12
          ✓ waited for its turn since 22:14, due 2 Dec 22:14
          ✗ withdrawn: the campaign went away while it waited
    "
  `);
});

it('tells what else is worth knowing of a verdict', () => {
  const since = { id: '9', type: 'basket', ts: '2010-12-01T20:14:00.000Z' };
  const ended = { step: 'ended', passed: false, reason: 'cancelled', by: MOMENT.campaigns[0]?.event ?? since } as const;
  const [, , , , , , , , , cap = DECIDED] = LOST;
  expect(
    lines({
      campaigns: [
        verdict('basket', { result: 'suppressed', reason: 'cancelled', event: since, steps: [ended] }),
        {
          ...cap,
          campaign: 'next',
          steps: [{ step: 'follow_up', passed: true, decision: '0-7' }, ...cap.steps.slice(1, 2)],
        },
        {
          ...cap,
          campaign: 'trial',
          status: 'shadow',
          steps: [{ step: 'room', passed: false, contacts: 1024, max: 1024 }],
        },
        verdict('pos', {
          result: 'suppressed',
          reason: 'outranked',
          steps: [{ step: 'slot', passed: false, channel: 'pos', slot: null, taker: 'tea' }],
        }),
      ],
    }).join('\n'),
  ).toMatchInlineSnapshot(`
    "Wed 1 Dec 2010 22:14  receipt 536365
      ✗ basket          cancelled by this receipt
                        waited since basket 9 of 20:14
      ✗ next            push: cap two-a-day: 2 of 2 in the 24 h before, at 08:26
                        (welcome, push) and 19:30 (tea, push); free again
                        2 Dec 08:26
                        for the next channel after decision 0-7
      ✗ trial (shadow)  no room for another contact: 1,024 of 1,024 are kept
      ✗ pos             pos: outranked by tea, which took the last placement for it
    "
  `);
});

it('shows nobody control characters of others', () => {
  const cause = { kind: 'event', id: '\u001b[2J\u202e1', type: 'receipt', ts: AT } as const;
  expect(lines({ cause, campaigns: [] })[0]).toBe('Wed 1 Dec 2010 22:14  receipt  [2J 1');
});

it('says no time to which history reaches where it is whole', () => {
  const text = explanationText({ ...EXPLANATION, historyIsWhole: true, moments: [], until: null }, PLAIN);
  expect(text).toContain('\n\nHistory is kept from its beginning\n');
  expect(text).not.toContain('reaches back');
});

it('says when there is nothing to explain', () => {
  expect(explanationText({ ...EXPLANATION, customer: null, moments: [], historyFrom: null, until: null }, PLAIN)).toBe(
    'Someone without a customer id   times in UTC\n\nNothing was found at which campaigns were asked.\n\nNo history is kept that could be explained.\n',
  );
});

it('says the day on which something begins or ends, also where it is this day', () => {
  const [today, begin] = ['2010-12-01T00:00:00.000Z', '2010-11-01T00:00:00.000Z'];
  const over = verdict('a', {
    result: 'suppressed',
    reason: 'expired',
    steps: [{ step: 'validity', passed: false, of: 'campaign', from: begin, to: today }],
  });
  expect(lines({ campaigns: [over] })[1]).toBe(
    '  ✗ a  not valid now: the campaign runs from 1 Nov 00:00 until 1 Dec 00:00',
  );
});

it('says once in detail that something waits, and nothing of a predicate that there is not', () => {
  const wait = { step: 'wait', passed: false, for: 'wait', since: AT, until: '2010-12-01T23:14:00.000Z' } as const;
  const always = { text: 'true', kind: 'call', type: 'bool', value: true, error: null, held: null, parts: [] } as const;
  const waits = verdict('a', { result: 'waiting', predicate: always, steps: [wait] });
  expect(lines({ campaigns: [waits] }, { detail: true }).slice(1, -1)).toEqual([
    '  … a  waits',
    '      … waits until 23:14 (59 min 55 s)',
  ]);
});
