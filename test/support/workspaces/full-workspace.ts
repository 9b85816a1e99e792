/** A workspace that uses every key, most of them in every form: for tests of what holds whatever is written. */
import { INTERFACE_WORKSPACE } from './interface-workspace.ts';

const PICTURE = "{{ trigger.items[0].name | default: 'something' }}";

export function fullWorkspace(): Record<string, string> {
  return {
    'workspace.yaml': `name: everything
timezone: Europe/London
channels: [pos, push, sms, email]
lateness: 2h
schedules: {draw: "0 20 * * wed,sat", mornings: "*/15 9-11 1,15 jan-mar mon-fri"}
`,
    'profile.yaml':
      `${INTERFACE_WORKSPACE['profile.yaml']?.replace('aggregates:', '  timezone: {type: string}\n  tier: {type: string}\naggregates:')}  weekend: profile.spend > 10.0 && now > timestamp("2020-01-01T00:00:00Z")
`.replace(
        'segments:',
        `  opened_30d: {fn: count, event: $feedback, when: event.outcome == "opened", window: 30d}
segments:`,
      ),
    'events.yaml': INTERFACE_WORKSPACE['events.yaml'] as string,
    'offers.yaml': `flowers-20:
  title: 20 % off flowers
  description: for the spring
  budget: 10000
  perCustomer: {max: 1, per: 30d}
  expires: {until: draw, offset: -3h}
  unused: return
  valid: {from: 2010-12-01, to: 2031-12-31}
coffee: {title: A coffee, expires: 7d, unused: keep, perCustomer: {max: 3}}
ticket: {title: A ticket, expires: {until: "0 12 * * *"}}
`,
    'models.yaml': `by-tier: {key: profile.tier, table: {gold: 0.3, silver: 0.1, "": 0}, default: 0.05}
by-level: {key: profile.level, table: {1: 0.3, -2: 0.1}, default: 0}
by-loyalty: {key: profile.loyalty, table: {true: 0.3}, default: 0.5}
by-store: {key: event.store, table: {web: 0.3}, default: 0.5}
`,
    'policy.yaml': `consent: {sms: opt-in, email: opt-in, push: opt-out, pos: none-needed}
caps:
  - {name: any-day, max: 2, per: 1d}
  - {name: sms-week, max: 3, per: 7d, channels: [sms], groups: [hearts], categories: [marketing], reserved: {max: 1, priority: 80}}
gap: {min: 2h, channels: [push, sms], categories: [marketing]}
exclusions:
  - {name: one-heart, campaigns: [hearts-companion], groups: [hearts], per: 30d}
holdout: {share: 5%, categories: [marketing]}
quietHours: {from: "21:00", to: "09:00", channels: [push, sms], then: defer}
arbitration:
  pick: 2
  score: 'value * propensity * weight + priority / 100.0 + (has(profile.country) ? 0.1 : 0.0)'
  slots: {pos: [line-1, line-2]}
`,
    'campaigns/hearts.yaml': `id: hearts-companion
description: candles go with hearts
group: hearts
category: marketing
on: receipt
when: >
  event.items.exists(i, i.name.contains("HEART")) && profile.receipts_30d >= 2
  && trigger.total > 1.0
after:
  events: [{event: receipt, when: 'event.store == trigger.store && event.items.exists(i, i.qty > 1) && trigger.tags.exists(t, t == event.store)'}, opened]
  within: 1h
wait:
  for: 30m
  unless: [purchase, {event: receipt, when: event.total > trigger.total && event.ts >= trigger.ts}, {event: $feedback, when: event.outcome == "clicked"}]
  restart: event.store == trigger.store
  when: event.total > 2.0 && !segment.vip
offer: flowers-20
channels: [pos, push, sms, email]
cascade: {after: 2h, unless: clicked}
slots: [line-2]
priority: 50
value: event.total * 0.05
propensity: {model: by-tier}
weight: 1.5
cooldown: 7d
holdout: 10%
variants: {a: {weight: 50, template: hearts-a}, b: {weight: 50, template: hearts-b}}
limits: {total: 5000, perDay: 500}
goal: {event: receipt, when: has(trigger.till.opened) && event.total > trigger.total, within: 7d}
valid: {from: 2010-12-01, to: 2031-12-31}
status: live
`,
    'campaigns/until.yaml': `id: until-draw
on: $feedback
when: event.outcome == "opened" && has(event.offer)
wait: {until: draw, offset: -3h, restart: true}
channels: [email]
propensity: profile.score * 0.5
template: hearts-a
`,
    'campaigns/mornings.yaml': `id: mornings
on: {schedule: mornings, offset: 30m}
when: segment.vip && profile.opened_30d > 0 && now > timestamp("2020-01-01T00:00:00Z")
channels: [email, push]
cascade: {after: 1d}
template: hearts-a
goal: {event: $feedback, when: event.outcome == "converted", within: 90d}
status: paused
`,
    'campaigns/cron.yaml': `id: cron
on: {schedule: "0 10 * * *"}
channels: [push]
propensity: 0.25
template: hearts-a
status: draft
`,
    'templates/hearts-a.yaml': `pos: {line: "For you"}
push: {title: "For you", body: "Candles to go with your hearts, {{ profile.country | default: 'friend' }}"}
sms: {text: "Candles?"}
email: {subject: "For you", body: "Candles?"}
`,
    'templates/hearts-b.yaml': `pos: {line: "${PICTURE}"}
push: {title: "Hearts", body: "{{ event.total | round: 2 }}"}
sms: {text: "Candles!"}
email: {subject: "Hearts", body: "And candles"}
`,
  };
}
