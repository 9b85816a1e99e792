/**
 * Events of `beckon.events.<p>.<customer>.<type>` get customer and type written in front; those that name them themselves have them twice. That is usual: the fast
 * way takes it, with the last one counting, as for the thorough one.
 */
import { Packr, pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { completeEvent } from '../../../src/log/jetstream/subject-event.ts';
import { BatchDecoder } from '../../../src/machine/decode/batch-decoder.ts';
import { EventBatch } from '../../../src/machine/decode/event-batch.ts';
import { RecordKind } from '../../../src/protocol/record.ts';
import { MachineFixture, workspaceOf } from '../../support/machine-fixture.ts';

const files = {
  'events.yaml': 'receipt: {total: double, store: string}\nview: {total: double}\n',
  'profile.yaml':
    'aggregates: {spend: {fn: sum, event: receipt, value: event.total}, seen: {fn: sum, event: view, value: event.total}}\n',
  'campaigns/a.yaml': 'id: a\non: receipt\nchannels: [push]\nwhen: event.store == "web"\n',
};
const PREFIX = 'beckon.events.0.';
const encoder = new TextEncoder();
const data = { total: 5, store: 'web' };

function completed(event: object, form: number): Uint8Array {
  const payload =
    form === 0
      ? encoder.encode(JSON.stringify(event))
      : new Uint8Array(form === 1 ? pack(event) : new Packr({ useRecords: true }).pack(event));
  return completeEvent(encoder.encode(`${PREFIX}anna.receipt`), PREFIX.length, payload);
}

/** Whether the fast way takes it. */
function taken(payload: Uint8Array): boolean {
  const decoder = new BatchDecoder(workspaceOf(files).schema, null);
  decoder.open(payload);
  return decoder.next(new EventBatch()) === 1 && !decoder.blocked;
}

describe.each([0, 1, 2])('customer and type that come twice (form %i)', (form) => {
  it.each([
    ['the same', true, { customer: 'anna', type: 'receipt', id: '1', data }],
    ['behind the data', true, { id: '2', data, type: 'receipt', customer: 'anna' }],
    ['another customer', true, { customer: 'bert', data }],
    ['another type', false, { id: '3', data, type: 'view' }],
    ['no customer', false, { customer: null, data }],
    ['no type', false, { type: null, data }],
    ['a wrong customer', false, { customer: 5, data }],
  ])('%s', (_, fast, event) => {
    const payload = completed(event, form);
    expect(taken(payload)).toBe(fast);
    const outcomes = [true, false].map((way) => {
      const fixture = MachineFixture.with(files, { fast: way });
      const { accepted, rejections, decisions } = fixture.append(RecordKind.events, payload);
      return structuredClone({ accepted, rejections, decisions, digest: fixture.machine.digest() });
    });
    expect(outcomes[0]).toEqual(outcomes[1]);
  });
});
