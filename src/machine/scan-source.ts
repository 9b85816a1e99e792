/**
 * What a thread that does not own a partition needs to scan its columns: posted to it, as of one moment between two records. From then on the partition
 * goes on, and the scan sees each customer as they are when it comes by.
 */
import type { Ir } from '../rules/ir.ts';
import { childrenOf } from '../rules/ir-traits.ts';
import type { Program } from '../rules/program.ts';
import { reachedSlots } from '../rules/segment-set.ts';
import type { ScanColumn, ScanMemory } from '../state/column-view.ts';
import type { PartitionState } from '../state/partition-state.ts';
import type { ActiveWorkspace } from './active-workspace.ts';

/** A predicate with the segments of its workspace, by index. */
export interface ScanProgram {
  readonly predicate: Ir;
  readonly segments: readonly Ir[];
}

export interface ScanSource {
  readonly memory: ScanMemory;
  /** By slot: of all slots that the predicate may read, through segments too. */
  readonly columns: ReadonlyMap<number, ScanColumn>;
  /** Codes of the texts in the predicate and its segments, as far as the partition's dictionary holds them. */
  readonly codes: ReadonlyMap<string, number>;
  readonly customers: number;
  /** The partition's log time, epoch ms. */
  readonly now: number;
  /** An i32 that counts how often the columns may have moved, and its value at that moment. */
  readonly layout: SharedArrayBuffer;
  readonly layoutVersion: number;
}

export function describeColumns(
  program: Program,
  active: ActiveWorkspace,
  state: PartitionState,
): Pick<ScanSource, 'memory' | 'columns' | 'codes' | 'customers'> {
  const columns = new Map<number, ScanColumn>();
  for (const slot of reachedSlots([program], active.segments)) columns.set(slot, state.scanColumn(slot));
  const texts = new Set<string>();
  for (const column of columns.values()) if (column.kind === 'code' && column.empty !== null) texts.add(column.empty);
  for (const ir of [program.ir, ...active.workspace.segments.map((segment) => segment.when.ir)])
    collectTexts(ir, texts);
  const codes = new Map<string, number>();
  for (const text of texts) {
    const code = state.codeOf(text);
    if (code >= 0) codes.set(text, code);
  }
  return { memory: state.scanMemory, columns, codes, customers: state.customers };
}

function collectTexts(ir: Ir, texts: Set<string>): void {
  if (ir.op === 'const' && ir.rep === 'string') texts.add(ir.value as string);
  if (ir.op === 'constants') for (const value of ir.values) if (typeof value === 'string') texts.add(value);
  for (const child of childrenOf(ir)) collectTexts(child, texts);
}
