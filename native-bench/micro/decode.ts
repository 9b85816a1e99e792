/**
 * From a message's bytes to what rules read of its events: the batch decoder that `apply` runs, beside the thorough decoder that takes over where it stops,
 * and beside the runtime's own parser (JSON.parse, msgpackr's unpack), which makes objects and leaves everything else to be done.
 */
import { unpack } from 'msgpackr';
import { BatchDecoder } from '../../src/machine/decode/batch-decoder.ts';
import { EventDecoder } from '../../src/machine/decode/decode.ts';
import { EventBatch } from '../../src/machine/decode/event-batch.ts';
import { Payload } from '../../src/machine/decode/payload.ts';
import { Fault } from '../../src/machine/fault.ts';
import type { Schema } from '../../src/protocol/schema.ts';
import { assert } from '../../src/stdx/assert.ts';
import { Prng } from '../../src/stdx/prng.ts';
import type { Bench, Suite } from '../suite.ts';
import { EVENTS_PER_BATCH, encodeEvents, KernelEvents, kernelWorkspace, type PayloadForm } from '../workload/kernel.ts';
import { type Case, runCases } from './cases.ts';
import { workspaceOf } from './compiled-workspace.ts';

const FORMS: readonly PayloadForm[] = ['messagepack', 'records', 'json'];
const CUSTOMERS = 100_000;
const MESSAGES = 20;
const ITEMS = 20;
const ARTICLES = 4000;

const RECEIPTS = {
  'workspace.yaml': 'name: receipts\ntimezone: UTC\nchannels: [push]\n',
  'events.yaml':
    'receipt: {total: double, store: string, items: [{sku: string, name: string, qty: int, price: double}]}\n',
};

export const suite: Suite = {
  name: 'decode',
  about: "JSON, MessagePack and records to frames: the batch decoder, the thorough one, the runtime's parser",
  ratios: [],
  async run(bench) {
    const messages = bench.quick ? 2 : MESSAGES;
    const kernel = new KernelEvents(CUSTOMERS, 1);
    await measure(bench, 'kernel event', workspaceOf(kernelWorkspace([])).schema, FORMS, (form) =>
      Array.from({ length: messages }, () => kernel.batch(form)),
    );
    const random = new Prng(2);
    await measure(bench, `receipt of ${ITEMS} items`, workspaceOf(RECEIPTS).schema, FORMS, (form) =>
      Array.from({ length: messages }, () =>
        encodeEvents(
          Array.from({ length: EVENTS_PER_BATCH }, (_, n) => receipt(n, random)),
          form,
        ),
      ),
    );
    bench.note(
      `Per event, messages of ${EVENTS_PER_BATCH}. Both decoders check types, depth, lengths and UTF-8 and fill frames with every string; the parsers only make objects.`,
    );
  },
};

function receipt(n: number, random: Prng): object {
  const items = Array.from({ length: ITEMS }, () => {
    const article = random.below(ARTICLES);
    return {
      sku: `${10_000 + article}`,
      name: `ARTICLE NUMBER ${article} OF THE SHOP`,
      qty: 1 + random.below(12),
      price: random.below(2000) / 100,
    };
  });
  return {
    id: `r${n}`,
    type: 'receipt',
    ts: '2026-01-01T08:26:00Z',
    customer: `${random.below(CUSTOMERS)}`,
    data: { total: random.below(100_000) / 100, store: 'web', items },
  };
}

async function measure(
  bench: Bench,
  what: string,
  schema: Schema,
  forms: readonly PayloadForm[],
  messagesOf: (form: PayloadForm) => Uint8Array[],
): Promise<void> {
  const cases = forms.flatMap((form) => casesOf(`${what}, ${form}`, schema, form, messagesOf(form)));
  const measured = await runCases(bench, cases);
  for (const form of forms) {
    const name = `${what}, ${form}`;
    bench.ratio({
      key: null,
      name: `${name}: thorough / batch`,
      detail: 'time of the thorough decoder by that of the batch decoder',
      ...measured.ratio(`${name}, thorough`, name),
    });
  }
}

function casesOf(name: string, schema: Schema, form: PayloadForm, messages: readonly Uint8Array[]): Case[] {
  const operations = messages.length * EVENTS_PER_BATCH;
  const bytes = messages.reduce((sum, message) => sum + message.length, 0);
  const decoder = new TextDecoder();
  return [
    {
      name,
      operations,
      run: batchDecoding(schema, messages),
      detail: `${Math.round(bytes / operations)} bytes per event`,
    },
    { name: `${name}, thorough`, operations, run: thoroughDecoding(schema, messages) },
    {
      name: `${name}, ${form === 'json' ? 'JSON.parse' : 'unpack'}`,
      operations,
      run: () => {
        for (const message of messages) {
          const events: unknown = form === 'json' ? JSON.parse(decoder.decode(message)) : unpack(message);
          assert((events as unknown[]).length === EVENTS_PER_BATCH, 'an event was lost');
        }
      },
    },
  ];
}

function batchDecoding(schema: Schema, messages: readonly Uint8Array[]): () => void {
  const decoder = new BatchDecoder(schema, null);
  const batch = new EventBatch();
  return () => {
    for (const message of messages) {
      decoder.open(message);
      while (decoder.next(batch) > 0);
      assert(decoder.decoded === EVENTS_PER_BATCH && !decoder.blocked, 'an event was left');
    }
  };
}

function thoroughDecoding(schema: Schema, messages: readonly Uint8Array[]): () => void {
  const fault = new Fault();
  const payload = new Payload(fault);
  const decoder = new EventDecoder(schema, fault);
  return () => {
    for (const message of messages) {
      payload.open(message);
      while (payload.next()) {
        const read = payload.ok && decoder.envelope(payload.value) && decoder.resolveType() && decoder.time();
        assert(read && decoder.frame(0) !== null, fault.error);
      }
    }
  };
}
