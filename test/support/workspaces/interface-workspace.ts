/** The workspace that the interface document shows, with every key of it: also those that are refused for now. */
export const INTERFACE_WORKSPACE: Readonly<Record<string, string>> = {
  'workspace.yaml': `# yaml-language-server: $schema=https://example.com/workspace.schema.json
name: retail
timezone: Europe/London
channels: [pos, push, sms, email]
lateness: 1h
`,
  'profile.yaml': `attributes:                     # string | int | double | bool | timestamp | list<string>
  country:  {type: string}
  loyalty:  {type: bool, default: false}
  born:     {type: timestamp, default: 2000-01-01T00:00:00Z}
  tags:     {type: list<string>, default: [new]}
  level:    {type: int, default: 1}
  score:    {type: double, default: 0.5}
  name:     {type: string, default: friend}
aggregates:                     # count | sum | min | max | avg | first | last | distinct
  receipts_30d: {fn: count, event: receipt, window: 30d}
  spend_30d:    {fn: sum, event: receipt, value: event.total, window: 30d}
  spend:        {fn: sum, event: receipt, value: event.total}              # no window: all time
  last_seen:    {fn: last, event: receipt, value: event.ts}
  big:          {fn: max, event: receipt, value: event.total, when: event.total > 100.0, window: 24h, resolution: 30m}
  first_total:  {fn: first, event: receipt, value: event.total}
  least:        {fn: min, event: receipt, value: event.total}
  mean:         {fn: avg, event: receipt, value: event.total}
  stores:       {fn: distinct, event: receipt, value: event.store}
segments:
  vip: profile.spend_30d > 1000.0
`,
  'events.yaml': `receipt:
  total: double
  store: string
  items: [{sku: string, name: string, qty: int, price: double}]     # a list of
  tags: [string]
  till: {id: string, opened: timestamp, training: bool, place: {city: string}}
purchase:
opened: {}
`,
  'offers.yaml': `flowers-20: {title: 20 % off flowers, budget: 10000, perCustomer: {max: 1, per: 30d}, valid: {from: 2010-12-01, to: 2011-12-31}}
`,
  'policy.yaml': `consent: {sms: opt-in, email: opt-in, push: opt-out, pos: none-needed}
caps:
  - {name: any-day, max: 2, per: 1d}
  - {name: sms-week, max: 1, per: 7d, channels: [sms]}
quietHours: {from: "21:00", to: "09:00", channels: [push, sms], then: defer}   # defer | drop; in profile.timezone if set
arbitration: {pick: 1}          # how many winners per event
`,
  'campaigns/hearts.yaml': `id: hearts-companion
on: receipt                     # an event type, or {schedule: "0 10 * * *"} with an audience in \`when\`
when: >
  event.items.exists(i, i.name.contains("HEART")) && !event.items.exists(i, i.name.contains("CANDLE")) && profile.receipts_30d >= 2
wait: {for: 30m, unless: [purchase]}          # optional: A, then not B within T
offer: flowers-20
channels: [push, sms, email]    # in order of preference; the first that consent and policy allow
cascade: {after: 2h, unless: opened}          # optional: try the next channel if there was no such feedback
priority: 50
value: event.total * 0.05       # optional; ranks by priority, then value
cooldown: 7d                    # per customer
holdout: 10%
variants: {a: {weight: 50, template: hearts-a}, b: {weight: 50, template: hearts-b}}
limits: {total: 5000, perDay: 500}
valid: {from: 2010-12-01, to: 2011-12-31}
status: live                    # draft | shadow | live | paused
`,
  'campaigns/mornings.yaml': `id: mornings
on: {schedule: "0 10 * * *"}
when: segment.vip
channels: [email]
template: hearts-a
status: shadow
`,
  'templates/hearts-a.yaml': `push: {title: "For you", body: "Candles to go with your hearts, {{ profile.country | default: 'friend' }}"}
sms: {text: "Candles?"}
email: {subject: "For you", body: "Candles?"}
`,
  'templates/hearts-b.yaml': `push: {title: "Hearts", body: "And candles"}
sms: {text: "Candles!"}
email: {subject: "Hearts", body: "And candles"}
`,
};
