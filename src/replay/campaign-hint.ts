/** What may have been meant by the id of a campaign that there is not. */
import { nearest } from '../stdx/nearest.ts';

const LISTED_MAX = 8;

/** `did you mean "x"?`, or else some of those that there are. */
export function campaignHint(unknown: string, ids: readonly string[]): string {
  const near = nearest(unknown, ids);
  if (near !== null) return `did you mean "${near}"?`;
  if (ids.length === 0) return 'there are none';
  const more = ids.length > LISTED_MAX ? ' …' : '';
  return `there ${ids.length === 1 ? 'is only' : 'are'} ${ids.slice(0, LISTED_MAX).join(', ')}${more}`;
}
