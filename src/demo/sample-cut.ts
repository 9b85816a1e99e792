/**
 * The cut that makes the sample of December 2010 out of the converted file. Three documented steps: one month; synthetic customers (synthetic.ts); and one day
 * on which the shop's line was down, so that something comes late, as it does in life: the order of delivery changes, the events themselves do not.
 */
import { assert } from '../stdx/assert.ts';
import type { DemoEvent } from './demo-event.ts';
import { withSyntheticCustomers } from './synthetic.ts';

export const SAMPLE_UNTIL = '2011-01-01';
/** What was rung up in these two hours is delivered as the first thing of the next trading day. UTC. */
export const LINE_DOWN = { from: '2010-12-09T11:00', to: '2010-12-09T13:00', deliveredFrom: '2010-12-10' } as const;

/** `events` in the order of time. RFC 3339 in UTC compares as text. */
export function cutSample(events: readonly DemoEvent[]): DemoEvent[] {
  const month = events.filter(({ ts }) => ts < SAMPLE_UNTIL);
  assert(month.length > 0, 'the sample needs December 2010');
  return withLineDown(withSyntheticCustomers(month));
}

function withLineDown(events: readonly DemoEvent[]): DemoEvent[] {
  const held = (event: DemoEvent): boolean =>
    !event.type.startsWith('$') && event.ts >= LINE_DOWN.from && event.ts < LINE_DOWN.to;
  const late = events.filter(held);
  const onTime = events.filter((event) => !held(event));
  const nextDay = onTime.findIndex(({ ts }) => ts >= LINE_DOWN.deliveredFrom);
  return nextDay < 0 ? [...onTime, ...late] : [...onTime.slice(0, nextDay), ...late, ...onTime.slice(nextDay)];
}
