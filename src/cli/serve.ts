/** `beckon serve`: reads the flags, runs a node until SIGTERM or SIGINT, then drains, snapshots and exits 0. */
import { type NodeOptions, startNode, WorkspaceError } from '../node.ts';
import { createLogger } from '../telemetry/logger.ts';
import { ExitCode, InputError, UsageError } from './exit.ts';
import { stopSignal } from './stop-signal.ts';

/** As the command line gives them. */
export interface ServeFlags {
  readonly workspace?: string;
  readonly data: string;
  readonly nats?: string;
  readonly natsCreds?: string;
  readonly natsReplicas?: number;
  readonly logMaxAge?: number;
  readonly logMaxBytes?: number;
  readonly decisionsMaxAge?: number;
  readonly decisionsMaxBytes?: number;
  readonly duplicateWindow?: number;
  readonly http: string;
  readonly workers?: number;
  readonly partitions?: number;
  readonly customers?: number;
  readonly clock?: 'wall' | 'event';
  readonly history: number;
  readonly snapshotEvery: number;
  readonly token?: string;
}

export async function serve(flags: ServeFlags): Promise<number> {
  const options = nodeOptions(flags);
  const logger = createLogger();
  // A second signal does not wait.
  const signalled = stopSignal(() => process.exit(ExitCode.internal));
  // Nothing is acknowledged while a node recovers: there is nothing to drain.
  let recovering = true;
  void signalled.then(() => recovering && process.exit(ExitCode.done));
  const node = await startNode(options, logger, () => process.exit(ExitCode.internal)).catch((error: unknown) => {
    throw explained(error, flags);
  });
  recovering = false;
  process.stdout.write(`listening on http://${options.host}:${node.port}\n`);
  const { ready, detail } = node.readiness();
  if (!ready) logger.warn(detail);

  const signal = await signalled;
  logger.info({ signal }, 'stopping: draining, then taking snapshots');
  await node.stop();
  logger.info('stopped');
  return ExitCode.done;
}

function nodeOptions(flags: ServeFlags): NodeOptions {
  const { host, port } = parseAddress(flags.http);
  return {
    dataDirectory: flags.data,
    workspaceDirectory: flags.workspace ?? null,
    host,
    port,
    workers: flags.workers ?? null,
    partitions: flags.partitions ?? null,
    customersPerPartition: flags.customers ?? null,
    clock: flags.clock ?? null,
    historyMs: flags.history,
    snapshotLogBytes: flags.snapshotEvery,
    token: flags.token ?? null,
    nats: natsOptions(flags),
  };
}

/** Flags of the streams mean nothing without streams: a user who gives them has forgotten --nats. */
function natsOptions(flags: ServeFlags): NodeOptions['nats'] {
  const streams = {
    replicas: flags.natsReplicas ?? null,
    logMaxAgeMs: flags.logMaxAge ?? null,
    logMaxBytes: flags.logMaxBytes ?? null,
    decisionMaxAgeMs: flags.decisionsMaxAge ?? null,
    decisionMaxBytes: flags.decisionsMaxBytes ?? null,
    duplicateWindowMs: flags.duplicateWindow ?? null,
  };
  if (flags.nats !== undefined) return { servers: flags.nats, credentialsFile: flags.natsCreds ?? null, streams };
  if (flags.natsCreds !== undefined || Object.values(streams).some((value) => value !== null)) {
    throw new UsageError(
      'flags of the streams (--nats-…, --log-max-…, --decisions-max-…, --duplicate-window) need --nats',
    );
  }
  return null;
}

/** `host:port`, `[::1]:port`. */
function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535)
    throw new UsageError(`--http: expected HOST:PORT such as 127.0.0.1:7400, got "${address}"`);
  return { host, port };
}

/** What keeps a node from starting though nothing is wrong with the program: the error's own message says where and what to do. */
const EXPLAINED = new Set([
  'WorkspaceFolderError',
  'RefusedFileError',
  'CorruptFileError',
  'FatalStorageError',
  'ListenError',
  'NatsRefusedError',
  'StreamRefusedError',
  'PublishRefusedError',
]);

/** The data folder is no folder, not ours to write, or on a full disk; the message names the path. */
const SYSTEM_ERRORS = new Set(['ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EISDIR', 'ENAMETOOLONG']);

function explained(error: unknown, flags: ServeFlags): unknown {
  if (error instanceof WorkspaceError) {
    for (const { file, line, column, message } of error.issues)
      process.stderr.write(`${file}:${line}:${column} ${message}\n`);
    return new InputError(`${flags.workspace} was not published: mend it and start again`);
  }
  // By name and code: errors of worker threads lose their class on the way.
  const known =
    error instanceof Error &&
    (EXPLAINED.has(error.name) || SYSTEM_ERRORS.has((error as NodeJS.ErrnoException).code ?? ''));
  return known ? new InputError(error.message) : error;
}
