/** Events of a customer, found in the log's bytes: however they were sent, and whatever else speaks of the customer. */
import { Packr, pack } from 'msgpackr';
import { beforeEach, describe, expect, it } from 'vitest';
import { RecordKind } from '../../../src/protocol/record.ts';
import type { EventQuery } from '../../../src/replay/find-event.ts';
import { History } from '../../../src/replay/history.ts';
import { FaultyFileSystem } from '../../support/faulty-file-system.ts';
import { HistoryFolder } from '../../support/history-folder.ts';

const encoder = new TextEncoder();
const NOON = Date.UTC(2026, 0, 1, 12);
let folder: HistoryFolder;
let fs: FaultyFileSystem;

function send(payload: string | Uint8Array, ts = NOON): void {
  folder.append(RecordKind.events, typeof payload === 'string' ? encoder.encode(payload) : payload, ts);
}

function find(query: EventQuery): string | null {
  const history = History.open(fs, folder.root);
  const found = history.findEvent(0, query);
  return found === null ? null : `${found.seq}.${found.index} ${found.type} ${found.id}`.trim();
}

beforeEach(() => {
  fs = new FaultyFileSystem(1);
  folder = new HistoryFolder(fs, 'wall');
});

describe('an event of a customer', () => {
  it('is the last one, within a batch too, and not one that only speaks of the customer', () => {
    send('{"type":"receipt","id":"r1","customer":"ann"}');
    send(
      '[{"type":"view","id":"v1","customer":"ann"},{"type":"receipt","id":"r2","customer":"ann"},{"type":"receipt","id":"r3","customer":"bob"}]',
    );
    send('{"type":"receipt","id":"ann","customer":"bob","data":{"friend":"ann","customer":"ann"}}');
    expect(find({ customer: 'ann' })).toBe('2.1 receipt r2');
    expect(find({ customer: 'ann', types: ['view'] })).toBe('2.0 view v1');
    expect(find({ customer: 'ann', exceptTypes: ['receipt'] })).toBe('2.0 view v1');
    expect(find({ customer: 'ann', atSeq: 1 })).toBe('1.0 receipt r1');
    expect(find({ customer: 'an' })).toBe(null);
    expect(find({ customer: 'ann', afterSeq: 2 })).toBe(null);
  });

  it('is the first one under its id: what comes later is a repeat', () => {
    send('{"type":"receipt","id":"r1","customer":"ann"}');
    send('{"type":"receipt","id":"r1","customer":"bob"}');
    send('{"type":"receipt","id":"r1","customer":"ann"}');
    expect(find({ customer: 'ann', id: 'r1' })).toBe('1.0 receipt r1');
    expect(find({ customer: 'ann', id: 'r1', afterSeq: 1 })).toBe('3.0 receipt r1');
    expect(find({ customer: 'ann', id: 'r2' })).toBe(null);
  });

  it('is found however its text is written', () => {
    send('{"type":"receipt","id":"1","customer":"an\\u006e"}');
    expect(find({ customer: 'ann', id: '1' })).toBe('1.0 receipt 1');
    send(JSON.stringify({ type: 'receipt', id: '2', customer: 'a"b\\ü' }));
    expect(find({ customer: 'a"b\\ü' })).toBe('2.0 receipt 2');
    send('[{"type":"receipt","id":"3","customer":"cat"},{"broken, {"type":"receipt","id":"4","customer":"cat"}]');
    expect(find({ customer: 'cat', id: '3' })).toBe('3.0 receipt 3');
    send('{"type":"receipt","id":"\\"cat\\"","customer":"dog"}');
    expect(find({ customer: 'cat', afterSeq: 3 })).toBe(null);
  });

  it('is found in MessagePack, with records too', () => {
    send(
      pack([
        { type: 'receipt', id: 'm1', customer: 'ann' },
        { type: 'view', customer: 'bob' },
      ]),
    );
    send(new Packr({ structures: [] }).pack([{ type: 'receipt', id: 'm2', customer: 'ann' }]));
    send(new Packr({ useRecords: true }).pack([{ type: 'receipt', id: 'm3', customer: 'bob' }]));
    expect(find({ customer: 'ann', id: 'm1' })).toBe('1.0 receipt m1');
    expect(find({ customer: 'bob' })).toBe('3.0 receipt m3');
  });

  it('without a customer is anonymous', () => {
    send('{"type":"receipt","id":"r1","customer":"ann"}');
    send('{"type":"receipt","id":"r2"}');
    send('{"type":"receipt","id":"r3","customer":"ann"}');
    expect(find({ customer: '', id: 'r2' })).toBe('2.0 receipt r2');
    expect(find({ customer: '' })).toBe('2.0 receipt r2');
  });

  it('is where a history under the event clock begins, if it has a date', () => {
    fs = new FaultyFileSystem(1);
    folder = new HistoryFolder(fs, 'event');
    send('{"type":"receipt","id":"r0","customer":"ann"}');
    expect(History.open(fs, folder.root).reach(0)).toEqual({ seq: 1, logTime: NOON });
    send('[{"type":"receipt","customer":"ann"},{"type":"receipt","customer":"bob","ts":"2010-12-01T08:00:00Z"}]');
    send('{"type":"receipt","id":"r2","customer":"ann","ts":"2010-12-01T09:00:00Z"}');
    expect(History.open(fs, folder.root).reach(0)).toEqual({ seq: 1, logTime: Date.UTC(2010, 11, 1, 8) });
  });

  it('is found in any segment, and up to where the history is read', () => {
    for (let i = 1; i <= 300; i++) send(`{"type":"receipt","id":"r${i}","customer":"${i % 7 === 0 ? 'ann' : 'bob'}"}`);
    for (const [atSeq, found] of [
      [300, 294],
      [293, 287],
      [13, 7],
    ] as const)
      expect(find({ customer: 'ann', atSeq })).toBe(`${found}.0 receipt r${found}`);
    expect(find({ customer: 'ann', id: 'r70' })).toBe('70.0 receipt r70');
    const until = History.open(fs, folder.root, new Map([[0, 20]]));
    expect(until.findEvent(0, { customer: 'ann' })).toMatchObject({ seq: 14, ts: NOON, id: 'r14' });
  });
});
