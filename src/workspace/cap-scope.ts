/** What counts for a cap, by its channels, groups and categories. */
import type { Campaign, Cap } from './workspace.ts';

/** Contacts by a campaign count for it, on whichever of its channels. */
export function countsFor(cap: Cap, { group, category }: Campaign): boolean {
  return (
    (cap.groups === null || (group !== null && cap.groups.includes(group))) &&
    (cap.categories === null || (category !== null && cap.categories.includes(category)))
  );
}

export function countsOn(cap: Cap, channel: number): boolean {
  return cap.channels === null || cap.channels.includes(channel);
}

/** Whatever counts for `part` counts for `whole` as well. */
export function countsAll(whole: Cap, part: Cap): boolean {
  const within = <T>(all: readonly T[] | null, some: readonly T[] | null): boolean =>
    all === null || some?.every((each) => all.includes(each)) === true;
  return (
    within(whole.channels, part.channels) &&
    within(whole.groups, part.groups) &&
    within(whole.categories, part.categories)
  );
}
