/** A shop with a campaign of each kind, and a file of tests that uses every key that tests have: all of it holds. */

export const TRIAL_SHOP: Readonly<Record<string, string>> = {
  'workspace.yaml': `name: trial-shop
timezone: Europe/London
channels: [pos, push, sms, email]
schedules: {monday: "30 9 * * mon"}
`,
  'events.yaml': `receipt: {total: double, paid: bool, till: {id: string}, at: timestamp, items: [{sku: string, qty: int}], tags: [string]}
added: {basket: string}
paid: {basket: string}
`,
  'profile.yaml': `attributes:
  tier: {type: string}
  age: {type: int}
  tags: {type: list<string>}
aggregates:
  receipts_30d: {fn: count, event: receipt, window: 30d}
`,
  'offers.yaml': 'tea: {title: A pot of tea, expires: 7d, budget: 2}\n',
  'policy.yaml': `consent: {pos: none-needed, push: opt-out, sms: opt-in, email: opt-in}
caps: [{name: a-day, max: 2, per: 1d, channels: [push, sms, email]}]
quietHours: {from: "21:00", to: "09:00", channels: [push, sms], then: defer}
arbitration: {slots: {pos: [line-1]}, pick: 2}
`,
  'campaigns/tea.yaml': `id: tea
on: receipt
when: event.total >= 50.0
offer: tea
channels: [pos]
value: event.total * 0.1
template: tea
`,
  'campaigns/thanks.yaml': `id: thanks
on: receipt
when: profile.receipts_30d >= 2 && event.total > 5.0
channels: [push, email]
cascade: {after: 2h, unless: opened}
variants: {short: {weight: 50, template: thanks}, long: {weight: 50}}
`,
  'campaigns/basket.yaml': `id: basket
on: added
wait: {for: 30m, unless: [{event: paid, when: event.basket == trigger.basket}]}
channels: [push]
`,
  'campaigns/letter.yaml': `id: letter
on: {schedule: monday}
when: has(profile.tier) && profile.tier == "gold"
channels: [push]
holdout: 50%
`,
  'campaigns/coming.yaml': `id: coming
on: added
channels: [email]
status: draft
`,
  'campaigns/shade.yaml': `id: shade
on: receipt
channels: [push]
status: shadow
`,
  'templates/tea.yaml': 'pos: {line: "{{ offer.title }}", size: "{{ event.total }}"}\n',
  'templates/thanks.yaml': 'push: {title: Thanks}\nemail: {subject: Thanks}\n',
};

export const TRIAL_SHOP_TESTS = `# yaml-language-server: $schema=../../schemas/test.schema.json
- name: the till offers tea, and nothing to who buys little
  steps:
    - at: 2010-12-01T12:00:00Z
      event: {type: receipt, customer: null, id: 17, data: {total: 60, paid: true, till: {id: a}, at: "2010-12-01T12:00:00Z", items: [{sku: "1", qty: 2}], tags: [x]}}
      expect:
        decided: [{campaign: tea, customer: null, channel: pos, variant: null, offer: tea, slot: line-1, value: 6, message: {line: A pot of tea}, expires: 2010-12-08 12:00, at: 2010-12-01 12:00}]
    - event: {type: receipt, data: {total: 1}}
      expect: {nothing: true}

- name: thanks, with history, until the phone is quiet
  given:
    - customer: ann-7
      attributes: {tier: gold, age: 40, tags: [garden]}
      consent: {email: granted}
      events:
        - {ago: 3d, type: receipt, data: {total: 6}, id: r1}
        - {at: 2010-11-20 12:00, type: receipt, data: {total: 7}}
    - customer: 17850
  steps:
    - at: 2010-12-01 20:59
      event: {type: receipt, customer: ann-7, data: {total: 6}, ts: 2010-12-01 20:50}
      expect:
        - {customer: ann-7, decided: [{campaign: thanks, channel: push}]}
        - {customer: 17850, decided: []}
    - event: {type: receipt, customer: 17850, data: {total: 3}}
      expect: {unmatched: [thanks, tea]}
    - after: 1h
      event: {type: $feedback, customer: ann-7, data: {decision: thanks, outcome: delivered}}
    - after: 1h
      expect: {decided: [{campaign: thanks, channel: email}]}
    - after: 10m
      event: {type: receipt, customer: 17850, data: {total: 6}}
      expect: {waiting: thanks}

- name: a basket is paid, and one is not
  given: {customer: ann}
  steps:
    - at: 2010-12-01 12:00
      event: {type: added, data: {basket: a}}
      expect: {waiting: [basket]}
    - after: 29m59s
      event: {type: paid, data: {basket: a}}
      expect: {suppressed: {basket: cancelled}, decided: []}
    - after: 1s
      event: {type: added, data: {basket: b}}
    - after: 1h
      expect: {decided: basket}

- name: a draft is tested before it is live
  live: coming
  given: {customer: ann, consent: {email: granted}}
  steps:
    - {at: 2010-12-01 12:00, event: {type: added}, expect: {decided: [coming]}}

- name: a campaign in shadow changes nothing, and can be looked at
  given: {customer: ann}
  steps:
    - {at: 2010-12-01 12:00, event: {type: receipt, data: {total: 1}}, expect: [{nothing: true}, {suppressed: {shade: shadow}}]}

- name: and is tested as if it were live
  live: [shade]
  campaigns: [shade]
  given: {customer: ann}
  steps:
    - {at: 2010-12-01 12:00, event: {type: receipt, data: {total: 60}}, expect: {decided: [{campaign: shade, channel: push}]}}

- name: the Monday letter
  given: [{customer: ann, attributes: {tier: gold}}, {customer: bob}, {customer: cid, attributes: {tier: gold}}]
  steps:
    - at: 2010-12-06 09:30
      expect: [{customer: bob, unmatched: letter}, {decided: [{campaign: letter, customer: ann}]}, {customer: cid, suppressed: {letter: [holdout]}}]

- name: a budget of two is used up by the third
  steps:
    - {at: 2010-12-01 12:00, event: {type: receipt, data: {total: 60}}, expect: {decided: tea}}
    - {event: {type: receipt, data: {total: 60}}, expect: {decided: tea}}
    - {event: {type: receipt, data: {total: 60}}, expect: {suppressed: {tea: budget}}}
`;
