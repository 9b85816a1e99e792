/** "Did you mean": the nearest known name to one that is not known. */

/** Edits (insert, delete, replace, swap neighbours) that turn `a` into `b`, or `bound + 1` where it takes more. */
function distance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, (beforeLast[j - 2] as number) + 1);
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] as number;
}

/** The nearest of `known` within about a third of the name's length, the first of equals; null where none is near. */
export function nearest(name: string, known: Iterable<string>): string | null {
  const lower = name.toLowerCase();
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const edits = distance(lower, candidate.toLowerCase(), bestDistance - 1);
    if (edits < bestDistance && edits < Math.max(name.length, candidate.length)) {
      best = candidate;
      bestDistance = edits;
    }
  }
  return best;
}

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
