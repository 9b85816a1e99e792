#!/usr/bin/env node
/** The demo's command line: `npm run demo`, and the converter that its sample was made with. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Command, CommanderError } from 'commander';
import { ExitCode, InputError } from '../cli/exit.ts';
import { convertReceipts } from './convert.ts';
import type { DemoEvent } from './demo-event.ts';
import { EngineFailure } from './engine-process.ts';
import { NatsServerMissing } from './nats-server-program.ts';
import { formatQuirks } from './quirks.ts';
import { type DemoOptions, INTERRUPTED, runDemo } from './run.ts';
import { cutSample } from './sample-cut.ts';
import { withSyntheticCustomers } from './synthetic.ts';

/** Unreadable lines shown; all are counted in the table. */
const UNREADABLE_SHOWN = 5;

async function convert(
  file: string,
  cut: (events: readonly DemoEvent[]) => readonly DemoEvent[],
  write: (lines: Readable) => Promise<void>,
): Promise<number> {
  const { events, quirks, unreadable } = await convertReceipts(file);
  await write(Readable.from(ndjson(cut(events))));
  process.stderr.write(`${formatQuirks(quirks)}\n`);
  for (const { line, problem } of unreadable.slice(0, UNREADABLE_SHOWN))
    process.stderr.write(`${file}:${line} ${problem}\n`);
  return unreadable.length > 0 ? ExitCode.input : ExitCode.done;
}

function* ndjson(events: readonly DemoEvent[]): Generator<string> {
  for (const event of events) yield `${JSON.stringify(event)}\n`;
}

const demo = new Command('beckon-demo')
  .description('Replays a month of real receipts through a real engine, and says what came of it.')
  .option('--json', 'print one line of JSON instead', false)
  .option('--serve', 'stay up for exploring', false)
  .option('--nats', 'with the log in NATS JetStream; a nats-server is found, or fetched, and started', false)
  .option('--fast', 'do not slow down for watching', false)
  .action(async (options: DemoOptions) => {
    const code = await runDemo(options, process.stdout);
    if (code === INTERRUPTED) process.exit(code);
    process.exitCode = code;
  });

demo
  .command('convert <file>')
  .description(
    'turn the Online Retail CSV (plain or .gz) into event NDJSON on stdout; what is odd about it goes to stderr as a table',
  )
  .option('--with-customers', "add synthetic $profile and $consent events before each customer's first event", false)
  .action(async (file: string, options: { withCustomers: boolean }) => {
    const cut = options.withCustomers ? withSyntheticCustomers : (events: readonly DemoEvent[]) => events;
    process.exitCode = await convert(file, cut, (lines) => pipeline(lines, process.stdout, { end: false }));
  });

demo
  .command('sample <file> <output>')
  .description('cut the sample of December 2010, as in src/demo/sample, out of the Online Retail CSV (.ndjson.gz)')
  .action(async (file: string, output: string) => {
    process.exitCode = await convert(file, cutSample, (lines) =>
      pipeline(lines, createGzip({ level: 9 }), createWriteStream(output)),
    );
  });

for (const command of [demo, ...demo.commands]) command.exitOverride();
try {
  await demo.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

/** Says what went wrong, unless it needs no words. @returns the exit code. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  // Whoever reads our output has seen enough: `convert … | head`.
  if ((error as { code?: string }).code === 'EPIPE') return ExitCode.done;
  const expected = error instanceof InputError || error instanceof EngineFailure || error instanceof NatsServerMissing;
  process.stderr.write(`demo: ${expected ? error.message : ((error as Error).stack ?? String(error))}\n`);
  return error instanceof InputError ? ExitCode.input : ExitCode.internal;
}
