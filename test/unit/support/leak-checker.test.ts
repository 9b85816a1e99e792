/** The auditor finds each kind of leak that is planted in a clean history, and nothing in the clean one. */
import { describe, expect, test } from 'vitest';
import {
  type AuditedDecision,
  type AuditedHistory,
  type AuditedRules,
  audit,
  consentKey,
  heldOut,
} from '../../support/leak-checker.ts';

const NOON = Date.UTC(2010, 11, 1, 12);

const rules: AuditedRules = {
  timezone: 'Europe/London',
  campaigns: [
    { id: 'news', group: 'promo', category: 'marketing', total: 3, perDay: 2 },
    { id: 'loan', group: 'credit', cooldownMs: 5000 },
    { id: 'card', group: 'credit', priority: 90 },
    { id: 'half', holdout: 0.5 },
  ],
  caps: [
    { name: 'any', max: 3, perMs: 10_000, channels: ['push', 'sms'], reserved: { max: 1, priority: 80 } },
    { name: 'promo', max: 1, perMs: 3000, groups: ['promo'] },
    { name: 'marketing', max: 1, perMs: 4000, categories: ['marketing'] },
    { name: 'gap', max: 1, perMs: 100, channels: ['sms'] },
  ],
  exclusions: [{ name: 'one-credit', campaigns: ['card'], groups: ['credit'], perMs: 20_000 }],
  offers: [{ id: 'coupon', budget: 2, perCustomer: { max: 1, perMs: 60_000 } }],
  globalHoldout: { share: 0.3, categories: ['marketing'] },
  consent: { push: 'opt-out', sms: 'opt-in', pos: 'none-needed' },
  quietHours: { fromMinute: 21 * 60, toMinute: 9 * 60, channels: ['push'] },
  slots: { pos: ['line-1', 'line-2'] },
};

/** Held out of nothing. */
const treated = Array.from({ length: 200 }, (_, i) => `c${i}`).filter(
  (id) => heldOut('', id) >= 0.3 && heldOut('half', id) >= 0.5,
);
const [ann, bob, cid] = treated as [string, string, string];
const held = Array.from({ length: 200 }, (_, i) => `c${i}`).find((id) => heldOut('', id) < 0.3) as string;
const halfHeld = Array.from({ length: 200 }, (_, i) => `c${i}`).find((id) => heldOut('half', id) < 0.5) as string;

type Made = Partial<AuditedDecision> & { readonly at?: number };

function history(made: readonly Made[], more: Partial<AuditedHistory> = {}): AuditedHistory {
  const decisions = made.map(
    ({ at = 0, ...own }, i): AuditedDecision => ({
      id: `0-${i + 1}`,
      ts: new Date(NOON + at).toISOString(),
      customer: ann,
      campaign: 'loan',
      offer: null,
      channel: 'push',
      slot: null,
      follows: null,
      expires: null,
      event: { id: `e${i}`, type: 'touch' },
      ...own,
    }),
  );
  const granted = treated
    .slice(0, 3)
    .map((id) => [consentKey(id, 'sms'), [{ value: 'granted', fromMs: 0, byMs: 1 }]] as const);
  return { decisions, consents: new Map(granted), failed: new Map(), timezones: new Map(), ...more };
}

const leaksOf = (made: readonly Made[], more: Partial<AuditedHistory> = {}): readonly string[] =>
  audit(rules, history(made, more)).leaks;

describe('a clean history', () => {
  test('has no leaks, and the rules that it reaches bind', () => {
    const { leaks, binding } = audit(
      rules,
      history([
        { campaign: 'news', channel: 'sms', offer: 'coupon' },
        { at: 100, channel: 'sms' },
        { at: 200, campaign: 'loan', customer: bob, offer: 'coupon' },
        { at: 5200, campaign: 'loan', customer: bob },
        { at: 10_300, campaign: 'news', customer: bob },
        { at: 10_301, campaign: 'half', customer: cid, channel: 'pos', slot: 'line-1' },
        {
          at: 10_301,
          campaign: 'loan',
          customer: null,
          channel: 'pos',
          slot: 'line-2',
          event: { id: null, type: 'touch' },
        },
      ]),
    );
    expect(leaks).toEqual([]);
    expect([...binding].sort()).toEqual(
      [
        'budget of coupon',
        'cap gap',
        'cap marketing',
        'cap promo',
        'offer coupon per customer',
        'perDay of news',
      ].sort(),
    );
  });

  test('may contact again whom a failed delivery did not reach', () => {
    const failed = new Map([['0-1', { value: true, fromMs: NOON + 10, byMs: NOON + 20 } as const]]);
    expect(leaksOf([{ campaign: 'news' }, { at: 30, campaign: 'news' }], { failed })).toEqual([]);
    expect(leaksOf([{ campaign: 'news' }, { at: 5, campaign: 'news' }], { failed })).toHaveLength(2);
  });

  test('may do either while it is not known whether consent holds', () => {
    const consents = new Map([
      [consentKey(ann, 'sms'), [{ value: 'granted', fromMs: NOON - 5, byMs: NOON + 5 } as const]],
    ]);
    expect(leaksOf([{ channel: 'sms' }], { consents })).toEqual([]);
    expect(leaksOf([{ channel: 'sms', at: -6 }], { consents })).toHaveLength(1);
  });
});

describe('a leak is found', () => {
  test.each<[string, readonly Made[], RegExp]>([
    [
      'in a cap',
      [{ campaign: 'x1' }, { at: 1, campaign: 'card' }, { at: 2, campaign: 'x3' }].map((made) => ({
        ...made,
        campaign: 'half',
      })),
      /cap any: 0-3/,
    ],
    [
      'in what a cap reserves',
      [{ campaign: 'half' }, { at: 1, campaign: 'half' }, { at: 9999, campaign: 'half' }],
      /cap any: 0-3/,
    ],
    ['in a cap on a group', [{ campaign: 'news' }, { at: 2999, campaign: 'news' }], /cap promo: 0-2/],
    ['in a cap on a category', [{ campaign: 'news' }, { at: 3999, campaign: 'news' }], /cap marketing: 0-2/],
    [
      'in a gap',
      [
        { channel: 'sms', campaign: 'half' },
        { at: 99, channel: 'sms', campaign: 'half' },
      ],
      /cap gap: 0-2/,
    ],
    ['in a cooldown', [{}, { at: 4999 }], /cooldown of loan: 0-2/],
    ['in an exclusion', [{}, { at: 19_999, campaign: 'card' }], /exclusion one-credit: 0-2/],
    [
      'in an offer per customer',
      [{ offer: 'coupon' }, { at: 59_999, offer: 'coupon' }],
      /offer coupon per customer: 0-2/,
    ],
    [
      'in a budget',
      [{ offer: 'coupon' }, { offer: 'coupon', customer: bob }, { offer: 'coupon', customer: cid }],
      /budget of coupon: more than 2/,
    ],
    [
      'in a total',
      [0, 1, 2, 3].map((day) => ({ at: day * 86_400_000, campaign: 'news' })),
      /total of news: more than 3/,
    ],
    [
      'in a limit per day',
      [ann, bob, cid].map((customer) => ({ campaign: 'news', customer })),
      /perDay of news on 2010-12-01: more than 2/,
    ],
    ['in consent that is needed', [{ customer: treated[4] as string, channel: 'sms' }], /did not allow sms/],
    ['in consent of nobody', [{ customer: null, channel: 'sms' }], /nobody knows whose/],
    ['in quiet hours', [{ at: 9 * 3_600_000 }], /quiet hours in Europe\/London/],
    ['in the holdout of everything', [{ customer: held, campaign: 'news' }], /held out of everything/],
    ['in a campaign’s holdout', [{ customer: halfHeld, campaign: 'half' }], /held out of half/],
    [
      'in a slot',
      [
        { channel: 'pos', slot: 'line-1' },
        { channel: 'pos', slot: 'line-1', campaign: 'half', event: { id: 'e0', type: 'touch' } },
      ],
      /line-1 was taken already/,
    ],
    ['in the numbers', [{ id: '0-1' }, { id: '0-3', at: 9000, campaign: 'half' }], /gap or come twice/],
    [
      'in the order of time',
      [
        { at: 10, campaign: 'half' },
        { at: 9, customer: bob, campaign: 'half' },
      ],
      /comes after/,
    ],
  ])('%s', (_, made, line) => {
    expect(leaksOf(made).join('\n')).toMatch(line);
  });

  test('in a refusal', () => {
    const consents = new Map([[consentKey(ann, 'push'), [{ value: 'denied', fromMs: 0, byMs: 1 } as const]]]);
    expect(leaksOf([{}], { consents })).toHaveLength(1);
  });

  test('in quiet hours of another zone', () => {
    expect(leaksOf([{}], { timezones: new Map([[ann, 'Asia/Tokyo']]) }).join()).toMatch(/Asia\/Tokyo/);
  });
});
