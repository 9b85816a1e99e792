import { describe, expect, it } from 'vitest';
import { convertReceipts } from '../../../src/demo/convert.ts';
import type { DemoEvent } from '../../../src/demo/demo-event.ts';
import { formatQuirks } from '../../../src/demo/quirks.ts';
import { parseMoney } from '../../../src/demo/receipt-lines.ts';
import { csvFile } from './receipts.ts';

async function convert(rows: readonly string[]): Promise<DemoEvent[]> {
  return [...(await convertReceipts(csvFile(rows))).events];
}

describe('converter', () => {
  it('makes one receipt of the lines of an invoice, exactly as INTERFACE shows it', async () => {
    const events = await convert([
      '536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom',
      '536365,71053, WHITE METAL  LANTERN ,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom',
    ]);
    expect(events).toEqual([
      {
        id: '536365',
        type: 'receipt',
        ts: '2010-12-01T08:26:00Z',
        customer: '17850',
        data: {
          total: 35.64,
          store: 'web',
          country: 'United Kingdom',
          items: [
            { sku: '85123A', name: 'WHITE HANGING HEART T-LIGHT HOLDER', qty: 6, price: 2.55 },
            { sku: '71053', name: 'WHITE METAL LANTERN', qty: 6, price: 3.39 },
          ],
        },
      },
    ]);
  });

  it('makes a cancellation positive, and keeps discounts within it', async () => {
    const [event] = await convert([
      'C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,14527.0,United Kingdom',
      'C536379,22960,JAM,-2,2010-12-01 09:41:00,4.25,14527.0,United Kingdom',
    ]);
    expect(event).toMatchObject({
      id: 'C536379',
      type: 'cancelled',
      customer: '14527',
      data: { total: 36, items: [{ qty: 1 }, { sku: '22960', qty: 2, price: 4.25 }] },
    });
  });

  it('sends a receipt without a card without a customer, and no zero as its place', async () => {
    const [event] = await convert(['536414,22139,CUP,56,2010-12-01 11:52:00,0.85,,United Kingdom']);
    expect(event?.type).toBe('receipt');
    expect(event).not.toHaveProperty('customer');
  });

  it('keeps stock counts and bookkeeping apart from what customers see', async () => {
    const { events, quirks } = await convertReceipts(
      csvFile([
        '536589,21777,,-10,2010-12-01 16:50:00,0.0,,United Kingdom',
        'A563185,B,Adjust bad debt,1,2011-08-12 14:50:00,11062.06,,United Kingdom',
        'A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom',
        '543599,84535B,FAIRY CAKES NOTEBOOK A6 SIZE,16,2011-02-10 13:08:00,0.0,17560.0,United Kingdom',
      ]),
    );
    expect(events.map(({ id, type }) => [id, type])).toEqual([
      ['536589', 'adjusted'],
      ['543599', 'receipt'],
      ['A563185', 'adjusted'],
      ['A563186', 'adjusted'],
    ]);
    expect(quirks).toMatchObject({ adjustments: 3, receipts: 1, negativePrices: 1, freeLines: 2, namelessLines: 1 });
  });

  it('reads UK local time: GMT in winter, BST in summer, and the hour that never was as the hour after', async () => {
    const line = (invoice: number, time: string): string => `${invoice},1,X,1,${time},1.0,1.0,United Kingdom`;
    const events = await convert([
      line(1, '2011-01-15 12:00:00'),
      line(2, '2011-03-27 00:59:00'),
      line(3, '2011-03-27 01:30:00'),
      line(4, '2011-03-27 02:00:00'),
      line(5, '2011-06-15 12:00:00'),
      line(6, '2010-10-31 01:30:00'),
    ]);
    expect(Object.fromEntries(events.map(({ id, ts }) => [id, ts]))).toEqual({
      1: '2011-01-15T12:00:00Z',
      2: '2011-03-27T00:59:00Z',
      3: '2011-03-27T01:30:00Z',
      4: '2011-03-27T01:00:00Z',
      5: '2011-06-15T11:00:00Z',
      6: '2010-10-31T00:30:00Z',
    });
  });

  it('gathers lines that stand apart, dates by the earliest, and orders by time with ties in the order of the file', async () => {
    const { events, quirks } = await convertReceipts(
      csvFile([
        '12,1,A,1,2010-12-01 10:01:00,1.0,,UK',
        '11,1,A,1,2010-12-01 10:00:00,1.0,,UK',
        '10,1,A,1,2010-12-01 09:00:00,1.0,,UK',
        '12,2,B,1,2010-12-01 10:00:00,1.0,,UK',
      ]),
    );
    expect(events.map(({ id, ts }) => `${id} ${ts.slice(11, 16)}`)).toEqual(['10 09:00', '12 10:00', '11 10:00']);
    expect(quirks).toMatchObject({ linesApart: 1, timesApart: 1 });
  });

  it('keeps charges, repeated lines, CSV quotes and outliers, and counts them', async () => {
    const { events, quirks } = await convertReceipts(
      csvFile([
        '1,POST,POSTAGE,1,2010-12-01 10:00:00,18.0,1.0,France',
        '1,84380,"RECORD FRAME 7"" SINGLE SIZE, RED ",1,2010-12-01 10:00:00,2.55,1.0,France',
        '1,84380,"RECORD FRAME 7"" SINGLE SIZE, RED ",1,2010-12-01 10:00:00,2.55,1.0,France',
        '1,gift_0001_20,Voucher,1,2010-12-01 10:00:00,16.67,1.0,France',
        '2,23166,JAR,74215,2010-12-01 10:00:00,1.04,1.0,France',
      ]),
    );
    expect(events[0]?.data['total']).toBe(39.77);
    expect(events[0]?.data['items']).toContainEqual({
      sku: '84380',
      name: 'RECORD FRAME 7" SINGLE SIZE, RED',
      qty: 1,
      price: 2.55,
    });
    expect(quirks).toMatchObject({ repeatedLines: 1, outliers: 1, strayedSpaces: 2 });
    expect([...quirks.charges]).toEqual([['POST', 1]]);
  });

  it('loses no money: the sum of the events is the sum of the lines, in exact decimals', async () => {
    const rows: string[] = [];
    let exact = 0;
    for (let i = 0; i < 3000; i++) {
      const cancelled = i % 7 === 0;
      const quantity = (cancelled ? -1 : 1) * ((i % 11) + 1);
      const thousandths = (i * 37) % 9973;
      exact += quantity * thousandths;
      rows.push(
        `${cancelled ? 'C' : ''}${i % 500},${i},THING,${quantity},2010-12-01 10:00:00,${(thousandths / 1000).toFixed(3)},1.0,UK`,
      );
    }
    const { events, quirks } = await convertReceipts(csvFile(rows, { gzip: true }));
    expect(quirks.moneyIn).toBe(exact * 10);
    const total = (type: string): number =>
      events
        .filter((event) => event.type === type)
        .reduce((sum, event) => sum + Math.round((event.data['total'] as number) * 1000), 0);
    expect(total('receipt') - total('cancelled') + total('adjusted')).toBe(exact);
  });

  it('gives the same ids on every run', async () => {
    const path = csvFile(['1,1,A,1,2010-12-01 10:00:00,1.0,,UK', 'C2,1,A,-1,2010-12-01 10:00:00,1.0,5.0,UK']);
    expect(await convertReceipts(path)).toEqual(await convertReceipts(path));
  });

  it('leaves out lines it cannot read, says where they are, and goes on', async () => {
    const { events, unreadable, quirks } = await convertReceipts(
      csvFile([
        '1,1,A,many,2010-12-01 10:00:00,1.0,,UK',
        '2,1,A,1,yesterday,1.0,,UK',
        '3,1,A,1,2010-12-01 10:00:00,1.00001,,UK',
        '4,1',
        '5,1,A,1,2010-12-01 10:00:00,1.0,,UK',
      ]),
    );
    expect(events.map(({ id }) => id)).toEqual(['5']);
    expect(unreadable.map(({ line }) => line)).toEqual([2, 3, 4, 5]);
    expect(unreadable[0]?.problem).toBe('Quantity "many" is no whole number');
    expect(quirks.unreadableLines).toBe(4);
  });

  it('refuses another file by name of what is missing, and a missing file', async () => {
    await expect(convertReceipts(csvFile(['1,2'], { header: 'InvoiceNo,Price' }))).rejects.toThrow(
      /has no StockCode, Description/,
    );
    await expect(convertReceipts('/nowhere/receipts.csv')).rejects.toThrow(/no such file/);
  });

  it('reads money exactly', () => {
    expect(parseMoney('2.55')).toBe(25_500);
    expect(parseMoney('0.001')).toBe(10);
    expect(parseMoney('-11062.06')).toBe(-110_620_600);
    expect(parseMoney('0')).toBe(0);
    for (const bad of ['', '1e3', '1,50', 'NaN', '.5', '1.00001', '9999999999999'])
      expect(parseMoney(bad), bad).toBeNull();
  });

  it('prints what it met as a table', async () => {
    const { quirks } = await convertReceipts(
      csvFile([
        '1,POST,POSTAGE,1,2010-12-01 10:00:00,18.0,1.0,France',
        'C2,22960,A,-1,2010-12-01 10:00:00,3.5,1.0,France',
      ]),
    );
    const table = formatQuirks(quirks);
    expect(table).toMatch(/^receipts +1 +£18\.00$/m);
    expect(table).toMatch(/^cancellations +1 +£3\.50 given back/m);
    expect(table).toMatch(/^money +£14\.50 /m);
    expect(table).toMatch(/^no goods +1 +kept as items: POST 1$/m);
  });
});
