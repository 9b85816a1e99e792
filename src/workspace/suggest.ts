/** "Did you mean", as issues of a workspace say it. */
import { nearest } from '../stdx/nearest.ts';

/** `; did you mean \`x\`?` or nothing, ready to be appended to a message. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  return near === null ? '' : `; did you mean \`${near}\`?`;
}

/** The same, or else what there is, if that is little. */
export function suggestion(name: string, known: Iterable<string>): string {
  const names = [...known];
  const near = didYouMean(name, names);
  if (near !== '' || names.length === 0 || names.length > 8) return near;
  return `; there ${names.length === 1 ? 'is only' : 'are'} ${names.map((known) => `\`${known}\``).join(', ')}`;
}
