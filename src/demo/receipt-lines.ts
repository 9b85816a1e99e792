/**
 * Reads the Online Retail CSV, one receipt line per row, as text and without interpretation. Only rows that are no row at all (a missing column, a
 * quantity or price that is no number) end here, with their line number.
 */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { InputError } from '../cli/exit.ts';

const COLUMNS = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const;
type Column = (typeof COLUMNS)[number];

/** Prices are decimal text with at most this many places; money is counted in whole ten-thousandths of a pound, so that sums are exact. */
const PRICE_PLACES = 4;
export const MONEY_UNIT = 10 ** PRICE_PLACES;

export interface ReceiptLine {
  readonly invoice: string;
  readonly sku: string;
  /** As in the file: may be empty, may hold stray spaces. */
  readonly description: string;
  /** Negative on cancellations and stock adjustments. */
  readonly quantity: number;
  /** UK local time, `2010-12-01 08:26:00`. */
  readonly localTime: string;
  /** Price of one, in 1 / MONEY_UNIT pounds. */
  readonly price: number;
  /** `17850`, or null where no loyalty card was shown. */
  readonly customer: string | null;
  readonly country: string;
}

export interface UnreadableLine {
  /** In the file, counted from 1; the header is line 1. */
  readonly line: number;
  readonly problem: string;
}

/** Reads `path`, plain or gzipped by its name. `onLine` is called in the file's order. Throws InputError if it is not this kind of file. */
export async function readReceiptLines(path: string, onLine: (line: ReceiptLine) => void): Promise<UnreadableLine[]> {
  const file: Readable = createReadStream(path);
  const unreadable: UnreadableLine[] = [];
  const parser = parse({ columns: checkedHeader, info: true, relax_column_count: true });
  parser.on('readable', () => {
    for (let row = parser.read(); row !== null; row = parser.read()) {
      const { record, info } = row as { record: Readonly<Record<Column, string | undefined>>; info: { lines: number } };
      const line = toReceiptLine(record);
      if (typeof line === 'string') unreadable.push({ line: info.lines, problem: line });
      else onLine(line);
    }
  });
  try {
    await (path.endsWith('.gz') ? pipeline(file, createGunzip(), parser) : pipeline(file, parser));
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(`${path}: ${(error as Error).message}`);
  }
  return unreadable;
}

function checkedHeader(header: readonly string[]): string[] {
  const missing = COLUMNS.filter((column) => !header.includes(column));
  if (missing.length > 0) throw new InputError(`not the Online Retail file: its header has no ${missing.join(', ')}`);
  return [...header];
}

/** The line, or what is wrong with it. */
function toReceiptLine(row: Readonly<Record<Column, string | undefined>>): ReceiptLine | string {
  const absent = COLUMNS.find((column) => row[column] === undefined);
  if (absent) return `no ${absent}`;
  const {
    InvoiceNo = '',
    StockCode = '',
    Description = '',
    Quantity = '',
    InvoiceDate = '',
    UnitPrice = '',
    CustomerID = '',
    Country = '',
  } = row;
  const quantity = Number(Quantity);
  if (Quantity.trim() === '' || !Number.isSafeInteger(quantity)) return `Quantity "${Quantity}" is no whole number`;
  const price = parseMoney(UnitPrice);
  if (price === null) return `UnitPrice "${UnitPrice}" is no price with up to ${PRICE_PLACES} decimal places`;
  if (InvoiceNo.trim() === '') return 'no InvoiceNo';
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(InvoiceDate)) return `InvoiceDate "${InvoiceDate}" is no local time`;
  return {
    invoice: InvoiceNo.trim(),
    sku: StockCode.trim(),
    description: Description,
    quantity,
    localTime: InvoiceDate,
    price,
    // The file's ids went through a floating-point column: 17850.0.
    customer: CustomerID.trim() === '' ? null : CustomerID.trim().replace(/\.0$/, ''),
    country: Country.trim(),
  };
}

/** Decimal text to whole units, exactly; null if it is not that. */
export function parseMoney(text: string): number | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text.trim());
  if (!match) return null;
  const [, sign, whole = '', fraction = ''] = match;
  if (fraction.length > PRICE_PLACES) return null;
  const units = Number(whole + fraction.padEnd(PRICE_PLACES, '0'));
  if (!Number.isSafeInteger(units)) return null;
  return sign === '-' && units !== 0 ? -units : units;
}
