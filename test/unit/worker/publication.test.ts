import { describe, expect, it } from 'vitest';
import { PUBLICATIONS_MAX } from '../../../src/constants.ts';
import { FillError, type FilledAggregate } from '../../../src/worker/aggregate-fills.ts';
import { PUBLISH_DEFAULTS, Publication } from '../../../src/worker/publication.ts';
import type { Workspace } from '../../../src/workspace/workspace.ts';
import { workspaceOf } from '../../support/machine-fixture.ts';

const FILES = { 'workspace.yaml': 'name: a\ntimezone: UTC\nchannels: [pos]\n' };

/** Three partitions; `failing`: appends to fail, by partition. */
async function fixture(
  failing: Set<number>,
  fill: () => Promise<readonly FilledAggregate[]> = async () => [],
  preview = fill,
): Promise<{ publication: Publication; active: number[] }> {
  const active = [0, 0, 0];
  let newest: Workspace | null = null;
  const publication = await Publication.open({
    versions: {
      newest: async () => newest,
      save: async (workspace) => {
        newest = workspace;
        return true;
      },
      folderHash: async () => null,
    },
    partitions: active.length,
    compile: async (files) => ({ workspace: { ...workspaceOf(files), version: 0, files }, warnings: [] }),
    activate: async (partition, _json, version) => {
      if (failing.delete(partition)) throw new Error('the log does not answer');
      active[partition] = version;
      return null;
    },
    activeVersions: async () => active,
    fills: {
      fill,
      preview,
      lost: async (filled) => filled,
      giveUp: async () => {},
      abandon: async () => {},
    },
  });
  return { publication, active };
}

describe('publishing', () => {
  it('finishes what failed halfway when the same files are sent again', async () => {
    const { publication, active } = await fixture(new Set([1]));
    await expect(publication.publish(FILES)).rejects.toThrow('the log does not answer');
    expect(active).toEqual([1, 0, 0]);
    expect(await publication.publish(FILES)).toEqual({ version: 1, changed: true, filled: [] });
    expect(active).toEqual([1, 1, 1]);
  });

  it('compares the base with the active version in its turn, not when it is asked', async () => {
    const { publication } = await fixture(new Set());
    const edit = (n: number) => ({ 'workspace.yaml': `${FILES['workspace.yaml']}# ${n}\n` });
    await publication.publish(FILES);
    const results = await Promise.all(
      [1, 2, 3].map((n) => publication.publish(edit(n), { ...PUBLISH_DEFAULTS, basedOn: 1 })),
    );
    expect(results).toEqual([{ version: 2, changed: true, filled: [] }, { conflict: 2 }, { conflict: 2 }]);
  });

  it('tells new aggregates from those that have changed under their name', async () => {
    const reach = { since: '2010-12-01T08:26:00.000Z', complete: true };
    const filled = ['spend', 'visits'].map((aggregate) => ({ aggregate, ...reach }));
    const { publication } = await fixture(new Set(), async () => filled);
    const profile = (text: string) => ({
      ...FILES,
      'events.yaml': 'receipt: {total: double}\n',
      'profile.yaml': `aggregates:\n  spend: {fn: sum, event: receipt, value: event.total, ${text}\n`,
    });
    await publication.publish(profile('window: 7d}'));
    const files = profile('window: 30d}\n  visits: {fn: count, event: receipt}');
    const told = [
      { ...filled[0], changed: true },
      { ...filled[1], changed: false },
    ];
    expect(await publication.preview(files)).toMatchObject({ active: 1, filled: told });
    expect(await publication.publish(files)).toEqual({ version: 2, changed: true, filled: told });
    // It says that nothing changed, and for whoever did not hear it what was filled.
    expect(await publication.publish(files)).toEqual({ version: 2, changed: false, filled: told });
  });

  it('answers a request that is sent again as it did, and another one for the same that nothing changed', async () => {
    const { publication } = await fixture(new Set());
    const ask = (key: string | null) => publication.publish(FILES, { ...PUBLISH_DEFAULTS, key });
    expect(await ask('a')).toMatchObject({ version: 1, changed: true });
    expect(await ask('a')).toMatchObject({ version: 1, changed: true });
    expect(await ask('b')).toMatchObject({ version: 1, changed: false });
    expect(await ask(null)).toMatchObject({ version: 1, changed: false });
  });

  it('answers requests for the same with one publication, be it that it fails', async () => {
    const fills: ((error: Error) => void)[] = [];
    const { publication } = await fixture(new Set(), () => new Promise((_, reject) => fills.push(reject)));
    await publication.publish(FILES);
    const files = { ...FILES, 'workspace.yaml': `${FILES['workspace.yaml']}# edited\n` };
    const options = { ...PUBLISH_DEFAULTS, basedOn: 1 };
    // A client that had no answer in time sends again.
    const same = [1, 2, 3].map(() => publication.publish(files, options));
    await expect.poll(() => fills.length).toBe(1);
    fills[0]?.(new FillError('there is too much of it'));
    expect(await Promise.all(same)).toEqual(Array(3).fill({ unfilled: 'there is too much of it' }));
    expect(fills).toHaveLength(1);
    void publication.publish(files, options);
    await expect.poll(() => fills.length).toBe(2);
  });

  it('lets only so many wait for one that takes long', async () => {
    const { publication } = await fixture(new Set(), () => new Promise(() => {}));
    await publication.publish(FILES);
    const edit = (n: number) => ({ 'workspace.yaml': `${FILES['workspace.yaml']}# ${n}\n` });
    for (let n = 0; n < PUBLICATIONS_MAX; n++) expect(publication.publish(edit(n))).toBeInstanceOf(Promise);
    expect(publication.publish(edit(PUBLICATIONS_MAX))).toBeNull();
    // One that waits is asked for again.
    expect(publication.publish(edit(1))).toBeInstanceOf(Promise);
    // Behind the others, the first would be another one.
    expect(publication.publish(edit(0))).toBeNull();
  });

  describe('while history is read', () => {
    const [a, b] = ['a', 'b'].map((text) => ({ 'workspace.yaml': `${FILES['workspace.yaml']}# ${text}\n` })) as [
      typeof FILES,
      typeof FILES,
    ];
    /** `fills`: ends each, in their order. */
    async function filling() {
      const fills: (() => void)[] = [];
      const { publication } = await fixture(new Set(), () => new Promise((resolve) => fills.push(() => resolve([]))));
      await publication.publish(FILES);
      let ended = 0;
      const endAll = async (all: readonly (Promise<unknown> | null)[]) => {
        const timer = setInterval(() => {
          for (const end of fills.splice(0)) {
            ended++;
            end();
          }
        }, 1);
        const results = await Promise.all(all).finally(() => clearInterval(timer));
        return { results, ended, files: publication.current?.files };
      };
      const ask = (files: typeof FILES, key: string | null = null, basedOn: number | null = null) =>
        publication.publish(files, { ...PUBLISH_DEFAULTS, key, basedOn });
      return { ask, endAll };
    }

    it('the last word wins', async () => {
      const { ask, endAll } = await filling();
      const all = [ask(a), ask(b), ask(a), ask(a)];
      const { results, files } = await endAll(all);
      expect(results).toMatchObject([{ version: 2 }, { version: 3 }, { version: 4 }, { version: 4 }]);
      expect(files).toEqual(a);
    });

    it('a request that is sent again is no word, where its key tells', async () => {
      const { ask, endAll } = await filling();
      const all = [ask(a, 'x'), ask(b, 'y'), ask(a, 'x'), ask(b, 'y'), ask(a, 'x')];
      const { results, ended, files } = await endAll(all);
      expect(results.map((result) => (result as { version: number }).version)).toEqual([2, 3, 2, 3, 2]);
      expect([ended, files]).toEqual([2, b]);
    });

    it('another request for the same is another word', async () => {
      const { ask, endAll } = await filling();
      const { files } = await endAll([ask(a, 'x'), ask(b, 'y'), ask(a, 'z'), ask(a, 'x')]);
      expect(files).toEqual(a);
    });

    it('what is different is published, however often it is sent', async () => {
      const { ask, endAll } = await filling();
      const all = Array.from({ length: 50 }, () => [ask(a), ask(b)]).flat();
      expect(all).not.toContain(null);
      const { ended, files } = await endAll(all);
      expect([ended, files]).toEqual([2, b]);
    });

    it('of those that are based on a version the first is published, and answers whoever asks for the same', async () => {
      const { ask, endAll } = await filling();
      const { results, files } = await endAll([ask(a, null, 1), ask(b, null, 1), ask(a, null, 1)]);
      expect(results).toMatchObject([{ version: 2 }, { conflict: 2 }, { version: 2 }]);
      expect(files).toEqual(a);
    });
  });

  it('deals out shares of budgets and limits once, and carries them on', async () => {
    const { publication } = await fixture(new Set());
    const offers = (text: string) => ({ ...FILES, 'offers.yaml': text });
    await publication.publish(offers('a: {title: A, budget: 60}\n'));
    expect(publication.current?.shares).toEqual({ 'offer/a': 10 });
    await publication.publish(offers('a: {title: A, budget: 600}\nb: {title: B, budget: 6}\n'));
    expect(publication.current?.shares).toEqual({ 'offer/a': 10, 'offer/b': 1 });
    await publication.publish(FILES);
    expect(publication.current?.shares).toEqual({ 'offer/a': 10, 'offer/b': 1 });
  });
});

describe('asking what publishing would say', () => {
  const edit = (n: number) => ({ 'workspace.yaml': `${FILES['workspace.yaml']}# ${n}\n` });

  it('looks at one after another, and lets only so many wait', async () => {
    const looks: (() => void)[] = [];
    const preview = () => new Promise<[]>((resolve) => looks.push(() => resolve([])));
    const { publication } = await fixture(new Set(), undefined, preview);
    await publication.publish(FILES);
    const asked = Array.from({ length: PUBLICATIONS_MAX }, (_, n) => publication.preview(edit(n)));
    expect(asked.every((each) => each instanceof Promise)).toBe(true);
    expect(publication.preview(edit(PUBLICATIONS_MAX))).toBeNull();
    // Who asks for the same is answered with it.
    expect(publication.preview(edit(0))).toBe(asked[0]);
    for (let n = 0; n < PUBLICATIONS_MAX; n++) {
      await expect.poll(() => looks.length).toBe(n + 1);
      looks[n]?.();
      expect(await asked[n]).toEqual({ active: 1, filled: [], warnings: [] });
    }
    expect(publication.preview(edit(0))).not.toBe(asked[0]);
  });

  it('answers by the version that was active when it was asked, or a later one', async () => {
    const looks: (() => void)[] = [];
    const preview = () => new Promise<[]>((resolve) => looks.push(() => resolve([])));
    const { publication } = await fixture(new Set(), undefined, preview);
    await publication.publish(FILES);
    const before = publication.preview(edit(1));
    await expect.poll(() => looks.length).toBe(1);
    await publication.publish(edit(0));
    const after = publication.preview(edit(1));
    looks[0]?.();
    expect(await before).toMatchObject({ active: 1 });
    await expect.poll(() => looks.length).toBe(2);
    looks[1]?.();
    expect(await after).toMatchObject({ active: 2 });
  });

  it('goes on when one of them fails', async () => {
    let fails = true;
    const preview = async () => {
      if (fails) throw new Error('the folder is gone');
      return [];
    };
    const { publication } = await fixture(new Set(), undefined, preview);
    await publication.publish(FILES);
    await expect(publication.preview(edit(0))).rejects.toThrow('the folder is gone');
    fails = false;
    expect(await publication.preview(edit(0))).toMatchObject({ active: 1 });
  });
});
