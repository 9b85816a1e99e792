/** Runs a suite in a process of its own and collects what it tells. Whatever the suite has started is ended with it, and its folder removed. */
import { fork } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Measurement, Ratio, Series, Suite } from './suite.ts';
import type { Skip, SuiteMessage, SuiteResult } from './suite-result.ts';

/** No suite may take longer; the longest budget is 10 minutes, and a machine may be slow. */
const FULL_MS_MAX = 20 * 60_000;
const QUICK_MS_MAX = 3 * 60_000;
/** What a suite printed last, shown if it fails. */
const OUTPUT_CHARACTERS_MAX = 4000;

export interface RunOptions {
  readonly quick: boolean;
  readonly folder: string;
  readonly signal: AbortSignal;
  progress(text: string): void;
}

export async function runSuite(suite: Suite, { quick, folder, signal, progress }: RunOptions): Promise<SuiteResult> {
  await mkdir(folder, { recursive: true });
  const begin = performance.now();
  const measurements: Measurement[] = [];
  const ratios: Ratio[] = [];
  const series: Series[] = [];
  const skips: Skip[] = [];
  const notes: string[] = [];
  let output = '';
  let ended: { readonly error: string | null } | null = null;

  const child = fork(
    fileURLToPath(import.meta.resolve('./suite-process.js')),
    [suite.name, quick ? 'quick' : 'full', folder],
    // Detached: it leads a group, so that what it starts can be ended with it. Its output is no part of ours.
    {
      detached: true,
      // What it leaves in a temporary folder of its own goes with its folder.
      env: { ...process.env, TMPDIR: folder },
      execArgv: ['--expose-gc', '--enable-source-maps'],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  const endGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      // Nobody of it is left.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_CHARACTERS_MAX);
    });
  child.on('message', (message: SuiteMessage) => {
    if (message.kind === 'measurement') measurements.push(message.measurement);
    else if (message.kind === 'ratio') ratios.push(message.ratio);
    else if (message.kind === 'series') series.push(message.series);
    else if (message.kind === 'skip') skips.push(message.skip);
    else if (message.kind === 'note') notes.push(message.text);
    else if (message.kind === 'progress') progress(message.text);
    else ended = message;
  });
  const limitMs = quick ? QUICK_MS_MAX : FULL_MS_MAX;
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    endGroup();
  }, limitMs);
  signal.addEventListener('abort', endGroup);
  const how = await new Promise<string>((resolve) => {
    let reason = '';
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, killed) => {
      reason = killed === null ? `exit code ${code}` : killed;
      // What it has started may hold its pipes open, and "close", which comes after its last message, would wait for it.
      endGroup();
    });
    child.on('close', () => resolve(reason));
  });
  clearTimeout(limit);
  signal.removeEventListener('abort', endGroup);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });

  const told = ended as { readonly error: string | null } | null;
  const crash = late
    ? `took longer than ${limitMs / 60_000} minutes`
    : `its process ended early: ${how}\n${output}`.trim();
  const error = told === null ? crash : told.error;
  const measured = measurements.length + ratios.length + series.length > 0;
  return {
    suite,
    status: error !== null ? 'failed' : measured || skips.length === 0 ? 'done' : 'skipped',
    error,
    seconds: (performance.now() - begin) / 1000,
    measurements,
    ratios,
    series,
    skips,
    notes,
  };
}
