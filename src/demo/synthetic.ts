/**
 * What the receipts do not tell and a retailer knows: who the customers are, and what they agreed to. These events are SYNTHETIC: drawn from a hash of the
 * customer's number, so that they are the same on every run, and marked by ids that start with `synthetic-`. Only `country` is taken from the receipts.
 */
import { fmix32, fnv1a32 } from '../stdx/hash.ts';
import type { DemoEvent } from './demo-event.ts';

/** Zones of the countries with customers in the data; elsewhere the shop's own applies. */
const ZONES: Readonly<Record<string, string>> = {
  Australia: 'Australia/Sydney',
  Austria: 'Europe/Vienna',
  Bahrain: 'Asia/Bahrain',
  Belgium: 'Europe/Brussels',
  Brazil: 'America/Sao_Paulo',
  Canada: 'America/Toronto',
  Cyprus: 'Asia/Nicosia',
  Denmark: 'Europe/Copenhagen',
  EIRE: 'Europe/Dublin',
  Finland: 'Europe/Helsinki',
  France: 'Europe/Paris',
  Germany: 'Europe/Berlin',
  Greece: 'Europe/Athens',
  'Hong Kong': 'Asia/Hong_Kong',
  Iceland: 'Atlantic/Reykjavik',
  Israel: 'Asia/Jerusalem',
  Italy: 'Europe/Rome',
  Japan: 'Asia/Tokyo',
  Lebanon: 'Asia/Beirut',
  Lithuania: 'Europe/Vilnius',
  Malta: 'Europe/Malta',
  Netherlands: 'Europe/Amsterdam',
  Norway: 'Europe/Oslo',
  Poland: 'Europe/Warsaw',
  Portugal: 'Europe/Lisbon',
  Singapore: 'Asia/Singapore',
  Spain: 'Europe/Madrid',
  Sweden: 'Europe/Stockholm',
  Switzerland: 'Europe/Zurich',
  USA: 'America/New_York',
};

/** Shares of customers, each drawn independently. */
const GOLD = 0.1;
const SILVER = 0.3;
const AGREES_TO_SMS = 0.5;
const AGREES_TO_EMAIL = 0.6;
const REFUSES_PUSH = 0.15;
const INTERESTS: readonly (readonly [string, number])[] = [
  ['kitchen', 0.4],
  ['garden', 0.3],
  ['christmas', 0.5],
];

/** Uniform over [0, 1), the same for the same question about the same thing for ever. */
export function draw(question: string, about: string): number {
  return fmix32(fnv1a32(`${question}:${about}`)) / 2 ** 32;
}

function country(event: DemoEvent): string {
  return String(event.data['country']);
}

/** The same events, in the same order, with each customer introduced just before the first event that names them. */
export function withSyntheticCustomers(events: readonly DemoEvent[]): DemoEvent[] {
  const introduced = new Set<string>();
  const result: DemoEvent[] = [];
  for (const event of events) {
    if (event.customer !== undefined && !introduced.has(event.customer)) {
      introduced.add(event.customer);
      result.push(...introduce(event.customer, country(event), event.ts));
    }
    result.push(event);
  }
  return result;
}

function introduce(customer: string, home: string, ts: string): DemoEvent[] {
  const tier = draw('tier', customer);
  const profile = {
    country: home,
    loyalty: true,
    tier: tier < GOLD ? 'gold' : tier < GOLD + SILVER ? 'silver' : 'bronze',
    interests: INTERESTS.filter(([interest, share]) => draw(`interest ${interest}`, customer) < share).map(
      ([interest]) => interest,
    ),
    likes_candles: Math.round(draw('candles', customer) * 100) / 100,
    ...(ZONES[home] === undefined ? {} : { timezone: ZONES[home] }),
  };
  const events: DemoEvent[] = [{ id: `synthetic-profile-${customer}`, type: '$profile', ts, customer, data: profile }];
  const consent = (channel: string, state: 'granted' | 'denied'): void => {
    events.push({
      id: `synthetic-consent-${channel}-${customer}`,
      type: '$consent',
      ts,
      customer,
      data: { channel, state },
    });
  };
  if (draw('sms', customer) < AGREES_TO_SMS) consent('sms', 'granted');
  if (draw('email', customer) < AGREES_TO_EMAIL) consent('email', 'granted');
  if (draw('push', customer) < REFUSES_PUSH) consent('push', 'denied');
  return events;
}
