/**
 * A workspace in which every kind of limit binds within seconds, for the leak test: as the files that a node is given, and as the rules that the auditor goes by.
 * The two are written side by side and derived from nothing common, so that a misreading of either shows.
 */
import type { AuditedRules } from './leak-checker.ts';

/** Demand for these exceeds them many times over. */
export const UNITS = { coupon: 700, total: 450, perDay: 380, till: 900 } as const;

export const LEAK_FILES: Readonly<Record<string, string>> = {
  'workspace.yaml': `
name: leak-test
timezone: Europe/London
channels: [pos, push, sms, email]
lateness: 1h
`,
  'events.yaml': `
touch: {n: int, kind: string}
stop: {n: int}
`,
  'profile.yaml': `
attributes:
  timezone: {type: string}
aggregates:
  touches: {fn: count, event: touch}
`,
  'offers.yaml': `
coupon: {title: Coupon, budget: ${UNITS.coupon}, perCustomer: {max: 1, per: 8s}}
till-coupon: {title: At the till, budget: ${UNITS.till}}
`,
  'policy.yaml': `
consent: {pos: none-needed, push: opt-out, sms: opt-in, email: opt-out}
caps:
  - {name: any, max: 4, per: 4s, channels: [push, sms, email], reserved: {max: 1, priority: 80}}
  - {name: sms-one, max: 1, per: 3s, channels: [sms]}
  - {name: promo, max: 2, per: 5s, groups: [promo]}
  - {name: marketing, max: 3, per: 6s, categories: [marketing]}
gap: {min: 1s, channels: [push]}
exclusions:
  - {name: one-loan, campaigns: [loan-a], groups: [loans], per: 5s}
quietHours: {from: "21:00", to: "09:00", channels: [push], then: drop}
holdout: {share: 10%, categories: [marketing]}
arbitration: {pick: 2, slots: {pos: [line-1, line-2]}}
`,
  'campaigns/coupon.yaml': `
id: coupon
on: touch
when: event.kind == "a"
offer: coupon
group: promo
category: marketing
channels: [push, sms, email]
priority: 10
cooldown: 3s
`,
  'campaigns/limited.yaml': `
id: limited
on: touch
when: event.kind == "b"
limits: {total: ${UNITS.total}}
group: promo
channels: [sms, email]
`,
  'campaigns/daily.yaml': `
id: daily
on: touch
when: event.kind == "b" || event.kind == "c"
limits: {perDay: ${UNITS.perDay}}
category: marketing
channels: [email, push]
holdout: 20%
`,
  'campaigns/service.yaml': `
id: service
on: touch
when: event.kind == "c"
channels: [push, email]
priority: 90
cooldown: 2s
`,
  'campaigns/loan-a.yaml': `
id: loan-a
on: touch
when: event.kind == "d" && event.n % 2 == 0
channels: [email, push]
`,
  'campaigns/loan-b.yaml': `
id: loan-b
on: touch
when: event.kind == "d" && event.n % 2 == 1
group: loans
channels: [email, sms]
`,
  'campaigns/waiting.yaml': `
id: waiting
on: touch
when: event.kind == "e"
wait: {for: 1s, unless: [{event: stop, when: event.n == trigger.n}], restart: true}
channels: [sms, push, email]
priority: 5
`,
  'campaigns/cascade.yaml': `
id: cascade
on: touch
when: event.kind == "f"
cascade: {after: 1s, unless: opened}
channels: [push, email, sms]
priority: 15
`,
  'campaigns/till.yaml': `
id: till
on: touch
when: event.kind == "t"
offer: till-coupon
channels: [pos]
priority: 20
`,
  'campaigns/till-line-2.yaml': `
id: till-line-2
on: touch
when: event.kind == "t"
slots: [line-2]
channels: [pos]
priority: 30
`,
  'campaigns/till-last.yaml': `
id: till-last
on: touch
when: event.kind == "t"
channels: [pos]
`,
};

export const LEAK_RULES: AuditedRules = {
  timezone: 'Europe/London',
  campaigns: [
    { id: 'coupon', priority: 10, group: 'promo', category: 'marketing', cooldownMs: 3000 },
    { id: 'limited', group: 'promo', total: UNITS.total },
    { id: 'daily', category: 'marketing', holdout: 0.2, perDay: UNITS.perDay },
    { id: 'service', priority: 90, cooldownMs: 2000 },
    { id: 'loan-a' },
    { id: 'loan-b', group: 'loans' },
    { id: 'waiting', priority: 5 },
    { id: 'cascade', priority: 15 },
    { id: 'till', priority: 20 },
    { id: 'till-line-2', priority: 30 },
    { id: 'till-last' },
  ],
  caps: [
    { name: 'any', max: 4, perMs: 4000, channels: ['push', 'sms', 'email'], reserved: { max: 1, priority: 80 } },
    { name: 'sms-one', max: 1, perMs: 3000, channels: ['sms'] },
    { name: 'promo', max: 2, perMs: 5000, groups: ['promo'] },
    { name: 'marketing', max: 3, perMs: 6000, categories: ['marketing'] },
    { name: 'gap', max: 1, perMs: 1000, channels: ['push'] },
  ],
  exclusions: [{ name: 'one-loan', campaigns: ['loan-a'], groups: ['loans'], perMs: 5000 }],
  offers: [
    { id: 'coupon', budget: UNITS.coupon, perCustomer: { max: 1, perMs: 8000 } },
    { id: 'till-coupon', budget: UNITS.till },
  ],
  globalHoldout: { share: 0.1, categories: ['marketing'] },
  consent: { pos: 'none-needed', push: 'opt-out', sms: 'opt-in', email: 'opt-out' },
  quietHours: { fromMinute: 21 * 60, toMinute: 9 * 60, channels: ['push'] },
  slots: { pos: ['line-1', 'line-2'] },
};

/** Reasons of suppression that must have been counted in the end: what no candidate ever lost by was not put to the test. */
export const REASONS_MET = [
  'holdout',
  'limit',
  'budget',
  'offer',
  'cooldown',
  'excluded',
  'consent',
  'quiet_hours',
  'cap',
  'gap',
  'outranked',
  'cancelled',
  'superseded',
] as const;

/** Zones in which it is day and night at the same time. */
export const ZONES = [
  'Europe/London',
  'Asia/Tokyo',
  'America/New_York',
  'Australia/Lord_Howe',
  'Pacific/Honolulu',
] as const;
