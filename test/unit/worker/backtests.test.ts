import { expect, test } from 'vitest';
import { BACKTESTS_KEPT } from '../../../src/constants.ts';
import type { BacktestReport, BacktestRequest } from '../../../src/protocol/backtest.ts';
import { type BacktestRun, Backtests } from '../../../src/worker/backtests.ts';
import { compileWorkspace } from '../../../src/workspace/compile.ts';

const FILES = {
  'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [pos]\n',
  'events.yaml': 'receipt: {total: double}\n',
  'campaigns/tea.yaml': 'id: tea\non: receipt\nchannels: [pos]\nstatus: draft\n',
};
const REQUEST: BacktestRequest = { files: FILES, fromMs: null, toMs: null, live: [] };
const REPORT = {} as BacktestReport;

interface Running {
  readonly run: BacktestRun;
  readonly onProgress: (share: number) => void;
  readonly end: (outcome: { readonly report: BacktestReport } | { readonly error: string }) => void;
  readonly fail: (error: unknown) => void;
}

function fixture(): { backtests: Backtests; running: Running[]; failures: unknown[] } {
  const running: Running[] = [];
  const failures: unknown[] = [];
  const backtests = new Backtests({
    compile: async (files) => compileWorkspace(files),
    run: (run, signal, onProgress) =>
      new Promise((end, fail) => {
        signal.addEventListener('abort', () => fail(new Error('aborted')));
        running.push({ run, onProgress, end, fail });
      }),
    nowMs: () => 0,
    onFailure: (error) => failures.push(error),
  });
  return { backtests, running, failures };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('runs one at a time, and keeps its report', async () => {
  const { backtests, running } = fixture();
  const starting = backtests.start(REQUEST);
  expect(backtests.start(REQUEST)).toBeNull();
  expect(await starting).toEqual({ id: '1' });
  expect(backtests.start(REQUEST)).toBeNull();
  const [first] = running as [Running];
  first.onProgress(0.5);
  expect(backtests.find('1')).toMatchObject({ status: 'running', progress: 0.5, ended: null, report: null });
  first.end({ report: REPORT });
  await settled();
  expect(backtests.find('1')).toMatchObject({ status: 'done', progress: 1, report: REPORT });
  expect(backtests.list()).toMatchObject([{ id: '1', report: null }]);
  expect(await backtests.start(REQUEST)).toEqual({ id: '2' });
});

test('takes campaigns as live, and knows those that there are not', async () => {
  const { backtests, running } = fixture();
  expect(await backtests.start({ ...REQUEST, live: ['te'] })).toEqual({
    refused: 'the workspace has no campaign "te" to take as live; did you mean "tea"?',
  });
  await backtests.start({ ...REQUEST, live: ['tea'] });
  expect(running[0]?.run.candidate.campaigns[0]?.status).toBe('live');
});

test('says what is wrong with a workspace, and is free for another', async () => {
  const { backtests } = fixture();
  const started = await backtests.start({ ...REQUEST, files: { ...FILES, 'campaigns/tea.yaml': 'id: tea\n' } });
  expect(started).toHaveProperty('issues');
  expect(await backtests.start(REQUEST)).toEqual({ id: '1' });
});

test('ends one that is running, and forgets one that has ended', async () => {
  const { backtests, failures } = fixture();
  await backtests.start(REQUEST);
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
  await backtests.start(REQUEST);
  running[0]?.end({ error: 'no history yet' });
  await settled();
  expect(backtests.find('1')).toMatchObject({ status: 'failed', error: 'no history yet' });
  await backtests.start(REQUEST);
  running[1]?.fail(new Error('the thread broke'));
  await settled();
  expect(backtests.find('2')).toMatchObject({ status: 'failed', error: 'internal error: the thread broke' });
  expect(failures).toHaveLength(1);
});

test('keeps the last few', async () => {
  const { backtests, running } = fixture();
  for (let i = 0; i <= BACKTESTS_KEPT; i++) {
    await backtests.start(REQUEST);
    running[i]?.end({ report: REPORT });
    await settled();
  }
  expect(backtests.find('1')).toBeNull();
  expect(backtests.list()).toHaveLength(BACKTESTS_KEPT);
});
