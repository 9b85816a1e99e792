import { expect, test } from 'vitest';
import { BACKTESTS_KEPT } from '../../../src/constants.ts';
import type { BacktestReport, BacktestRequest } from '../../../src/protocol/backtest.ts';
import type { BacktestOutcome, RefusedBacktest } from '../../../src/replay/backtest/outcome.ts';
import { Backtests } from '../../../src/worker/backtests.ts';

const REQUEST: BacktestRequest = { files: {}, fromMs: null, toMs: null, live: [] };
const REPORT = {} as BacktestReport;

interface Running {
  progress: number;
  readonly end: (outcome: BacktestOutcome) => void;
  readonly fail: (error: unknown) => void;
}

/** `refused`: why, the first requests; those behind them begin. */
function fixture(refused: readonly RefusedBacktest[] = []): {
  backtests: Backtests;
  running: Running[];
  failures: unknown[];
  refusals: RefusedBacktest[];
} {
  const running: Running[] = [];
  const failures: unknown[] = [];
  const refusals = [...refused];
  const backtests = new Backtests({
    applied: async () => {},
    begin: async (_, signal) => {
      const refusal = refusals.shift();
      if (refusal !== undefined) return refusal;
      const run = { progress: 0 } as Running;
      const outcome = new Promise<BacktestOutcome>((end, fail) => {
        signal.addEventListener('abort', () => fail(new Error('aborted')));
        running.push(Object.assign(run, { end, fail }));
      });
      return { progress: () => run.progress, outcome };
    },
    nowMs: () => 0,
    onFailure: (error) => failures.push(error),
  });
  return { backtests, running, failures, refusals };
}

const start = (backtests: Backtests): Promise<unknown> | undefined => backtests.start(REQUEST)?.started;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('runs one at a time, and keeps its report', async () => {
  const { backtests, running } = fixture();
  const starting = backtests.start(REQUEST);
  expect(backtests.start(REQUEST)).toBeNull();
  expect(starting?.id).toBe('1');
  expect(backtests.list()).toMatchObject([{ id: '1', status: 'running', progress: 0 }]);
  expect(await starting?.started).toEqual({ id: '1' });
  expect(backtests.start(REQUEST)).toBeNull();
  const [first] = running as [Running];
  first.progress = 0.5;
  expect(backtests.find('1')).toMatchObject({ status: 'running', progress: 0.5, ended: null, report: null });
  first.end({ report: REPORT });
  await settled();
  expect(backtests.find('1')).toMatchObject({ status: 'done', progress: 1, report: REPORT });
  expect(backtests.list()).toMatchObject([{ id: '1', report: null }]);
  expect(await start(backtests)).toEqual({ id: '2' });
});

test('says why a request is refused, is free for another, and forgets none for it', async () => {
  const refused = [{ refused: 'there is no campaign "te"' }, { issues: [] }];
  const { backtests, running, refusals } = fixture(refused);
  for (const refusal of refused) expect(await start(backtests)).toEqual(refusal);
  expect(backtests.list()).toEqual([]);
  for (let i = 0; i < BACKTESTS_KEPT; i++) {
    await start(backtests);
    running[i]?.end({ report: REPORT });
    await settled();
  }
  const before = backtests.list();
  refusals.push({ issues: [] });
  expect(await start(backtests)).toEqual({ issues: [] });
  expect(backtests.list()).toEqual(before);
});

test('ends one that is beginning', async () => {
  const failures: unknown[] = [];
  const backtests = new Backtests({
    applied: async () => {},
    begin: (_, signal) => new Promise((__, fail) => signal.addEventListener('abort', () => fail(signal.reason))),
    nowMs: () => 0,
    onFailure: (error) => failures.push(error),
  });
  const starting = start(backtests);
  expect(backtests.remove('1')).toBe(true);
  expect(await starting).toEqual({ cancelled: true });
  expect(backtests.find('1')).toMatchObject({ status: 'cancelled', ended: new Date(0).toISOString() });
  expect(failures).toEqual([]);
  expect(backtests.start(REQUEST)).not.toBeNull();
});

test('passes on what nobody expected at its beginning, and is free for another', async () => {
  let broken = true;
  const backtests = new Backtests({
    applied: async () => {},
    begin: async () => {
      if (broken) throw new Error('no more processes');
      return { refused: 'no' };
    },
    nowMs: () => 0,
    onFailure: () => {},
  });
  await expect(start(backtests)).rejects.toThrow('no more processes');
  expect(backtests.list()).toEqual([]);
  broken = false;
  expect(await start(backtests)).toEqual({ refused: 'no' });
});

test('ends one that is running, and forgets one that has ended', async () => {
  const { backtests, failures } = fixture();
  await start(backtests);
  expect(backtests.remove('1')).toBe(true);
  await settled();
  expect(backtests.find('1')).toMatchObject({ status: 'cancelled', error: null });
  expect(failures).toEqual([]);
  expect(backtests.remove('1')).toBe(true);
  expect(backtests.find('1')).toBeNull();
  expect(backtests.remove('1')).toBe(false);
});

test('tells why there is no report', async () => {
  const { backtests, running, failures } = fixture();
  await start(backtests);
  running[0]?.end({ error: 'no history yet' });
  await settled();
  expect(backtests.find('1')).toMatchObject({ status: 'failed', error: 'no history yet' });
  await start(backtests);
  running[1]?.fail(new Error('the thread broke'));
  await settled();
  expect(backtests.find('2')).toMatchObject({ status: 'failed', error: 'internal error: the thread broke' });
  expect(failures).toHaveLength(1);
});

test('keeps the last few', async () => {
  const { backtests, running } = fixture();
  for (let i = 0; i <= BACKTESTS_KEPT; i++) {
    await start(backtests);
    running[i]?.end({ report: REPORT });
    await settled();
  }
  expect(backtests.find('1')).toBeNull();
  expect(backtests.list()).toHaveLength(BACKTESTS_KEPT);
});

test('begins once what was acknowledged before is applied', async () => {
  let begun = 0;
  let apply: () => void = () => {};
  const backtests = new Backtests({
    applied: () =>
      new Promise<void>((resolve) => {
        apply = resolve;
      }),
    begin: async () => {
      begun++;
      return { progress: () => 0, outcome: new Promise<BacktestOutcome>(() => {}) };
    },
    nowMs: () => 0,
    onFailure: () => {},
  });
  const started = start(backtests);
  await settled();
  expect(begun).toBe(0);
  apply();
  expect(await started).toEqual({ id: '1' });
  expect(begun).toBe(1);
});
