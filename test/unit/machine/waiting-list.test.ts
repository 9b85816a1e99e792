/** Whom a campaign waits for, against sorting all of them. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { MachineFixture } from '../../support/machine-fixture.ts';

const FILES = {
  'events.yaml': 'view: {sku: string}\nstop: {sku: string}\n',
  'policy.yaml': 'consent: {push: none-needed}\n',
  'campaigns/a.yaml':
    'id: a\non: view\nwait: {for: 1h, unless: [{event: stop, when: event.sku == trigger.sku}]}\nchannels: [push]\n',
  'campaigns/b.yaml': 'id: b\non: view\nwait: {for: 2h}\nchannels: [push]\n',
};

it('lists the first that are due, in order, and counts all', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          customer: fc.integer({ min: 0, max: 9 }),
          waitMs: fc.integer({ min: 0, max: 1000 }),
          stops: fc.boolean(),
        }),
        {
          maxLength: 40,
        },
      ),
      fc.integer({ min: 0, max: 45 }),
      (views, limit) => {
        const fixture = MachineFixture.with(FILES, { clock: 'wall' });
        let ts = Date.UTC(2026, 0, 1);
        const expected = views.map(({ customer, waitMs }, i) => {
          ts += waitMs;
          fixture.send({ id: `v${i}`, type: 'view', customer: `c${customer}`, data: { sku: `${i}` } }, ts);
          const since = new Date(ts).toISOString();
          const until = new Date(ts + 3_600_000).toISOString();
          return { customer: `c${customer}`, for: 'wait', since, until, event: { id: `v${i}`, type: 'view' } };
        });
        // Those that leave mix up the queue of the others.
        views.forEach(({ customer, stops }, i) => {
          const stop = { type: 'stop', customer: `c${customer}`, data: { sku: `${i}` } };
          if (stops) fixture.send(stop, ts);
        });
        const left = expected.filter((_, i) => !views[i]?.stops);
        const { total, customers } = fixture.machine.waitingFor('a', limit);
        expect(total).toBe(left.length);
        expect(customers).toEqual(left.slice(0, limit));
      },
    ),
    { numRuns: 50 },
  );
});
