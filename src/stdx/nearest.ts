/** The nearest known name to one that is not known: optimal string alignment distance, without regard to case. For "did you mean". */

/** Longer names are compared by their beginnings: it is quadratic in their length. */
const COMPARED_LENGTH_MAX = 64;

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
  const lower = name.toLowerCase().slice(0, COMPARED_LENGTH_MAX);
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const edits = distance(lower, candidate.toLowerCase().slice(0, COMPARED_LENGTH_MAX), bestDistance - 1);
    if (edits < bestDistance && edits < Math.max(name.length, candidate.length)) {
      best = candidate;
      bestDistance = edits;
    }
  }
  return best;
}
