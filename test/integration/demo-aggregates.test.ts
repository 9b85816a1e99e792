/** Every aggregate of every customer of the sample, through the real engine, equals a plain recomputation that knows nothing of it. Needs dist/. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_SAMPLE, type DemoNode, runCommand, startDemoNode } from '../support/demo-node.ts';
import { aggregatesAt, differences, historiesOf, type PlainEvent } from '../support/recompute-aggregates.ts';

const events = gunzipSync(readFileSync(DEMO_SAMPLE))
  .toString('utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as PlainEvent);

let node: DemoNode;
let imported: Awaited<ReturnType<typeof runCommand>>;
beforeAll(async () => {
  node = await startDemoNode();
  imported = await runCommand('main.js', ['import', DEMO_SAMPLE, '--to', node.url]);
});
afterAll(async () => {
  expect(await node.stop()).toBe(0);
});

interface GoldenRecord {
  readonly asOf: string;
  readonly aggregates: Readonly<Record<string, unknown>>;
}

async function goldenRecord(customer: string): Promise<GoldenRecord> {
  const response = await fetch(`${node.url}/v1/customers/${customer}`);
  expect(response.status, `customer ${customer}`).toBe(200);
  return (await response.json()) as GoldenRecord;
}

describe('aggregates of the sample', () => {
  it('was imported whole', () => {
    expect(imported.stderr).toBe('');
    expect(imported.stdout).toContain('4,172 events accepted');
    expect(imported.code).toBe(0);
  });

  it('equal a plain recomputation, for every customer and every aggregate', async () => {
    const histories = historiesOf(events);
    expect(histories.size).toBe(948);
    const wrong: string[] = [];
    let compared = 0;
    for (const [customer, history] of histories) {
      const { asOf, aggregates } = await goldenRecord(customer);
      const expected = aggregatesAt(history, Date.parse(asOf));
      compared += Object.keys(expected).length;
      wrong.push(...differences(expected, aggregates).map((difference) => `${customer} ${difference}`));
    }
    expect(wrong).toEqual([]);
    expect(compared).toBe(948 * 18);
  });

  it('do not change when the same file is sent again', async () => {
    const [first = ''] = historiesOf(events).keys();
    const before = await goldenRecord(first);
    const again = await runCommand('main.js', ['import', DEMO_SAMPLE, '--to', node.url]);
    expect(again.code).toBe(0);
    expect(await goldenRecord(first)).toEqual(before);
  });
});
