import { describe, expect, it } from 'vitest';
import { ImageRecords } from '../../../src/machine/fill/fill-record.ts';
import { RecordKind } from '../../../src/protocol/record.ts';
import { extendWorkspace, newAggregates } from '../../../src/replay/fill/extended-workspace.ts';
import { fillImages, HISTORY_PRUNED } from '../../../src/replay/fill/fill-images.ts';
import type { Workspace } from '../../../src/workspace/workspace.ts';
import { FaultyFileSystem } from '../../support/faulty-file-system.ts';
import { HistoryFolder } from '../../support/history-folder.ts';
import { MachineFixture, workspaceOf } from '../../support/machine-fixture.ts';

const HOUR = 3_600_000;
const T = Date.UTC(2026, 0, 1);
const encoder = new TextEncoder();
const EVENTS = 'receipt: {total: double, store: string}\n';
const N = '  n: {fn: count, event: receipt}\n';
const ADDED = `  spend: {fn: sum, event: receipt, value: event.total * 0.1}
  stores_4h: {fn: distinct, event: receipt, value: event.store, window: 4h}
  last_store: {fn: last, event: receipt, value: event.store}
`;

function versionOf(aggregates: string, version: number, events = EVENTS): Workspace {
  return workspaceOf({ 'events.yaml': events, 'profile.yaml': `aggregates:\n${aggregates}` }, version);
}

function receipt(i: number): object {
  const data = { total: i * 1.7, store: `s${i % 5}` };
  return { id: `e${i}`, type: 'receipt', customer: `c${i % 7}`, ts: T + i * (HOUR / 6), data };
}

/** The same history in a folder and in a twin that has more from `twinHas` on. */
class Both {
  readonly fs = new FaultyFileSystem(1);
  readonly folder = new HistoryFolder(this.fs, 'event');
  readonly twin = new MachineFixture();
  #ts = T;

  publish(recorded: Workspace, twins: Workspace): void {
    this.folder.append(RecordKind.workspace, encoder.encode(JSON.stringify(recorded)), this.#ts);
    this.twin.publish(twins, this.#ts);
  }

  send(from: number, to: number): void {
    for (let i = from; i < to; i++) {
      this.#ts = T + i * HOUR;
      this.folder.append(RecordKind.events, encoder.encode(JSON.stringify(receipt(i))), this.#ts);
      this.twin.send(receipt(i), this.#ts);
    }
  }

  /** What the twin's memory holds of these, as records of images. */
  expected(next: Workspace, names: readonly string[]): readonly Uint8Array[] {
    const slots = next.aggregates.filter(({ name }) => names.includes(name)).map(({ slot }) => slot);
    const images = this.twin.state.aggregateImages(slots);
    const records = new ImageRecords('f', 128 * 1024);
    for (let row = 1; row <= this.twin.state.customers; row++)
      records.add(this.twin.state.customerOf(row), (writer) => images.write(row, this.twin.machine.logTime, writer));
    records.finish();
    return records.records;
  }

  fill(aggregates: ReturnType<typeof newAggregates>) {
    const untilSeq = this.folder.last.seq;
    return fillImages({ dataDirectory: this.folder.root, partition: 0, id: 'f', untilSeq, aggregates }, this.fs);
  }
}

describe('images from history', () => {
  it('are those of a twin that had the aggregates from the first record', () => {
    const both = new Both();
    const first = versionOf(N, 1);
    const added = newAggregates(first, versionOf(`${N}${ADDED}`, 2));
    const { workspace: extended } = extendWorkspace(first, added);
    both.publish(first, extended);
    both.send(0, 60);
    const { records, reach } = both.fill(added);
    expect(records).toEqual(both.expected(extended, ['spend', 'stores_4h', 'last_store']));
    expect(records.length).toBe(1);
    expect(reach).toEqual([0, 1, 2].map(() => ({ sinceMs: T, complete: true, why: null })));
  });

  it('are those of a twin that had them from where a pruned history begins', () => {
    const both = new Both();
    const first = versionOf(N, 1);
    const added = newAggregates(first, versionOf(`${N}${ADDED}`, 2));
    const { workspace: extended } = extendWorkspace(first, added);
    both.publish(first, first);
    both.send(0, 40);
    both.folder.snapshot();
    both.folder.restart(1);
    const beginMs = both.folder.last.logTime;
    both.twin.publish(extended, T + 40 * HOUR);
    both.send(40, 90);
    both.folder.snapshot();
    both.folder.retain(HOUR);
    const { records, reach } = both.fill(added);
    expect(records).toEqual(both.expected(extended, ['spend', 'stores_4h', 'last_store']));
    const short = { sinceMs: beginMs, complete: false, why: HISTORY_PRUNED };
    // What its window reaches is there.
    expect(reach).toEqual([short, { sinceMs: beginMs, complete: true, why: null }, short]);
  });

  it('tell of versions that could not have an aggregate', () => {
    const both = new Both();
    const plain = versionOf(N, 1, 'receipt: {total: double}\n');
    const wider = versionOf(N, 2, `${EVENTS}visit: {page: string}\n`);
    const pages = '  pages: {fn: count, event: visit}\n';
    const added = newAggregates(wider, versionOf(`${N}${ADDED}${pages}`, 3, `${EVENTS}visit: {page: string}\n`));
    both.publish(plain, extendWorkspace(plain, added).workspace);
    both.send(0, 20);
    both.publish(wider, extendWorkspace(wider, added).workspace);
    const widerMs = both.folder.last.logTime;
    both.send(20, 50);
    const { workspace } = extendWorkspace(wider, added);
    const { records, reach } = both.fill(added);
    expect(records).toEqual(both.expected(workspace, ['spend', 'stores_4h', 'last_store', 'pages']));
    const why = expect.stringContaining('in version 1, ');
    expect(reach).toEqual([
      { sinceMs: T, complete: true, why: null },
      { sinceMs: widerMs, complete: true, why: null },
      { sinceMs: widerMs, complete: false, why },
      // There was no such event before.
      { sinceMs: T, complete: true, why: null },
    ]);
  });

  it('are none where nothing ever happened', () => {
    const both = new Both();
    const first = versionOf(N, 1);
    const added = newAggregates(first, versionOf(`${N}${ADDED}`, 2));
    both.publish(first, first);
    const { records, reach } = both.fill(added);
    expect(records).toEqual([]);
    expect(reach.map(({ complete }) => complete)).toEqual([true, true, true]);
  });
});
