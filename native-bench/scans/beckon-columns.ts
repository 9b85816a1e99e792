/** The rows of workload/scan-rows.ts in Beckon's columns, filled through the state's own setters, and Beckon's scan of them: the task that the pool runs. */

import type { ScanSource } from '../../src/machine/scan-source.ts';
import { describeColumns } from '../../src/machine/scan-source.ts';
import scanAudience, { type AudienceScanTask } from '../../src/pool/audience-scan-task.ts';
import { checkExpression } from '../../src/rules/check-expression.ts';
import { assert } from '../../src/stdx/assert.ts';
import { type BenchMachine, machineUnder, workspaceOf } from '../micro/compiled-workspace.ts';
import {
  SCAN_COLUMNS,
  SCAN_PREDICATES,
  type ScanColumn,
  type ScanPredicate,
  scanNumber,
  scanText,
} from '../workload/scan-rows.ts';

/** Rows of one partition at most: 10 million are in four. */
const PARTITION_ROWS_MAX = 2_500_000;
const NAMES = Object.keys(SCAN_COLUMNS) as ScanColumn[];

export const SCAN_FILES: Readonly<Record<string, string>> = {
  'workspace.yaml': 'name: scans\ntimezone: UTC\nchannels: [push]\n',
  'events.yaml': 'receipt: {total: double}\n',
  'profile.yaml': `attributes:\n${NAMES.map((name) => `  ${name}: {type: ${SCAN_COLUMNS[name].type}}\n`).join('')}aggregates:
  spend_7d: {fn: sum, event: receipt, value: event.total, window: 7d}\n`,
};

export class BeckonColumns {
  readonly #partitions: readonly BenchMachine[];
  readonly #layout = new SharedArrayBuffer(4);

  constructor(rows: number) {
    const workspace = workspaceOf(SCAN_FILES);
    const partitions = Math.ceil(rows / PARTITION_ROWS_MAX);
    const each = Math.ceil(rows / partitions);
    this.#partitions = Array.from({ length: partitions }, (_, partition) => {
      const bench = machineUnder(workspace, each);
      fill(bench, partition * each, Math.min(rows, (partition + 1) * each));
      return bench;
    });
  }

  /** What a scan is posted. */
  task(predicate: ScanPredicate): AudienceScanTask {
    let program: AudienceScanTask['program'] | null = null;
    const sources = this.#partitions.map(({ machine, state }): ScanSource => {
      const active = machine.activeWorkspace;
      assert(active !== null, 'a workspace was published');
      const checked = checkExpression(SCAN_PREDICATES[predicate], { schema: active.workspace.schema, event: null }, [
        'bool',
      ]);
      assert('program' in checked, `the predicate "${predicate}" is right`);
      program = { predicate: checked.program.ir, segments: [] };
      const columns = describeColumns(checked.program, active, state);
      return { ...columns, now: machine.logTime, layout: this.#layout, layoutVersion: 0 };
    });
    assert(program !== null, 'there are partitions');
    return { program, sources, keepRows: false };
  }

  /** The columns as views, for a loop in JavaScript. */
  views(column: ScanColumn): {
    readonly presence: Uint8Array;
    readonly values: Float64Array | Int32Array | Uint8Array;
    readonly rows: number;
  }[] {
    return this.#partitions.map(({ state }) => {
      const found = state.scanColumn(NAMES.indexOf(column));
      assert('values' in found && 'presence' in found, 'the column has values');
      const { buffer } = state.scanMemory.memory;
      const rows = state.customers + 1;
      const presence = new Uint8Array(buffer, found.presence, Math.ceil(rows / 8));
      const { kind, values } = found;
      if (kind === 'double') return { presence, values: new Float64Array(buffer, values, rows), rows };
      if (kind === 'bool') return { presence, values: new Uint8Array(buffer, values, Math.ceil(rows / 8)), rows };
      return { presence, values: new Int32Array(buffer, values, rows), rows };
    });
  }

  /** Of a text, by partition. */
  codes(text: string): number[] {
    return this.#partitions.map(({ state }) => state.codeOf(text));
  }
}

export function scan(task: AudienceScanTask): number {
  const scans = scanAudience(task);
  assert(scans !== null, 'nothing moves the columns');
  assert(
    scans.every(({ undecided }) => undecided === 0),
    'columns answer these predicates',
  );
  return scans.reduce((sum, { matched }) => sum + matched, 0);
}

function fill({ state }: BenchMachine, from: number, to: number): void {
  for (let row = from; row < to; row++) {
    const at = state.ensure(String(row));
    for (let slot = 0; slot < NAMES.length; slot++) {
      const name = NAMES[slot] as ScanColumn;
      const number = scanNumber(name, row);
      if (number === null) continue;
      if (name === 'tier' || name === 'country') state.setText(slot, at, scanText(name, number));
      else state.setNumber(slot, at, number);
    }
  }
}
