/**
 * Customers to scan, and what is asked of them: the one place that says it, for Beckon, for ceiling/scan.cpp, which computes the same in C++, and for DuckDB.
 *
 * A cell is a hash of its row and its column: h(row, salt) = fmix32(row + salt · 0x9e3779b9), all modulo 2^32; rows are counted from 0. With the column's salt it
 * gives the value, with the salt + 1 whether there is one: absent where h is a multiple of 16, for one row in sixteen.
 */
import { fmix32 } from '../../src/stdx/hash.ts';
import { TIERS } from './kernel.ts';

export const SCAN_COLUMNS = {
  /** double: h / 2^32. */
  score: { type: 'double', salt: 1 },
  /** string: TIERS[h mod 8]. */
  tier: { type: 'string', salt: 3 },
  /** string: country-(h mod 40). */
  country: { type: 'string', salt: 5 },
  /** int: h mod 100. */
  visits: { type: 'int', salt: 7 },
  /** bool: h mod 2. */
  member: { type: 'bool', salt: 9 },
} as const;
export type ScanColumn = keyof typeof SCAN_COLUMNS;

const COUNTRIES = 40;
const ABSENT_EVERY = 16;

/** What is asked, in CEL; the names are those of scan.cpp's `count`. */
export const SCAN_PREDICATES = {
  all: 'profile.score > 0.9 && profile.tier == "gold" && profile.country in ["country-1", "country-5", "country-7", "country-20", "country-33"]',
  double: 'profile.score > 0.5',
  code: 'profile.tier == "gold"',
  int: 'profile.visits >= 50 && profile.member',
  either: 'profile.score > 0.99 || profile.tier == "vip"',
} as const;
export type ScanPredicate = keyof typeof SCAN_PREDICATES;

function cellHash(row: number, salt: number): number {
  return fmix32((row + Math.imul(salt, 0x9e3779b9)) >>> 0);
}

/** The number behind a cell: a double, an int, 0 or 1, or the string's number (see `scanText`); null: absent. */
export function scanNumber(column: ScanColumn, row: number): number | null {
  const { salt } = SCAN_COLUMNS[column];
  if (cellHash(row, salt + 1) % ABSENT_EVERY === 0) return null;
  const hash = cellHash(row, salt);
  switch (column) {
    case 'score':
      return hash / 2 ** 32;
    case 'tier':
      return hash % TIERS.length;
    case 'country':
      return hash % COUNTRIES;
    case 'visits':
      return hash % 100;
    case 'member':
      return hash % 2;
  }
}

/** The string that a number of `tier` or `country` stands for. */
export function scanText(column: 'tier' | 'country', number: number): string {
  return column === 'tier' ? (TIERS[number] as string) : `country-${number}`;
}

/** What scan.cpp counts, the slow way. */
export function scanHolds(predicate: ScanPredicate, row: number): boolean {
  const score = scanNumber('score', row);
  const tier = scanNumber('tier', row);
  const gold = TIERS.indexOf('gold');
  switch (predicate) {
    case 'all': {
      const country = scanNumber('country', row);
      return score !== null && score > 0.9 && tier === gold && country !== null && CHOSEN_COUNTRIES.includes(country);
    }
    case 'double':
      return score !== null && score > 0.5;
    case 'code':
      return tier === gold;
    case 'int':
      return (scanNumber('visits', row) ?? 0) >= 50 && scanNumber('member', row) === 1;
    case 'either':
      return (score !== null && score > 0.99) || tier === TIERS.indexOf('vip');
  }
}

const CHOSEN_COUNTRIES: readonly number[] = [1, 5, 7, 20, 33];
