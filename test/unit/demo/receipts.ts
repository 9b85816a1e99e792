/** A CSV in the shape of the Online Retail file, in a temporary folder. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { scratchFolder } from '../../support/scratch-folder.ts';

export const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

export function csvFile(rows: readonly string[], options: { gzip?: boolean; header?: string } = {}): string {
  const text = `${[options.header ?? HEADER, ...rows].join('\n')}\n`;
  const path = join(scratchFolder(), options.gzip ? 'receipts.csv.gz' : 'receipts.csv');
  writeFileSync(path, options.gzip ? gzipSync(text) : text);
  return path;
}
