/** Durations as people write them: `90s`, `30m`, `24h`, `7d`, and combinations from large to small (`1d12h`). Milliseconds inside. */

export const DURATION_PATTERN = /^(?=\d)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** Milliseconds; null where the text is no duration. */
export function parseDuration(text: string): number | null {
  const match = DURATION_PATTERN.exec(text);
  if (match === null) return null;
  return UNITS.reduce((sum, [, unitMs], i) => sum + Number(match[i + 1] ?? 0) * unitMs, 0);
}

export const OFFSET_PATTERN = new RegExp(`^-?${DURATION_PATTERN.source.slice(1)}`);

/** A duration that may begin with a minus sign: `-3h`. Milliseconds; null where the text is none. */
export function parseOffset(text: string): number | null {
  const ms = parseDuration(text.replace(/^-/, ''));
  return ms === null || ms === 0 || !text.startsWith('-') ? ms : -ms;
}

/** The shortest text that parses back to `ms` (whole seconds): 129,600,000 → `1d12h`. */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = '';
  for (const [unit, unitMs] of UNITS) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}
