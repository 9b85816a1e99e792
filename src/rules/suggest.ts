/** "Did you mean", as issues of a rule say it. */
import { nearest } from '../stdx/nearest.ts';

/** `; did you mean "total"?`, or nothing if no name is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  return near === null ? '' : `; did you mean "${near}"?`;
}
