/** How many events a record held: accepted, repeated and refused ones alike, since all of them are replayed. */
import type { Effects } from '../machine/effects.ts';

export function eventsOf({ accepted, repeated, rejections }: Effects): number {
  return accepted + repeated + rejections.length;
}
