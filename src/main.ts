#!/usr/bin/env node
/** argv → one command. Every command lives in its own file under cli/; this one only says which flags there are and what an exit code means. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ExitCode, InputError, UsageError } from './cli/exit.ts';
import type { ReplayFlags } from './cli/replay.ts';
import { requireServerBinary } from './cli/server-binary.ts';
import type { WhyOptions } from './cli/why.ts';
import {
  AUDIENCE_LIST_MAX,
  AUDIENCE_SAMPLE_MAX,
  CUSTOMERS_PER_PARTITION_DEFAULT,
  CUSTOMERS_PER_PARTITION_MAX,
  HISTORY_DEFAULT_MS,
  PARTITIONS_DEFAULT,
  PARTITIONS_MAX,
  SNAPSHOT_LOG_BYTES,
} from './constants.ts';
import { AUDIENCE_FORMATS } from './protocol/audience.ts';
import { parseDuration } from './workspace/duration.ts';

function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < from || value > to)
      throw new InvalidArgumentError(`expected a whole number from ${from} to ${to}, got "${text}".`);
    return value;
  };
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError(`expected a duration such as 90s, 30m, 24h or 7d, got "${text}".`);
  return ms;
}

function sampleSize(text: string): number {
  const value = Number(text);
  const isShare = value > 0 && value < 1;
  if (text.trim() === '' || (!isShare && !(Number.isInteger(value) && value >= 1 && value <= AUDIENCE_SAMPLE_MAX)))
    throw new InvalidArgumentError(
      `expected a share such as 0.1, or a whole number from 1 to ${AUDIENCE_SAMPLE_MAX}, got "${text}".`,
    );
  return value;
}

/** Every flag has an environment variable: `--http` is BECKON_HTTP. */
function flag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.env(`BECKON_${option.long?.slice(2).replaceAll('-', '_').toUpperCase()}`);
}

const URL_DEFAULT = 'http://127.0.0.1:7400';
const toFlag = (): Option => flag('--to <url>', 'the node to send to').default(URL_DEFAULT);

/**
 * A command's options; of two that exclude each other the one that was typed, where the environment says the other: it speaks to a node, and to whoever types nothing else.
 */
function settled<Options>(command: Command, exclusive: readonly (readonly [string, string])[]): Options {
  const isTyped = (name: string): boolean => command.getOptionValueSource(name) === 'cli';
  const yielding = exclusive.flatMap(([one, other]) => (isTyped(one) ? [other] : isTyped(other) ? [one] : []));
  const options = Object.entries(command.opts()).filter(([name]) => isTyped(name) || !yielding.includes(name));
  return Object.fromEntries(options) as Options;
}

/** A command's result is its exit code. */
async function exitWith(code: number | Promise<number>): Promise<void> {
  process.exitCode = await code;
}

function program(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const beckon = new Command('beckon')
    .description('A real-time customer decision engine.')
    .version(version)
    .showHelpAfterError('(beckon --help, or beckon <command> --help)');

  beckon
    .command('serve')
    .description('run a node')
    .addOption(flag('--workspace <dir>', 'publish this folder if it changed since it was last published from a folder'))
    .addOption(flag('--data <dir>', 'where the log, snapshots and decisions are kept').default('beckon-data'))
    .addOption(flag('--nats <url>', 'take the log from JetStream: nats://host:port, several separated by commas'))
    .addOption(flag('--nats-creds <file>', 'credentials file for NATS'))
    .addOption(
      flag('--nats-replicas <n>', 'copies of each new stream: 1, 3 or 5 (default: 1)').argParser(wholeNumber(1, 5)),
    )
    .addOption(
      flag('--log-max-age <duration>', 'how long new log streams keep events (default: 7d)').argParser(duration),
    )
    .addOption(
      flag('--log-max-bytes <n>', 'and how much of them, per partition').argParser(
        wholeNumber(1, Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(
      flag('--decisions-max-age <duration>', 'how long new decision streams keep decisions').argParser(duration),
    )
    .addOption(
      flag('--decisions-max-bytes <n>', 'and how much of them, per partition').argParser(
        wholeNumber(1, Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(
      flag('--duplicate-window <duration>', 'for how long new streams remember message ids').argParser(duration),
    )
    .addOption(flag('--http <host:port>', 'where to listen; port 0 picks a free one').default('127.0.0.1:7400'))
    .addOption(flag('--workers <n>', 'worker threads (default: one per core but one)').argParser(wholeNumber(1, 64)))
    .addOption(
      flag('--partitions <n>', `partitions of a new data folder (default: ${PARTITIONS_DEFAULT})`).argParser(
        wholeNumber(1, PARTITIONS_MAX),
      ),
    )
    .addOption(
      flag(
        '--customers <n>',
        `customers each partition of a new data folder can hold (default: ${CUSTOMERS_PER_PARTITION_DEFAULT})`,
      ).argParser(wholeNumber(1, CUSTOMERS_PER_PARTITION_MAX)),
    )
    .addOption(
      flag(
        '--clock <clock>',
        'wall: time of arrival; event: time follows the events (history, tests, demos). Default for a new data folder: wall',
      ).choices(['wall', 'event']),
    )
    .addOption(
      flag('--history <duration>', 'how far back the log is kept')
        .argParser(duration)
        .default(HISTORY_DEFAULT_MS, '7d'),
    )
    .addOption(
      flag('--snapshot-every <bytes>', "bytes of a partition's log after which it takes a snapshot")
        .argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER))
        .default(SNAPSHOT_LOG_BYTES, '64 MiB'),
    )
    .addOption(flag('--token <token>', 'require `Authorization: Bearer <token>`'))
    .action(async (options) => {
      requireServerBinary();
      return exitWith((await import('./cli/serve.ts')).serve(options));
    });

  beckon
    .command('check <dir>')
    .description('validate a workspace; errors as file:line:column message')
    .addOption(flag('--to <url>', 'and say what would become of new aggregates if it were published to this node'))
    .addOption(flag('--token <token>', 'bearer token of the node'))
    .action(async (directory: string, options: { to?: string; token?: string }) =>
      exitWith((await import('./cli/check.ts')).check(directory, options, process.stdout, process.stderr)),
    );

  beckon
    .command('test <dir>')
    .description("run a workspace's campaign tests, tests/*.yaml; exit code 1 if one fails")
    .addOption(flag('--only <text>', 'only cases with this in their name or file'))
    .addOption(flag('--json', 'for programs'))
    .action(async (directory: string, options: { only?: string; json?: boolean }) =>
      exitWith((await import('./cli/test.ts')).test(directory, options, process.stdout, process.stderr)),
    );

  beckon
    .command('publish <dir>')
    .description('publish a workspace to a running node')
    .addOption(toFlag())
    .addOption(flag('--token <token>', 'bearer token of the node'))
    .addOption(flag('--cold', 'let new aggregates begin empty, instead of filling them from history'))
    .action(async (directory: string, options: { to: string; token?: string; cold?: boolean }) =>
      exitWith((await import('./cli/publish.ts')).publish(directory, options, process.stdout, process.stderr)),
    );

  beckon
    .command('import <file>')
    .description("send NDJSON events (plain or .gz, - for stdin), in the file's order per customer")
    .addOption(toFlag())
    .addOption(flag('--token <token>', 'bearer token of the node'))
    .addOption(flag('--rate <n>', 'events per second at most').argParser(wholeNumber(1, 10_000_000)))
    .action(async (file: string, options: { to: string; rate?: number; token?: string }) =>
      exitWith((await import('./cli/import.ts')).importEvents(file, options, process.stdout, process.stderr)),
    );

  beckon
    .command('audience')
    .description('count the customers for whom an expression holds, or list, sample or export them')
    .addOption(toFlag())
    .addOption(flag('--token <token>', 'bearer token of the node'))
    .addOption(
      flag('--where <expression>', "CEL over the profile, such as 'profile.spend_30d > 100.0'").makeOptionMandatory(),
    )
    .addOption(flag('--list <n>', 'print the first members').argParser(wholeNumber(1, AUDIENCE_LIST_MAX)))
    .addOption(flag('--sample <n>', 'a share below 1 of the members, or how many').argParser(sampleSize))
    .addOption(flag('--salt <text>', 'another salt draws another sample; the same one the same (default: sample)'))
    .addOption(flag('--export <file>', 'write all members to a file (replaced if it is there), - for stdout'))
    .addOption(flag('--format <format>', 'of an export (default: ndjson)').choices(AUDIENCE_FORMATS))
    .addOption(
      flag('--fields <names>', 'attributes, aggregates and segments (segment.vip) to tell, with commas between'),
    )
    .action(async (options) =>
      exitWith((await import('./cli/audience.ts')).audience(options, process.stdout, process.stderr)),
    );

  beckon
    .command('replay')
    .description(
      'replay what a data folder keeps, and compare every decision with the one that was made, or with what another workspace decides',
    )
    .addOption(flag('--data <dir>', 'the data folder; a node may be running on it (default: "beckon-data")'))
    // No variable: BECKON_WORKSPACE is what a node serves.
    .addOption(new Option('--workspace <dir>', 'what if this one had decided: a backtest'))
    .addOption(flag('--live <id...>', 'campaigns that the backtest takes as live, drafts too'))
    .addOption(flag('--json <file>', 'write the report of the backtest to a file, - for stdout instead of the table'))
    .addOption(flag('--node <url>', 'let this node make the backtest, over its own history'))
    .addOption(flag('--token <token>', 'bearer token of the node'))
    .addOption(flag('--from <time>', 'begin at the snapshot before it: RFC 3339, or a day'))
    .addOption(flag('--to <time>', 'end before that time'))
    .addOption(flag('--nats <url>', 'compare with the decision streams there (a folder of a node on NATS)'))
    .addOption(flag('--nats-creds <file>', 'credentials file for NATS'))
    .action(async (_, command: Command) => {
      const options = settled<ReplayFlags>(command, [
        ['data', 'node'],
        ['nats', 'workspace'],
      ]);
      await exitWith((await import('./cli/replay.ts')).replay(options, process.stdout, process.stderr));
    });

  beckon
    .command('why')
    .description('explain what was decided about a customer, and what was not: the last event, or the one asked for')
    .addOption(flag('--data <dir>', 'the data folder, of a node that runs or one that was stopped'))
    .addOption(flag('--node <url>', 'or the node to ask'))
    .addOption(flag('--token <token>', 'bearer token of the node'))
    .addOption(flag('--customer <id>', 'whom it is about').makeOptionMandatory())
    .addOption(flag('--campaign <id>', 'this campaign alone'))
    .addOption(flag('--event <id>', 'the event of this id (a run of a schedule: its due time), and what became of it'))
    .addOption(
      flag(
        '--at <time>',
        "the last moment until 2010-12-01T08:26:00Z, or until the end of 2010-12-01 in the workspace's time zone; or a record of its partition, 1234",
      ),
    )
    .addOption(flag('--detail', 'every step of each campaign (with --campaign always)'))
    .addOption(flag('--json', 'as JSON'))
    .action(async (_, command: Command) => {
      const options = settled<WhyOptions>(command, [['data', 'node']]);
      await exitWith((await import('./cli/why.ts')).why(options, process.stdout, process.stderr));
    });

  beckon
    .command('inspect <path>')
    .description('print a write-ahead log segment, a snapshot, a decision or dead-letter log, or what a folder holds')
    .addOption(flag('--limit <n>', 'records to print at most').argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)))
    .action(async (path: string, options: { limit?: number }) =>
      exitWith((await import('./cli/inspect.ts')).inspect(path, process.stdout, options)),
    );
  return beckon;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  if (error instanceof UsageError || error instanceof InputError) {
    process.stderr.write(`beckon: ${error.message}\n`);
    return error instanceof UsageError ? ExitCode.usage : ExitCode.input;
  }
  process.stderr.write(
    `beckon: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return ExitCode.internal;
}

/** Whoever reads the output has enough (`| head`): that is no error, and must not end a command in its midst. */
function bearClosedPipe(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Other errors belong to the command, where it listens.
    if (error.code !== 'EPIPE' && stream.listenerCount('error') === 1) throw error;
  });
}

bearClosedPipe(process.stdout);
bearClosedPipe(process.stderr);
const beckon = program();
for (const command of [beckon, ...beckon.commands]) command.exitOverride();
try {
  await beckon.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
