/**
 * SIGKILL in the middle of an import, restart, finish the import. What is left must equal an uninterrupted run's: the state digest of every partition, and every
 * decision by id and content.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { Prng } from '../../src/stdx/prng.ts';
import { DEMO_WORKSPACE, type Outcome, outcomeOf, post, RetailNodes, sampleBatches } from '../support/retail-nodes.ts';

const KILLS = 8;
/** Small, so that kills also fall into snapshots and right behind them. */
const SNAPSHOTS = ['--snapshot-every', '60000'];
const batches = sampleBatches(4000, 100);
const nodes = new RetailNodes();
afterEach(() => nodes.close());

async function uninterrupted(): Promise<Outcome> {
  const data = nodes.newDataFolder();
  const node = await nodes.start(data, '--workspace', DEMO_WORKSPACE);
  for (const batch of batches) await post(node.url, batch);
  expect(await node.stop()).toBe(0);
  return outcomeOf(data);
}

describe('SIGKILL in the middle of an import', () => {
  it('loses nothing, repeats nothing, and ends in the same state', async () => {
    const seed = Number(process.env['BECKON_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
    const random = new Prng(seed);
    const expected = await uninterrupted();
    expect(expected.decisions.flat().length).toBeGreaterThan(100);

    const data = nodes.newDataFolder();
    // The number of workers changes from start to start: recovery reads the logs of all of them.
    let node = await nodes.start(data, '--workspace', DEMO_WORKSPACE, '--workers', '1', ...SNAPSHOTS);
    let kills = 0;
    let killAt = random.below(4);
    for (let i = 0; i < batches.length; i++) {
      if (i < killAt || kills === KILLS) {
        await post(node.url, batches[i] as string);
        continue;
      }
      // Kill while this batch is on its way; if its answer was faster, go on and try with the next one.
      const answer = post(node.url, batches[i] as string).then(
        () => 'answered',
        () => 'unanswered',
      );
      const delayMs = random.float() * 4;
      const startMs = performance.now();
      while (performance.now() - startMs < delayMs) await new Promise((next) => setImmediate(next));
      await node.kill();
      if ((await answer) === 'unanswered') {
        kills += 1;
        killAt = i + 1 + random.below(3);
        // Not acknowledged: the producer sends it again. Some partitions may have it already; ids make that harmless.
        i -= 1;
      }
      node = await nodes.start(
        data,
        '--workspace',
        DEMO_WORKSPACE,
        '--workers',
        String(1 + random.below(3)),
        ...SNAPSHOTS,
      );
    }
    expect(kills, `seed ${seed}: kills that landed on an unacknowledged batch`).toBe(KILLS);
    expect(await node.stop()).toBe(0);

    const actual = await outcomeOf(data);
    expect(actual.decisions, `seed ${seed}`).toEqual(expected.decisions);
    expect(actual.digests, `seed ${seed}`).toEqual(expected.digests);
  });
});
