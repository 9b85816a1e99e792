/** What the converter met in the data, and what it did about it: counted, and printed as a table. */
import { MONEY_UNIT } from './receipt-lines.ts';

/** Money in 1 / MONEY_UNIT pounds. */
export interface Quirks {
  lines: number;
  unreadableLines: number;
  receipts: number;
  cancellations: number;
  adjustments: number;
  moneyIn: number;
  receiptsTotal: number;
  refundsTotal: number;
  adjustmentsTotal: number;
  anonymous: number;
  linesApart: number;
  timesApart: number;
  summerTimes: number;
  timesThatNeverWere: number;
  strayedSpaces: number;
  namelessLines: number;
  freeLines: number;
  negativePrices: number;
  repeatedLines: number;
  outliers: number;
  /** Codes that are no goods → lines. */
  readonly charges: Map<string, number>;
}

export function createQuirks(): Quirks {
  return {
    lines: 0,
    unreadableLines: 0,
    receipts: 0,
    cancellations: 0,
    adjustments: 0,
    moneyIn: 0,
    receiptsTotal: 0,
    refundsTotal: 0,
    adjustmentsTotal: 0,
    anonymous: 0,
    linesApart: 0,
    timesApart: 0,
    summerTimes: 0,
    timesThatNeverWere: 0,
    strayedSpaces: 0,
    namelessLines: 0,
    freeLines: 0,
    negativePrices: 0,
    repeatedLines: 0,
    outliers: 0,
    charges: new Map(),
  };
}

export function formatPounds(units: number): string {
  const pounds = (Math.abs(units) / MONEY_UNIT).toLocaleString('en-GB', {
    minimumFractionDigits: 2,
    maximumFractionDigits: 3,
  });
  return `${units < 0 ? '−' : ''}£${pounds}`;
}

export function formatQuirks(quirks: Quirks): string {
  const count = (value: number): string => value.toLocaleString('en-GB');
  const charges = [...quirks.charges.entries()].sort((a, b) => b[1] - a[1]);
  const rows: (readonly [string, string, string])[] = [
    ['lines read', count(quirks.lines), ''],
    ['receipts', count(quirks.receipts), formatPounds(quirks.receiptsTotal)],
    [
      'cancellations',
      count(quirks.cancellations),
      `${formatPounds(quirks.refundsTotal)} given back, as positive amounts`,
    ],
    [
      'adjustments',
      count(quirks.adjustments),
      `${formatPounds(quirks.adjustmentsTotal)}: stock counts and bookkeeping, kept apart as \`adjusted\``,
    ],
    ['money', formatPounds(quirks.moneyIn), 'in the file = receipts − cancellations + adjustments'],
    ['', '', ''],
    ['no loyalty card', count(quirks.anonymous), 'receipts and cancellations, sent without a customer'],
    ['lines of one invoice apart', count(quirks.linesApart), 'gathered into their invoice'],
    ['invoices over two minutes', count(quirks.timesApart), 'dated by their earliest line'],
    ['times in British Summer Time', count(quirks.summerTimes), 'one hour earlier in UTC'],
    ['times that never were', count(quirks.timesThatNeverWere), 'in the hour skipped in March: read as the hour after'],
    ['stray spaces', count(quirks.strayedSpaces), 'descriptions trimmed, inner runs made one space'],
    ['no description', count(quirks.namelessLines), 'an item with an empty name'],
    ['price zero', count(quirks.freeLines), 'kept: gifts, samples and stock counts'],
    ['price negative', count(quirks.negativePrices), 'kept'],
    ['lines repeated exactly', count(quirks.repeatedLines), 'kept: the till added them up, too'],
    ['above £10,000', count(quirks.outliers), 'kept: real until they are cancelled'],
    [
      'no goods',
      count(charges.reduce((sum, [, lines]) => sum + lines, 0)),
      `kept as items: ${charges.map(([code, lines]) => `${code} ${lines}`).join(', ') || 'none'}`,
    ],
    ['unreadable lines', count(quirks.unreadableLines), 'left out'],
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  const numbers = Math.max(...rows.map(([, value]) => value.length));
  return rows
    .map(([what, value, decision]) => `${what.padEnd(width)}  ${value.padStart(numbers)}  ${decision}`.trimEnd())
    .join('\n');
}
