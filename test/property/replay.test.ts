/**
 * The law of replay: whatever the history, wherever its snapshots lie and whatever of it was pruned, a replay from any point that is kept is, after each record, what the
 * machine was after that record: the same state, the same decisions. And nothing is ever written.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecordKind } from '../../src/protocol/record.ts';
import { History, HistoryForgottenError } from '../../src/replay/history.ts';
import { PartitionReplay, type ReplayStart } from '../../src/replay/partition-replay.ts';
import { type DecisionArchive, verifyPartition } from '../../src/replay/verify/verify.ts';
import { FaultyFileSystem } from '../support/faulty-file-system.ts';
import { HistoryFolder, type Moment } from '../support/history-folder.ts';
import { workspaceOf } from '../support/machine-fixture.ts';
import { filesOf, versions } from './policy-arbitraries.ts';
import { histories, wireOf } from './policy-histories.ts';

const encoder = new TextEncoder();
const HOUR = 3_600_000;
const given = process.env['BECKON_SEED'];
const seed = { seed: given === undefined ? 20_101_202 : Number(given) };

/** What happens to the folder behind a record. */
const upkeep = fc.constantFrom('none', 'none', 'none', 'none', 'snapshot', 'snapshot', 'retain', 'restart');

function decisionsOf(replay: PartitionReplay): string[] {
  return replay.effects.decisions.map(({ json }) => Buffer.from(json).toString('utf8'));
}

function archiveOf(moments: readonly Moment[]): DecisionArchive {
  const all = moments.flatMap(({ decisions }) => decisions);
  return {
    exclusive: true,
    range: async () => ({ first: 1, next: all.length + 1 }),
    read: async (_, from, next) =>
      all.slice(from - 1, next - 1).map((json, i) => {
        const { channel, campaign } = JSON.parse(json) as { channel: string; campaign: string };
        return { number: from + i, channel, campaign, json: encoder.encode(json) };
      }),
  };
}

/** Replays from there to the end, comparing each record; returns the first record that came. */
function compare(history: History, from: ReplayStart, moments: readonly Moment[]): number {
  const replay = PartitionReplay.open(history, 0, from);
  try {
    const first = replay.seq + 1;
    for (const moment of moments.slice(first - 1)) {
      expect(replay.step()).toBe(true);
      expect(replay.seq).toBe(moment.seq);
      expect(decisionsOf(replay), `record ${moment.seq}`).toEqual(moment.decisions);
      expect(replay.machine.logTime).toBe(moment.logTime);
      expect(replay.machine.digest(), `record ${moment.seq}`).toBe(moment.digest);
    }
    expect(replay.step()).toBe(false);
    return first;
  } finally {
    replay.close();
  }
}

let pruned = 0;
let later = 0;

test('a replay from any point that is kept is what was', async () => {
  const property = fc.asyncProperty(
    fc.constantFrom('event' as const, 'wall' as const),
    versions,
    histories,
    fc.array(upkeep, { minLength: 80, maxLength: 80 }),
    fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 4, maxLength: 4 }),
    async (clock, [first, second], steps, upkeeps, points) => {
      const fs = new FaultyFileSystem(1);
      const folder = new HistoryFolder(fs, clock);
      const publish = (files: Record<string, string>, version: number, ts: number): void =>
        folder.append(RecordKind.workspace, encoder.encode(JSON.stringify(workspaceOf(files, version))), ts);
      publish(filesOf(first), 1, (steps[0] as { arrives: number }).arrives);
      for (const [i, { arrives, event }] of steps.entries()) {
        if (i === 30) publish(filesOf(second), 2, arrives);
        if (event === null) folder.append(RecordKind.tick, new Uint8Array(0), arrives);
        else folder.append(RecordKind.events, encoder.encode(JSON.stringify(wireOf(event))), arrives);
        if (upkeeps[i] === 'snapshot') folder.snapshot();
        if (upkeeps[i] === 'retain') folder.retain(12 * HOUR);
        if (upkeeps[i] === 'restart') folder.restart(i % 3);
      }
      const { moments } = folder;
      const before = fs.steps;
      const history = History.open(fs, folder.root);
      const reach = history.firstSeq(0) as number;
      expect(history.lastSeq(0)).toBe(moments.length);
      if (reach > 1) {
        pruned++;
        expect(() => PartitionReplay.open(history, 0, { seq: reach - 1 })).toThrow(HistoryForgottenError);
      }
      expect(compare(history, null, moments)).toBe(reach);
      for (const point of points) {
        const seq = reach + Math.floor((point * (moments.length - reach + 2)) / 100);
        const from = compare(history, { seq }, moments);
        expect(from).toBeLessThanOrEqual(seq);
        if (from > reach) later++;
        // Everything that happens at that time or later is replayed.
        const ms = (moments[Math.min(seq, moments.length) - 1] as Moment).logTime;
        if (reach > 1 && ms <= (moments[reach - 2] as Moment).logTime) continue;
        const begun = compare(history, { ms }, moments);
        expect(moments.slice(0, begun - 1).every(({ logTime }) => logTime < ms)).toBe(true);
      }
      const check = await verifyPartition(history, 0, archiveOf(moments), { fromMs: null, toMs: null });
      expect(check).toMatchObject({ difference: null, lastSeq: moments.length, unwritten: 0, forgotten: 0 });
      history.close();
      expect(fs.steps).toBe(before);
    },
  );
  await fc.assert(property, { numRuns: 40, ...seed });
  expect(pruned).toBeGreaterThan(3);
  expect(later).toBeGreaterThan(40);
});

test('a replay to a time ends there, wherever that stands in its record', async () => {
  let cut = 0;
  const property = fc.asyncProperty(
    fc.constantFrom('event' as const, 'event' as const, 'wall' as const),
    versions,
    histories,
    fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 80, maxLength: 80 }),
    fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.constantFrom(0, 0, 1)), { minLength: 4, maxLength: 4 }),
    async (clock, [version], steps, lengths, points) => {
      const fs = new FaultyFileSystem(1);
      const folder = new HistoryFolder(fs, clock);
      // The same events, one by one.
      const single = new HistoryFolder(new FaultyFileSystem(1), clock);
      const workspace = encoder.encode(JSON.stringify(workspaceOf(filesOf(version), 1)));
      for (const each of [folder, single]) each.append(RecordKind.workspace, workspace, steps[0]?.arrives as number);
      const events = steps.flatMap(({ arrives, event }) => (event === null ? [] : [{ arrives, wire: wireOf(event) }]));
      for (let [i, record] = [0, 0]; i < events.length; record++) {
        const batch = events.slice(i, i + (lengths[record] as number));
        i += batch.length;
        const ts = Math.max(...batch.map(({ arrives }) => arrives));
        folder.append(RecordKind.events, encoder.encode(JSON.stringify(batch.map(({ wire }) => wire))), ts);
        if (record % 3 === 0) folder.snapshot();
        for (const { wire } of batch) single.append(RecordKind.events, encoder.encode(JSON.stringify(wire)), ts);
      }
      const history = History.open(fs, folder.root);
      for (const [point, more] of points) {
        const toMs = (single.moments[Math.floor((point * single.moments.length) / 100)] as Moment).logTime + more;
        const before = single.moments.findIndex(({ logTime }) => logTime >= toMs);
        const made = (before < 0 ? single.moments : single.moments.slice(0, before)).flatMap((at) => at.decisions);
        const check = await verifyPartition(history, 0, archiveOf(folder.moments), { fromMs: null, toMs });
        expect(check).toMatchObject({
          difference: null,
          // All but the first moment are an event's, accepted or not.
          events: Math.max(0, (before < 0 ? single.moments.length : before) - 1),
          decisions: made.length,
          compared: made.length,
          unwritten: 0,
          forgotten: 0,
          toMs: before === 0 ? 0 : single.moments.at(before < 0 ? -1 : before - 1)?.logTime,
        });
        expect(check.snapshots).toBeLessThanOrEqual(check.records);
        if (before > 0 && !folder.moments.some(({ logTime }) => logTime === check.toMs)) cut++;
      }
      history.close();
    },
  );
  await fc.assert(property, { numRuns: 40, ...seed });
  expect(cut).toBeGreaterThan(20);
});
