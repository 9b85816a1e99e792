/** A moment with a verdict of every kind: each reason once. */
import type {
  CampaignVerdict,
  ExplainedContact,
  ExplainedExpression,
  ExplainedMoment,
  ExplainedStep,
  ExplainedValue,
} from '../../../src/protocol/explanation.ts';
import type { SuppressReason } from '../../../src/protocol/rejection.ts';

export const AT = '2010-12-01T22:14:05.000Z';

export const EVENT = { id: '536365', type: 'receipt', ts: AT };

export function expression(
  text: string,
  value: ExplainedValue,
  kind: ExplainedExpression['kind'] = 'call',
  parts: readonly ExplainedExpression[] = [],
): ExplainedExpression {
  const types = { boolean: 'bool', number: 'double', string: 'string' } as const;
  const type = types[typeof value as keyof typeof types] ?? 'bool';
  return { text, kind, type, value, error: null, held: null, parts };
}

export function field(text: string, value: ExplainedValue): ExplainedExpression {
  return expression(text, value, 'field');
}

export function failed(part: ExplainedExpression, error: string): ExplainedExpression {
  return { ...part, value: null, error };
}

export const RECEIPTS = expression('profile.receipts_30d >= 3', false, 'call', [field('profile.receipts_30d', 1)]);

export function verdict(campaign: string, parts: Partial<CampaignVerdict>): CampaignVerdict {
  return {
    campaign,
    status: 'live',
    result: 'unmatched',
    reason: null,
    event: EVENT,
    predicate: null,
    steps: [],
    decision: null,
    ...parts,
  };
}

function contact(at: string, campaign: string, channel: string): ExplainedContact {
  return { at: `2010-${at}:00.000Z`, campaign, channel, decision: '0-1' };
}

function lost(reason: SuppressReason, ...steps: readonly ExplainedStep[]): CampaignVerdict {
  return verdict(reason.replace('_', '-'), { result: 'suppressed', reason, steps });
}

const WELCOME = contact('12-01T08:26', 'welcome', 'push');
const TEA = contact('12-01T19:30', 'tea', 'push');
const CANDLES = contact('11-29T09:10', 'candles', 'email');
const DAY_MS = 86_400_000;

const CAP: ExplainedStep = {
  step: 'cap',
  passed: false,
  channel: 'push',
  name: 'two-a-day',
  max: 2,
  room: 2,
  perMs: DAY_MS,
  contacts: [WELCOME, TEA],
  until: '2010-12-02T08:26:00.000Z',
};

/** In the order of SuppressReason. */
export const LOST: readonly CampaignVerdict[] = [
  lost('late', {
    step: 'late',
    passed: false,
    ts: '2010-12-01T19:02:00.000Z',
    lateMs: 11_520_000,
    latenessMs: 3_600_000,
  }),
  lost('expired', {
    step: 'validity',
    passed: false,
    of: 'offer',
    from: '2010-12-05T00:00:00.000Z',
    to: '2011-12-31T00:00:00.000Z',
  }),
  lost('holdout', { step: 'holdout', passed: false, of: 'policy', share: 0.04, u: 0.013_29 }),
  lost('limit', { step: 'units', passed: false, key: 'day/limit/14944', reason: 'limit', limit: 500, inHand: 0 }),
  lost('budget', { step: 'units', passed: false, key: 'offer/candles-10', reason: 'budget', limit: 50_000, inHand: 0 }),
  lost('offer', { step: 'offer', passed: false, offer: 'candles-10', max: 1, perMs: 30 * DAY_MS, contacts: [CANDLES] }),
  lost('cooldown', {
    step: 'cooldown',
    passed: false,
    cooldownMs: 7 * DAY_MS,
    last: CANDLES,
    until: '2010-12-06T09:10:00.000Z',
  }),
  lost(
    'consent',
    { step: 'consent', passed: false, channel: 'sms', rule: 'opt-in', said: null },
    { step: 'consent', passed: false, channel: 'push', rule: 'opt-out', said: 'denied' },
  ),
  lost('quiet_hours', {
    step: 'quiet_hours',
    passed: false,
    channel: 'push',
    from: '21:00',
    to: '09:00',
    timezone: 'Europe/London',
    localTime: '22:14',
    until: '2010-12-02T09:00:00.000Z',
  }),
  lost('cap', { step: 'consent', passed: true, channel: 'push', rule: 'opt-out', said: null }, CAP, {
    step: 'consent',
    passed: false,
    channel: 'sms',
    rule: 'opt-in',
    said: null,
  }),
  lost('outranked', {
    step: 'rank',
    passed: false,
    rank: 4,
    of: 5,
    score: 0.1 + 0.2,
    priority: 10,
    value: 2,
    winner: 'candles',
  }),
  lost(
    'cancelled',
    { step: 'wait', passed: true, for: 'wait', since: '2010-11-30T09:00:00.000Z', until: '2010-12-03T09:00:00.000Z' },
    { step: 'ended', passed: false, reason: 'cancelled', by: EVENT },
  ),
  lost('superseded', { step: 'ended', passed: false, reason: 'superseded', by: EVENT }),
  lost('withdrawn', { step: 'ended', passed: false, reason: 'withdrawn', by: null }),
  lost('shadow', { step: 'shadow', passed: true, channel: 'push', displaced: ['tea'] }),
  lost('gap', {
    ...CAP,
    step: 'gap',
    name: 'gap',
    max: 1,
    room: 1,
    perMs: 3 * 3_600_000,
    contacts: [TEA],
    until: '2010-12-01T22:30:00.000Z',
  }),
  lost('excluded', {
    step: 'excluded',
    passed: false,
    exclusion: 'one-idea',
    perMs: 3 * DAY_MS,
    last: CANDLES,
    until: '2010-12-02T09:10:00.000Z',
  }),
  {
    ...lost('lapsed', { step: 'ended', passed: false, reason: 'lapsed', by: null }),
    predicate: RECEIPTS,
    event: { id: '536001', type: 'receipt', ts: '2010-11-30T09:00:00.000Z' },
  },
  lost('full', { step: 'full', passed: false, waiting: 64, max: 64 }),
];

export const DECIDED = verdict('welcome', {
  result: 'decided',
  predicate: { ...RECEIPTS, value: true, parts: [field('profile.receipts_30d', 5)] },
  steps: [
    { step: 'validity', passed: true, of: 'campaign', from: null, to: null },
    { step: 'holdout', passed: true, of: 'campaign', share: 0.1, u: 0.5316 },
    { ...CAP, passed: true, contacts: [WELCOME] },
    { step: 'rank', passed: true, rank: 1, of: 5, score: 3.2, priority: 50, value: 8, winner: null },
  ],
  decision: {
    id: '0-12',
    ts: AT,
    customer: '17850',
    campaign: 'welcome',
    variant: 'cosy',
    offer: 'welcome-5',
    channel: 'email',
    message: {
      subject: '£5 off your second order',
      body: 'Thank you, and see you soon. Your voucher is waiting at the till.',
    },
    value: 8,
    expires: null,
    event: { id: '536365', type: 'receipt' },
    slot: null,
    follows: null,
    workspace: 3,
  },
});

export const WAITING: readonly CampaignVerdict[] = [
  verdict('still-there', {
    result: 'waiting',
    steps: [{ step: 'wait', passed: false, for: 'wait', since: AT, until: '2010-12-04T22:14:05.000Z' }],
  }),
  verdict('tea', {
    result: 'waiting',
    steps: [{ step: 'wait', passed: false, for: 'quiet_hours', since: AT, until: '2010-12-02T09:00:00.000Z' }],
  }),
  verdict('voucher', {
    result: 'waiting',
    steps: [{ step: 'wait', passed: false, for: 'units', since: AT, until: null }],
  }),
];

const VIP = expression('profile.spend_30d > 2000.0', false, 'call', [field('profile.spend_30d', 1234.56)]);

export const UNMATCHED: readonly CampaignVerdict[] = [
  verdict('club', { predicate: RECEIPTS }),
  verdict('garden', {
    predicate: expression('event.items.exists(i, i.name.contains("ROBIN")) && profile.loyalty', false, 'and', [
      {
        ...expression('event.items.exists(i, i.name.contains("ROBIN"))', false, 'loop', [
          field('event.items', '14 items'),
        ]),
        held: { of: 14, count: 0 },
      },
      field('profile.loyalty', true),
    ]),
  }),
  verdict('post-abroad', {
    predicate: failed(
      expression('profile.country != "United Kingdom"', null, 'call', [
        failed(field('profile.country', null), 'profile.country has no value for this customer'),
      ]),
      'profile.country has no value for this customer',
    ),
  }),
  verdict('vip', {
    predicate: expression('segment.vip || (event.total / event.items.size() > 20.0 && !segment.abroad)', false, 'or', [
      expression('segment.vip', false, 'segment', [VIP]),
      expression('event.total / event.items.size() > 20.0 && !segment.abroad', false, 'and', [
        expression('event.total / event.items.size() > 20.0', false, 'call', [
          expression('event.total / event.items.size()', 12.5),
        ]),
        expression('!segment.abroad', false, 'not', [expression('segment.abroad', true, 'segment', [])]),
      ]),
    ]),
  }),
  verdict('then', {
    predicate: { ...RECEIPTS, value: true },
    steps: [
      {
        ...{ step: 'sequence', passed: false, withinMs: 7 * DAY_MS },
        events: [
          { type: 'basket', when: null, at: '2010-11-29T09:10:00.000Z' },
          { type: 'cancelled', when: 'event.total > 10.0', at: null },
          { type: 'view', when: null, at: null },
        ],
      },
    ],
  }),
  verdict('till', { steps: [{ step: 'customer', passed: false }] }),
];

export const MOMENT: ExplainedMoment = {
  at: AT,
  record: 1204,
  workspace: 3,
  cause: { kind: 'event', ...EVENT, ts: AT },
  campaigns: [...LOST, ...UNMATCHED, ...WAITING, DECIDED],
};
