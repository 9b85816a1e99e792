/** What is known of the terminal that a command writes to. */

export interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Colours are for terminals, unless NO_COLOR is set (no-color.org). */
export function hasColours({ isTTY }: Output): boolean {
  return isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
}

/** Columns; `otherwise` where there is no terminal, or one of unknown size (0 of them). */
export function widthOf({ columns }: Output, otherwise: number): number {
  return columns || otherwise;
}
