/**
 * Online Retail receipts → events. One event per invoice, its id the invoice number, so that converting and importing again adds nothing:
 *
 *   receipt     a sale: total, store, country, items
 *   cancelled   an invoice that starts with `C`: the refund, as positive numbers
 *   adjusted    what no customer ever saw: stock counts and write-offs (no customer, every price zero), and bookkeeping (`A…`)
 *
 * Nothing is dropped: the totals of all events add up to the file's, to the last ten-thousandth of a pound, and that is asserted. What is odd about
 * the data is kept where it is money or history, tidied where it is only spelling, and counted either way.
 */
import moment from 'moment-timezone';
import { EVENT_LIST_LENGTH_MAX } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { type DemoEvent, formatTime, type ReceiptItem } from './demo-event.ts';
import { createQuirks, type Quirks } from './quirks.ts';
import { MONEY_UNIT, type ReceiptLine, readReceiptLines, type UnreadableLine } from './receipt-lines.ts';

export const STORE = 'web';
const STORE_ZONE = 'Europe/London';
/** Above this a sale is worth a second look: the file's two largest were cancelled within minutes. In pounds. */
const OUTLIER_POUNDS = 10_000;

export interface Conversion {
  /** In the order of time; invoices of the same minute in the order of the file. */
  readonly events: readonly DemoEvent[];
  readonly quirks: Quirks;
  readonly unreadable: readonly UnreadableLine[];
}

interface Invoice {
  readonly number: string;
  readonly lines: ReceiptLine[];
  lastLineAt: number;
}

export async function convertReceipts(path: string): Promise<Conversion> {
  const quirks = createQuirks();
  const invoices = new Map<string, Invoice>();
  const unreadable = await readReceiptLines(path, (line) => gather(line, invoices, quirks));
  const converted = [...invoices.values()].map((invoice) => convertInvoice(invoice, quirks));
  // Array.prototype.sort is stable: the file's order decides between equal times.
  converted.sort((a, b) => a.timeMs - b.timeMs);
  quirks.unreadableLines = unreadable.length;
  assert(
    quirks.moneyIn === quirks.receiptsTotal - quirks.refundsTotal + quirks.adjustmentsTotal,
    'the money of the file must be the money of the events',
  );
  return { events: converted.map(({ event }) => event), quirks, unreadable };
}

/** Lines of one invoice belong together wherever they stand. */
function gather(line: ReceiptLine, invoices: Map<string, Invoice>, quirks: Quirks): void {
  const at = quirks.lines++;
  quirks.moneyIn += line.quantity * line.price;
  const known = invoices.get(line.invoice);
  if (!known) {
    invoices.set(line.invoice, { number: line.invoice, lines: [line], lastLineAt: at });
    return;
  }
  if (known.lastLineAt !== at - 1) quirks.linesApart++;
  known.lastLineAt = at;
  known.lines.push(line);
}

function convertInvoice(invoice: Invoice, quirks: Quirks): { timeMs: number; event: DemoEvent } {
  const { number, lines } = invoice;
  const first = lines[0];
  assert(first, 'an invoice has lines');
  assert(lines.length <= EVENT_LIST_LENGTH_MAX, `invoice ${number} has more lines than an event may have elements`);
  const type = typeOf(number, lines);
  // A refund reads as what is given back: +6 candles, +15.30.
  const direction = type === 'cancelled' ? -1 : 1;
  const total = direction * lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0);
  countInvoice(type, total, lines, quirks);
  const timeMs = earliest(lines, quirks);
  const items = lines.map((line) => toItem(line, direction, quirks));
  const event: DemoEvent = {
    id: number,
    type,
    ts: formatTime(timeMs),
    ...(first.customer === null ? {} : { customer: first.customer }),
    data: { total: total / MONEY_UNIT + 0, store: STORE, country: first.country, items },
  };
  return { timeMs, event };
}

function typeOf(number: string, lines: readonly ReceiptLine[]): 'receipt' | 'cancelled' | 'adjusted' {
  if (number.startsWith('C')) return 'cancelled';
  const unseen = lines.every(({ customer, price }) => customer === null && price === 0);
  return unseen || !/^\d+$/.test(number) ? 'adjusted' : 'receipt';
}

function countInvoice(
  type: 'receipt' | 'cancelled' | 'adjusted',
  total: number,
  lines: readonly ReceiptLine[],
  quirks: Quirks,
): void {
  if (type === 'receipt') {
    quirks.receipts++;
    quirks.receiptsTotal += total;
  } else if (type === 'cancelled') {
    quirks.cancellations++;
    quirks.refundsTotal += total;
  } else {
    quirks.adjustments++;
    quirks.adjustmentsTotal += total;
  }
  if (type !== 'adjusted' && lines[0]?.customer === null) quirks.anonymous++;
  if (total >= OUTLIER_POUNDS * MONEY_UNIT) quirks.outliers++;
  const distinct = new Set(lines.map((line) => JSON.stringify(line)));
  quirks.repeatedLines += lines.length - distinct.size;
}

/** UTC epoch ms of the earliest line. */
function earliest(lines: readonly ReceiptLine[], quirks: Quirks): number {
  const times = new Set(lines.map(({ localTime }) => localTime));
  if (times.size > 1) quirks.timesApart++;
  return Math.min(...Array.from(times, (localTime) => utcOf(localTime, quirks)));
}

/** The hour that the clocks skip in March is read as the hour after; of the two equal hours in October, the first. */
function utcOf(localTime: string, quirks: Quirks): number {
  const time = moment.tz(localTime, 'YYYY-MM-DD HH:mm:ss', true, STORE_ZONE);
  assert(time.isValid(), `not a time: ${localTime}`);
  if (time.format('YYYY-MM-DD HH:mm:ss') !== localTime) quirks.timesThatNeverWere++;
  if (time.utcOffset() !== 0) quirks.summerTimes++;
  return time.valueOf();
}

function toItem(line: ReceiptLine, direction: number, quirks: Quirks): ReceiptItem {
  const name = line.description.trim().replaceAll(/\s+/g, ' ');
  if (name !== line.description) quirks.strayedSpaces++;
  if (name === '') quirks.namelessLines++;
  if (line.price === 0) quirks.freeLines++;
  if (line.price < 0) quirks.negativePrices++;
  // Goods have a five-digit code, perhaps with letters behind it, or are the shop's own DCGS… and gift_… ones.
  if (!/^(\d{5}|DCGS|gift_)/.test(line.sku)) quirks.charges.set(line.sku, (quirks.charges.get(line.sku) ?? 0) + 1);
  return { sku: line.sku, name, qty: direction * line.quantity, price: line.price / MONEY_UNIT };
}
