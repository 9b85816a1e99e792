/** The predicate `all` of workload/scan-rows.ts as a loop over typed arrays. */
import type { BeckonColumns } from './beckon-columns.ts';

const COUNTRIES = [1, 5, 7, 20, 33].map((country) => `country-${country}`);

export function countAllByLoop(columns: BeckonColumns): number {
  const [scores, tiers, countries] = [columns.views('score'), columns.views('tier'), columns.views('country')];
  const gold = columns.codes('gold');
  const chosen = COUNTRIES.map((country) => columns.codes(country));
  let count = 0;
  for (const [partition, { rows, presence, values }] of scores.entries()) {
    const [tier, country] = [tiers[partition], countries[partition]] as [
      (typeof tiers)[number],
      (typeof tiers)[number],
    ];
    count += countRows(
      rows,
      presence,
      values,
      tier.presence,
      tier.values,
      gold[partition] as number,
      country.presence,
      country.values,
      chosen.map((codes) => codes[partition] as number),
    );
  }
  return count;
}

type Values = Float64Array | Int32Array | Uint8Array;

function countRows(
  rows: number,
  scored: Uint8Array,
  scores: Values,
  tiered: Uint8Array,
  tiers: Values,
  gold: number,
  placed: Uint8Array,
  countries: Values,
  chosen: readonly number[],
): number {
  const [a = -1, b = -1, c = -1, d = -1, e = -1] = chosen;
  let count = 0;
  for (let row = 1; row < rows; row++) {
    const byte = row >>> 3;
    const there = (scored[byte] as number) & (tiered[byte] as number) & (placed[byte] as number);
    if (((there >>> (row & 7)) & 1) === 0 || (scores[row] as number) <= 0.9 || tiers[row] !== gold) continue;
    const country = countries[row];
    if (country === a || country === b || country === c || country === d || country === e) count++;
  }
  return count;
}
