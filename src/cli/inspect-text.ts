/** How `beckon inspect` puts things: aligned columns, sizes, times, and bytes as text that is safe on a terminal. */

/** A column of fixed width, so that rows can be printed as they are read. Numbers are set to the right. */
export interface Column {
  readonly title: string;
  readonly width: number;
  readonly right?: boolean;
}

export function row(columns: readonly Column[], cells: readonly (string | number)[]): string {
  const padded = columns.map(({ width, right }, i) => {
    const cell = String(cells[i] ?? '');
    return right ? cell.padStart(width) : cell.padEnd(width);
  });
  return `  ${padded.join('  ')}`.trimEnd();
}

export function titles(columns: readonly Column[]): string {
  return row(
    columns,
    columns.map(({ title }) => title),
  );
}

export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** RFC 3339, or the bare number where it is no date. */
export function time(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

const decoder = new TextDecoder('utf-8');

/** The beginning of `bytes` as one line of at most `width` characters; what cannot be shown is a dot. */
export function preview(bytes: Uint8Array, width: number): string {
  const text = decoder.decode(bytes.subarray(0, width * 4)).replace(/[\p{C}\p{Zl}\p{Zp}\ufffd]/gu, '·');
  const characters = Array.from(text);
  return characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : text;
}
