/**
 * `beckon replay --data DIR`: replays the history that a data folder keeps, partition by partition, and compares every decision with the one that was made: with the folder's
 * decision logs, or with the decision streams where `--nats` names them. Reads only, also beside a running node. With `--workspace` it is a backtest: see backtest.ts.
 */
import { connectNats } from '../log/jetstream/connection.ts';
import { JetStreamDecisionArchive } from '../log/jetstream/decision-archive.ts';
import { streamIdentity } from '../log/jetstream/streams.ts';
import { History } from '../replay/history.ts';
import { LogDecisionArchive } from '../replay/verify/log-decision-archive.ts';
import {
  type DecisionArchive,
  type PartitionCheck,
  type VerifyRange,
  verifyPartition,
} from '../replay/verify/verify.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { ExitCode, InputError, UsageError } from './exit.ts';
import { folderEndText } from './folder-end.ts';
import { explainedHistoryError } from './history-error.ts';
import { time } from './inspect-text.ts';
import { Progress } from './progress.ts';
import { summaryOf } from './replay-summary.ts';
import { parseTime } from './time-argument.ts';

export interface ReplayFlags {
  readonly data?: string;
  readonly nats?: string;
  readonly natsCreds?: string;
  readonly from?: string;
  readonly to?: string;
  /** Decides instead of those that did: a backtest. */
  readonly workspace?: string;
  readonly live?: string | readonly string[];
  readonly json?: string;
  readonly node?: string;
  readonly token?: string;
}

const DATA_DEFAULT = 'beckon-data';

/** @returns the exit code: 1 if something is not as it was. InputError if the folder cannot be read. */
export async function replay(
  flags: ReplayFlags,
  stdout: NodeJS.WritableStream,
  stderr: NodeJS.WritableStream & { readonly isTTY?: boolean },
): Promise<number> {
  const range = { fromMs: timeOf('--from', flags.from), toMs: timeOf('--to', flags.to) };
  if (range.fromMs !== null && range.toMs !== null && range.fromMs >= range.toMs)
    throw new UsageError(`--to ${flags.to} must be later than --from ${flags.from}`);
  const { workspace, node, json, token } = flags;
  const data = flags.data ?? DATA_DEFAULT;
  if (workspace !== undefined) {
    if (flags.nats !== undefined) throw new UsageError('--nats: a backtest sends nothing and compares nothing there');
    if (node !== undefined && flags.data !== undefined)
      throw new UsageError('--data and --node: choose one of them, a node replays its own history');
    const live = [flags.live ?? []].flat().flatMap((ids) => ids.split(','));
    const { backtest } = await import('./backtest.ts');
    return backtest({ data, workspace, ...range, live, json, node, token }, stdout, stderr);
  }
  for (const [name, value] of Object.entries({ live: flags.live, json, node }))
    if (value !== undefined) throw new UsageError(`--${name} needs --workspace, the folder that decides instead`);
  try {
    const history = History.open(nodeFileSystem, data);
    const embedded = history.identity.log === 'embedded';
    if (embedded && flags.nats !== undefined)
      throw new UsageError(`${data} is the folder of a node without NATS: leave --nats out`);
    if (flags.nats === undefined) {
      const archive = embedded ? new LogDecisionArchive(history) : null;
      const end = folderEndText(history);
      const note = end === null ? null : `${end}; --nats tells`;
      return await verifyAll(history, archive, note, range, stdout, new Progress(stderr));
    }
    return await withStreams(history, flags.nats, flags.natsCreds, async (archive) =>
      verifyAll(history, archive, await missingText(history, archive), range, stdout, new Progress(stderr)),
    );
  } catch (error) {
    throw explainedHistoryError(error);
  }
}

/** What was acknowledged and cannot be replayed yet; null: nothing. */
async function missingText(history: History, archive: JetStreamDecisionArchive): Promise<string | null> {
  let missing = 0;
  for (let partition = 0; partition < history.identity.partitions; partition++) {
    const last = history.lastSeq(partition);
    missing += Math.max(0, (await archive.lastRecord(partition)) - last);
  }
  if (missing === 0) return null;
  const records = missing === 1 ? '1 record' : `${missing.toLocaleString('en-GB')} records`;
  return `the streams hold ${records} that ${history.paths.root} does not have yet`;
}

/** `note`: that the folder may lack something; null: it does not. */
async function verifyAll(
  history: History,
  archive: DecisionArchive | null,
  note: string | null,
  range: VerifyRange,
  stdout: NodeJS.WritableStream,
  progress: Progress,
): Promise<number> {
  const partitions = Array.from({ length: history.identity.partitions }, (_, partition) => partition);
  const total = partitions.reduce((sum, p) => sum + history.lastSeq(p) - (history.firstSeq(p) ?? 1) + 1, 0);
  const checks: PartitionCheck[] = [];
  let records = 0;
  for (const partition of partitions) {
    const check = await verifyPartition(history, partition, archive, range, (here) =>
      progress.show((records + here) / total, `partition ${partition}`),
    );
    records += check.records;
    checks.push(check);
  }
  progress.clear();
  refuseEmpty(checks, range, note === null ? '' : `; ${note}`);
  stdout.write(summaryOf(checks, archive !== null, note));
  return checks.some(({ difference }) => difference !== null) ? ExitCode.input : ExitCode.done;
}

/** Nothing to compare is no proof that all is as it was. */
function refuseEmpty(checks: readonly PartitionCheck[], { fromMs, toMs }: VerifyRange, note: string): void {
  if (checks.some(({ difference }) => difference !== null)) return;
  const lastMs = Math.max(0, ...checks.map((check) => check.toMs));
  if (fromMs !== null && lastMs < fromMs)
    throw new InputError(
      toMs === null
        ? `history ends at ${time(lastMs)}: nothing happened from ${time(fromMs)} on${note}`
        : `nothing happened from ${time(fromMs)} before ${time(toMs)}${note}`,
    );
  if (toMs !== null && checks.every(({ events, decisions }) => events + decisions === 0))
    throw new InputError(`nothing happened before ${time(toMs)}, or it is no longer kept${note}`);
}

async function withStreams(
  history: History,
  servers: string,
  credentialsFile: string | undefined,
  use: (archive: JetStreamDecisionArchive) => Promise<number>,
): Promise<number> {
  const connection = await connectNats({
    servers,
    name: 'beckon replay',
    ...(credentialsFile === undefined ? {} : { credentialsFile }),
  });
  try {
    const { id } = await streamIdentity(connection);
    const { log, partitions } = history.identity;
    if (log !== `nats ${id}`)
      throw new InputError(
        `${history.paths.root} is of another cluster (${log}) than the streams there (nats ${id}): name the server that its node was given`,
      );
    return await use(await JetStreamDecisionArchive.open(connection, partitions));
  } finally {
    await connection.close();
  }
}

function timeOf(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = parseTime(text);
  if (ms !== null) return ms;
  throw new UsageError(
    `${flag}: expected a time such as 2010-12-01T08:26:00Z, or a day such as 2010-12-01, got "${text}"`,
  );
}
