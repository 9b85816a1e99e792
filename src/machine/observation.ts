/** What one event adds to one aggregate. */
import type { EventFrame, ProfileFrame } from '../protocol/frame.ts';
import { OBSERVATION_TAKEN } from '../state/observations.ts';
import type { ActiveAggregate } from './active-workspace.ts';

export const Observation = { skip: 0, take: OBSERVATION_TAKEN, error: 2 } as const;

/** Writes what is taken to numbers[place], or texts[place] for a string, and says whether it is; error: `when` or `value` ended in one, or beyond what the aggregate takes. */
export function evaluateObservation(
  aggregate: ActiveAggregate,
  event: EventFrame,
  profile: ProfileFrame,
  logTime: number,
  place: number,
  numbers: Float64Array,
  texts: string[],
): number {
  const { when, value, valueSlot } = aggregate;
  if (when !== null) {
    if (!when.evaluate(event, profile, logTime)) return Observation.error;
    if (when.number === 0) return Observation.skip;
  }
  if (value === null) {
    numbers[place] = 1;
    return Observation.take;
  }
  if (valueSlot >= 0) {
    if (event.present[valueSlot] === 0) return Observation.error;
    const number = event.number[valueSlot] as number;
    numbers[place] = number;
    return Math.abs(number) <= aggregate.magnitudeMax ? Observation.take : Observation.error;
  }
  if (!value.evaluate(event, profile, logTime)) return Observation.error;
  if (aggregate.isText) texts[place] = value.text;
  // No aggregate has a meaning for what is no finite number: 0.0 / 0.0 is an error like 0 / 0. NaN fails as well.
  else if (!(Math.abs(value.number) <= aggregate.magnitudeMax)) return Observation.error;
  else numbers[place] = value.number;
  return Observation.take;
}
