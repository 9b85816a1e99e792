/**
 * `npm run demo`: a real engine, real receipts, real decisions. Everything goes through the doors that anybody else would use: the engine is another process,
 * events go in over HTTP, decisions come out over WebSocket.
 */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExitCode } from '../cli/exit.ts';
import { STOPPED_BY, stopSignal } from '../cli/stop-signal.ts';
import { DecisionWatch } from './decision-watch.ts';
import { EngineFailure, EngineProcess } from './engine-process.ts';
import { formatRejects, thingsToTry } from './explore.ts';
import { NatsServer } from './nats-server.ts';
import { readSample, replayMonth, type SampleLine } from './replay.ts';
import { type Summary, summarize } from './summary.ts';
import { formatSummary } from './summary-text.ts';
import { Tail } from './tail.ts';

/** From src/demo and from dist/demo alike. */
const WORKSPACE = fileURLToPath(new URL('../../src/demo/workspace', import.meta.url));
/** On a terminal the month takes about this long, so that it can be watched. */
const WATCHING_SECONDS = 10;
/** Of lines of words, where there is no terminal. */
const WIDTH = 160;
/** Exit code after Ctrl-C in mid-replay, as shells expect it. What was being sent is abandoned: the caller ends the process. */
export const INTERRUPTED = STOPPED_BY.SIGINT;

export interface DemoOptions {
  /** One line of JSON instead of words; at full speed. */
  readonly json: boolean;
  /** Stay up until interrupted. */
  readonly serve: boolean;
  /** Through NATS JetStream: a nats-server is found, or fetched, and started. */
  readonly nats: boolean;
  /** At full speed on a terminal, too. */
  readonly fast: boolean;
}

/** @returns the exit code: 1 if an event was rejected or the numbers do not add up. */
export async function runDemo(options: DemoOptions, out: NodeJS.WriteStream): Promise<number> {
  const sample = await readSample();
  const say = (text: string): void => void (options.json || out.write(text));
  say(`Starting the engine with ${relative(process.cwd(), WORKSPACE)} …\n`);
  let stopping = false;
  let code: number | null = null;
  const interrupted = stopSignal().then(() => {
    stopping = true;
    return null;
  });
  try {
    const nats = options.nats ? await NatsServer.start() : null;
    if (nats !== null) say(`Its log is JetStream's, on ${nats.url}\n`);
    const engine = await EngineProcess.start(WORKSPACE, nats);
    const died = engine.died();
    try {
      const outcome = await Promise.race([replay(engine, sample, options, out, say), interrupted, died]);
      if (outcome) code = outcome.summary.balanced && outcome.summary.rejected === 0 ? ExitCode.done : ExitCode.input;
      if (outcome && options.serve) {
        say(thingsToTry(engine.url, outcome.favourite));
        await Promise.race([interrupted, died]);
      }
    } catch (error) {
      await engine.stop();
      throw error;
    }
    await finish(engine);
  } catch (error) {
    // A terminal's Ctrl-C reaches the engine and its servers, too: what they fail at then is no failure.
    if (!stopping) throw error;
  }
  if (code !== null) return code;
  say('\nStopped.\n');
  return INTERRUPTED;
}

/** A clean stop is part of what is shown. */
async function finish(engine: EngineProcess): Promise<void> {
  const code = await engine.stop();
  if (code !== 0) throw new EngineFailure(`the engine ended with exit code ${code}\n${engine.log}`);
}

async function replay(
  engine: EngineProcess,
  sample: readonly SampleLine[],
  options: DemoOptions,
  out: NodeJS.WriteStream,
  say: (text: string) => void,
): Promise<{ summary: Summary; favourite: string }> {
  const watched = out.isTTY && !options.json && !options.fast;
  say(
    `Replaying December 2010 of a gift shop: ${sample.length.toLocaleString('en-GB')} events${watched ? `, in ${WATCHING_SECONDS} seconds (--fast does not wait)` : ''}.\n\n`,
  );
  const tail = options.json ? null : new Tail(out, sample.length);
  const watch = await DecisionWatch.open(engine.url, (decision) => tail?.decision(decision));
  const rate = watched ? sample.length / WATCHING_SECONDS : null;
  const { sent, campaigns, rejects } = await replayMonth(engine.url, sample, rate, watch, tail);
  tail?.finish();
  const summary = summarize(sent, campaigns, watch);
  watch.close();
  if (options.json) out.write(`${JSON.stringify(summary)}\n`);
  else say(`\n${formatSummary(summary, campaigns, out.columns ?? WIDTH, watched)}${formatRejects(rejects)}`);
  const [favourite = ''] = [...watch.perCustomer].sort((a, b) => b[1] - a[1])[0] ?? [];
  return { summary, favourite };
}
