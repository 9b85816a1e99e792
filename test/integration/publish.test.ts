/**
 * A workspace is changed and published while events flow. Every decision says which version made it; none is lost or made twice at the change. The versions differ in
 * nothing that decides, so that the decisions must equal those of a run with one version.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { readWorkspaceFolder } from '../../src/workspace/folder.ts';
import { DEMO_WORKSPACE, outcomeOf, post, RetailNodes, sampleBatches } from '../support/retail-nodes.ts';

interface DecisionText {
  readonly id: string;
  readonly workspace: number;
}

const batches = sampleBatches(4000, 100);
const nodes = new RetailNodes();
afterEach(() => nodes.close());

async function publish(url: string, files: Readonly<Record<string, string>>): Promise<number> {
  const response = await fetch(`${url}/v1/workspace`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ files }),
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { version: number }).version;
}

/** Without the version, which is all in which two runs may differ. */
function withoutVersion(json: string): object {
  return { ...(JSON.parse(json) as object), workspace: 0 };
}

describe('publishing while events flow', () => {
  it('changes over once per partition, and loses and repeats no decision', async () => {
    const files = readWorkspaceFolder(DEMO_WORKSPACE);
    const steady = nodes.newDataFolder();
    const one = await nodes.start(steady, '--workspace', DEMO_WORKSPACE);
    for (const batch of batches) await post(one.url, batch);
    expect(await one.stop()).toBe(0);

    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workspace', DEMO_WORKSPACE);
    const published: Promise<number>[] = [];
    for (const [i, batch] of batches.entries()) {
      // The publication races three batches; then it is waited for, so that every version decides.
      if (i % 8 === 7) await published.at(-1);
      if (i % 8 === 4)
        published.push(
          publish(node.url, { ...files, 'workspace.yaml': `${files['workspace.yaml']}\n# edition ${i}\n` }),
        );
      await post(node.url, batch);
    }
    expect(await Promise.all(published)).toEqual([2, 3, 4, 5, 6]);
    expect(await node.stop()).toBe(0);

    const expected = await outcomeOf(steady);
    const actual = await outcomeOf(data);
    const seen = new Set<number>();
    for (const [partition, decisions] of actual.decisions.entries()) {
      const parsed = decisions.map((json) => JSON.parse(json) as DecisionText);
      expect(parsed.map(({ id }) => id)).toEqual(parsed.map((_, i) => `${partition}-${i + 1}`));
      expect(parsed.map(({ workspace }) => workspace)).toEqual(
        parsed.map(({ workspace }) => workspace).toSorted((a, b) => a - b),
      );
      for (const { workspace } of parsed) seen.add(workspace);
      expect(decisions.map(withoutVersion)).toEqual((expected.decisions[partition] ?? []).map(withoutVersion));
    }
    expect(seen).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  });
});
