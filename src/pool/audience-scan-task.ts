/** Task: a predicate over the columns of some partitions, one after another → what the columns tell of it. */
import type { ScanProgram, ScanSource } from '../machine/scan-source.ts';
import { isCurrent, type PartitionScan, PartitionScanner } from './partition-scan.ts';

export interface AudienceScanTask {
  readonly program: ScanProgram;
  readonly sources: readonly ScanSource[];
  /** Whether the rows are wanted, not only their number. */
  readonly keepRows: boolean;
}

/** Keeps the compiled forms of predicates from one task to the next. */
const scanner = new PartitionScanner();

/** null: the columns of a partition moved. */
export default function scanAudience({ program, sources, keepRows }: AudienceScanTask): PartitionScan[] | null {
  const scans: PartitionScan[] = [];
  for (const source of sources) {
    const scan = isCurrent(source) ? scanner.scan(program, source, keepRows) : null;
    if (scan === null) return null;
    scans.push(scan);
  }
  return scans;
}
