/** Records that were acknowledged, and whose decisions went out, are gone from the end of the write-ahead log: the node refuses to go on with another history. */
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DEMO_WORKSPACE, post, RetailNodes, sampleBatches } from '../support/retail-nodes.ts';

const nodes = new RetailNodes();
afterEach(() => nodes.close());

describe('a write-ahead log that lost its end', () => {
  it('is refused, because the decisions say so', async () => {
    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workspace', DEMO_WORKSPACE, '--workers', '1');
    for (const batch of sampleBatches(600, 200)) await post(node.url, batch);
    await node.kill();

    const folder = join(data, 'wal/0');
    const last = join(folder, readdirSync(folder).toSorted().at(-1) as string);
    truncateSync(last, Math.floor(statSync(last).size / 8));
    await expect(nodes.start(data)).rejects.toThrow(/its decision log holds \d+ decisions, its records give \d+/);
  });
});
