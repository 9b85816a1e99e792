import { describe, expect, it } from 'vitest';
import { ImageRecords } from '../../../src/machine/fill/fill-record.ts';
import { RecordKind } from '../../../src/protocol/record.ts';
import { extendWorkspace } from '../../../src/replay/fill/extended-workspace.ts';
import { type FillImages, type FillRequest, HISTORY_PRUNED } from '../../../src/replay/fill/fill-images.ts';
import { AggregateFills, FillError, type FillParts, unfilled } from '../../../src/worker/aggregate-fills.ts';
import { MachineFixture, workspaceOf } from '../../support/machine-fixture.ts';

const N = '  n: {fn: count, event: receipt}\n';
const FIRST = workspaceOf({ 'profile.yaml': `aggregates:\n${N}` }, 1);
const SECOND = workspaceOf(
  {
    'events.yaml': 'receipt: {total: double, store: string}\nvisit: {page: string}\n',
    'profile.yaml': `aggregates:
  spend: {fn: sum, event: receipt, value: event.total}
${N}  pages: {fn: count, event: visit}
  store: {fn: last, event: receipt, value: event.store}
`,
  },
  2,
);
const T = Date.UTC(2026, 0, 1);

/** Two partitions in memory, whose histories are known. */
class Node {
  readonly partitions = [0, 1].map((partition) => new MachineFixture({ partition, partitions: 2 }));
  readonly appended: string[] = [];
  readonly requests: FillRequest[] = [];
  halted = -1;
  /** Of a partition, what is wrong with its history. */
  failing: { readonly partition: number; readonly error: Error } | null = null;

  constructor() {
    for (const fixture of this.partitions) {
      fixture.publish(FIRST);
      fixture.send([1, 2, 3].map((i) => ({ type: 'receipt', ts: T + i, data: { total: i } })));
    }
  }

  fills(more: Partial<FillParts> = {}): AggregateFills {
    return new AggregateFills({
      partitions: 2,
      dataDirectory: '/data',
      folderId: 'here',
      append: async (partition, payload, name) => {
        this.appended.push(`${partition} ${name.replace(/^here\.[0-9a-f-]{36}-/, '')}`);
        this.partitions[partition]?.append(RecordKind.fill, payload);
      },
      statuses: async () =>
        this.partitions.map(({ machine, state }, partition) => ({
          partition,
          position: machine.position,
          workspaceVersion: machine.workspaceVersion,
          nextDecision: 1,
          customers: state.customers,
          halted: partition === this.halted,
          fill: machine.filling.status === null ? null : { ...machine.filling.status, busy: machine.filling.busy },
        })),
      images: async (request) => this.#images(request),
      beginnings: async () => [
        { logTime: T, lastTime: T + 1000, isLogStart: true },
        { logTime: T + 500, lastTime: T + 1000, isLogStart: false },
      ],
      log: () => {},
      stopping: new AbortController().signal,
      ...more,
    });
  }

  #images(request: FillRequest): FillImages {
    this.requests.push(request);
    const { partition, id, aggregates } = request;
    if (this.failing?.partition === partition) throw this.failing.error;
    const replay = new MachineFixture({ partition, partitions: 2 });
    replay.publish(extendWorkspace(FIRST, aggregates).workspace);
    const records = new ImageRecords(id, 100);
    const reach = { sinceMs: T + partition, complete: partition === 0, why: partition === 0 ? null : HISTORY_PRUNED };
    return { records: records.records, reach: aggregates.map(() => reach), replayed: 1 };
  }

  phases(): (string | undefined)[] {
    return this.partitions.map(({ machine }) => machine.filling.status?.phase);
  }
}

describe('filling the partitions of a node', () => {
  it('does one after another, up to each begin record, and tells how far back all of them go', async () => {
    const node = new Node();
    const filled = await node.fills().fill(FIRST, SECOND);
    expect(filled).toEqual([
      { aggregate: 'spend', since: new Date(T + 1).toISOString(), complete: false, why: HISTORY_PRUNED },
      { aggregate: 'pages', since: null, complete: true },
      { aggregate: 'store', since: null, complete: false, why: expect.stringContaining('in version 1, ') },
    ]);
    expect(node.appended).toEqual(['0 begin', '0 end-0', '1 begin', '1 end-0']);
    expect(node.requests.map(({ partition, untilSeq }) => [partition, untilSeq])).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(node.phases()).toEqual(['filled', 'filled']);
  });

  it('has nothing to do where nothing is new', async () => {
    const node = new Node();
    expect(await node.fills().fill(FIRST, { ...FIRST, version: 2 })).toEqual([]);
    expect(node.appended).toEqual([]);
    expect(unfilled(FIRST, SECOND).map(({ aggregate, since }) => [aggregate, since])).toEqual([
      ['spend', null],
      ['pages', null],
      ['store', null],
    ]);
  });

  it('gives up in all partitions where it fails in one, and says why', async () => {
    const node = new Node();
    node.failing = { partition: 1, error: new Error('the log is damaged') };
    await expect(node.fills().fill(FIRST, SECOND)).rejects.toThrow(new FillError('the log is damaged'));
    expect(node.phases()).toEqual(['failed', 'failed']);
    node.failing = null;
    expect(await node.fills().fill(FIRST, SECOND)).toHaveLength(3);
    expect(node.phases()).toEqual(['filled', 'filled']);
  });

  it('says what a partition says, and does not wait for one that has halted', async () => {
    const node = new Node();
    node.partitions[1]?.publish({ ...FIRST, version: 3 });
    await expect(node.fills().fill(FIRST, SECOND)).rejects.toThrow(
      'partition 1: version 1 is not the one that is active',
    );
    const other = new Node();
    other.halted = 1;
    await expect(other.fills().fill(FIRST, SECOND)).rejects.toThrow('partition 1: it has halted on this node');
  });

  it('gives up in all partitions when the node stops, be it that it waits for one with a backlog', async () => {
    const node = new Node();
    const stopping = new AbortController();
    const statuses = async (): Promise<never> => {
      throw new Error('there is a long backlog');
    };
    const filling = node.fills({ statuses, stopping: stopping.signal }).fill(FIRST, SECOND);
    await expect.poll(() => node.appended).toEqual(['0 begin']);
    const reason = new Error('the node is stopping');
    stopping.abort(reason);
    await expect(filling).rejects.toBe(reason);
    expect(node.appended).toEqual(['0 begin', '0 cancel', '1 cancel']);
  });

  it('gives up at a start what this node began, and leaves alone what another one did', async () => {
    const node = new Node();
    await node.fills().fill(FIRST, SECOND);
    await node.fills({ folderId: 'elsewhere' }).abandon();
    expect(node.phases()).toEqual(['filled', 'filled']);
    await node.fills().abandon();
    expect(node.phases()).toEqual(['failed', 'failed']);
  });

  it('tells afterwards where a partition could not hold what was filled', async () => {
    const node = new Node();
    const fills = node.fills();
    const filled = await fills.fill(FIRST, SECOND);
    node.partitions[0]?.publish(SECOND);
    node.partitions[1]?.publish({ ...FIRST, version: 2 });
    const [spend] = await fills.lost(filled);
    expect(spend).toMatchObject({ complete: false, why: 'partition 1: version 2 does not have what was filled' });
  });

  it('says beforehand what it would say, as far as it can be known', async () => {
    const node = new Node();
    expect(await node.fills().preview(FIRST, SECOND)).toEqual([
      { aggregate: 'spend', since: new Date(T + 500).toISOString(), complete: false, why: HISTORY_PRUNED },
      { aggregate: 'pages', since: null, complete: true },
      { aggregate: 'store', since: null, complete: false, why: expect.any(String) },
    ]);
    expect(node.appended).toEqual([]);
  });
});
