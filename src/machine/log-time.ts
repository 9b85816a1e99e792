/** How an event moves log time. */
import { EVENT_FUTURE_MS_MAX } from '../constants.ts';

/**
 * Log time once an event dated `givenTs` (NaN: not dated) is accepted; -1 where its date is refused, being more than
 * EVENT_FUTURE_MS_MAX after the record's own. Under the wall clock events do not move it.
 */
export function acceptedTime(clock: 'wall' | 'event', logTime: number, givenTs: number, recordTs: number): number {
  if (clock === 'wall' || !(givenTs > logTime)) return logTime;
  return givenTs <= recordTs + EVENT_FUTURE_MS_MAX ? givenTs : -1;
}
