/**
 * The composition root: the one place that knows every part. Opens the log and the data folder, starts the shard workers, lets them recover and catch up,
 * brings the workspace up to date, then opens the gateway; and takes it all down in the reverse order.
 */
import { availableParallelism } from 'node:os';
import { FOLDER_HEARTBEAT_MS } from './constants.ts';
import { Gateway } from './gateway/gateway.ts';
import { Lobby } from './gateway/lobby.ts';
import type { StreamSettings } from './log/jetstream/stream-plan.ts';
import { BackgroundClosedError, BackgroundPool } from './pool/background-pool.ts';
import { beginBacktest } from './pool/backtest-process.ts';
import { FILL_IMAGES } from './pool/fill-images-task.ts';
import { HISTORY_BEGINNINGS } from './pool/history-beginnings-task.ts';
import { TaskPool } from './pool/task-pool.ts';
import { whyTask } from './pool/why-task.ts';
import { columnStrips } from './state/arena.ts';
import { stateLimits } from './state/state-limits.ts';
import { assert } from './stdx/assert.ts';
import { DataFolder, readIdentity, saltOf } from './storage/data-folder.ts';
import { nodeFileSystem } from './storage/node-file-system.ts';
import { repairLogs } from './storage/wal-repair.ts';
import { dropSegmentsBefore } from './storage/wal-retention.ts';
import type { Logger } from './telemetry/logger.ts';
import { MetricsExposition } from './telemetry/metrics-exposition.ts';
import { createSharedSeries } from './telemetry/shared-series.ts';
import { WorkerMetrics } from './telemetry/worker-metrics.ts';
import { AggregateFills } from './worker/aggregate-fills.ts';
import { Audiences } from './worker/audiences.ts';
import { Backtests } from './worker/backtests.ts';
import { CatchingUp } from './worker/catching-up.ts';
import { EmbeddedNodeLog } from './worker/embedded-node-log.ts';
import { JetStreamNodeLog } from './worker/jetstream-node-log.ts';
import type { NatsShardOptions, ShardOptions } from './worker/messages.ts';
import { NodeEngine } from './worker/node-engine.ts';
import type { NodeLog } from './worker/node-log.ts';
import { Publication } from './worker/publication.ts';
import { Reasons } from './worker/reasons.ts';
import { Shards } from './worker/shards.ts';
import { readWorkspaceFolder } from './workspace/folder.ts';
import type { WorkspaceIssue } from './workspace/workspace.ts';

/** The main thread's own series, beside the workers 0, 1, 2 … */
const MAIN_THREAD = -1;

export interface NodeOptions {
  readonly dataDirectory: string;
  readonly workspaceDirectory: string | null;
  /** null: the log is embedded. */
  readonly nats: (NatsShardOptions & { readonly streams: StreamSettings }) | null;
  readonly host: string;
  readonly port: number;
  /** null: one per core but one. */
  readonly workers: number | null;
  /** null: as the data folder has it, or the default for a new one. */
  readonly partitions: number | null;
  readonly customersPerPartition: number | null;
  readonly clock: 'wall' | 'event' | null;
  readonly historyMs: number;
  readonly snapshotLogBytes: number;
  readonly token: string | null;
}

/** The folder given to `--workspace` does not compile or does not fit the data. */
export class WorkspaceError extends Error {
  override readonly name = 'WorkspaceError';
  readonly issues: readonly WorkspaceIssue[];

  constructor(issues: readonly WorkspaceIssue[]) {
    super('the workspace has errors');
    this.issues = issues;
  }
}

export interface RunningNode {
  readonly port: number;
  readiness(): { readonly ready: boolean; readonly detail: string };
  /** Stops listening, lets the shards finish and take their snapshots, closes every file and connection. */
  stop(): Promise<void>;
}

/** Undone in the reverse order. */
type Undo = (() => void | Promise<void>)[];

/**
 * Opens everything, in order; resolves when the node listens. Throws WorkspaceError, or what storage or NATS refuse, with everything closed again.
 * `onFailure`: a shard failed; the process must end.
 */
export async function startNode(options: NodeOptions, logger: Logger, onFailure: () => void): Promise<RunningNode> {
  const undo: Undo = [];
  try {
    return await open(options, logger, onFailure, undo);
  } catch (error) {
    await takeDown(undo).catch(() => undefined);
    throw error;
  }
}

/** Every step is taken, whatever becomes of the ones before it; the first error is thrown at the end. */
async function takeDown(undo: Undo): Promise<void> {
  const errors: unknown[] = [];
  for (const step of undo.reverse()) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

async function open(options: NodeOptions, logger: Logger, onFailure: () => void, undo: Undo): Promise<RunningNode> {
  let doing = (): string => 'the node is opening its log';
  const lobby = new Lobby(() => doing());
  const port = await lobby.listen(options.host, options.port);
  undo.push(() => lobby.close());
  const pool = new TaskPool();
  undo.push(() => pool.close());
  const files = await readFolder(options, pool);
  const { folder, log } = await openLog(options, logger, undo);
  const { partitions, customersPerPartition } = folder.identity;
  const columnBits = columnStrips(stateLimits(customersPerPartition));

  const exposition = new MetricsExposition();
  const catchingUp = new CatchingUp(log.shardNats === null ? 0 : partitions);
  const shards = startShards({ folder, log, options, logger, exposition, catchingUp, onFailure });
  undo.push(() => shards.stop());
  const background = new BackgroundPool();
  const stopping = new AbortController();
  const endLongWork = async (): Promise<void> => {
    stopping.abort(new BackgroundClosedError());
    await background.close();
  };
  undo.push(endLongWork);
  doing = () => 'the node is recovering from its write-ahead log';
  log.recovered(await shards.ready());
  shards.start();
  doing = () => catchingUp.detail() ?? 'the node is bringing its workspace up to date';
  await catchingUp.done;

  const ingest = log.ingest(shards);
  const publication = await Publication.open({
    versions: log.versions,
    partitions,
    compile: (files) => pool.compileWorkspace(files, columnBits),
    activate: (partition, json, version) => ingest.activate(partition, json, version),
    activeVersions: async () => (await shards.statuses()).map((status) => status.workspaceVersion),
    fills: new AggregateFills({
      partitions,
      dataDirectory: options.dataDirectory,
      folderId: folder.identity.id,
      append: (partition, payload, name) => ingest.fill(partition, payload, name),
      statuses: () => shards.statuses(),
      images: (request, signal) => background.run(FILL_IMAGES, request, signal),
      beginnings: (directory) => background.run(HISTORY_BEGINNINGS, directory),
      log: (fields, message) => logger.info(fields, message),
      stopping: stopping.signal,
    }),
  });
  const statuses = await shards.statuses();
  const customers = statuses.reduce((sum, status) => sum + status.customers, 0);
  logger.info({ partitions, customers }, 'recovered');
  await publication
    .finish()
    .catch((error: Error) => logger.error({ err: error }, 'a partition decides by an older version'));
  if (files !== null) await publishFolder(publication, files, logger);
  await log.follow(publication);

  const metrics = mainThreadMetrics(exposition);
  const engine: NodeEngine = new NodeEngine({
    partitions,
    shards,
    ingest,
    publication,
    audiences: new Audiences({
      shards,
      workspace: () => publication.current,
      scan: (task) => pool.scanAudience(task),
    }),
    reasons: new Reasons({
      shards,
      partitions,
      dataDirectory: options.dataDirectory,
      explain: (task, signal) => background.run(whyTask, task, signal),
    }),
    backtests: new Backtests({
      applied: () => shards.statuses(),
      begin: (request, signal) =>
        beginBacktest({ ...request, dataDirectory: options.dataDirectory }, AbortSignal.any([signal, stopping.signal])),
      nowMs: () => Date.now(),
      onFailure: (error) => {
        if (!stopping.signal.aborted) logger.error({ err: error as Error }, 'a backtest failed');
      },
    }),
    decisions: log.decisions,
    groups: log.groups,
    exposition,
    unready: () => catchingUp.detail(),
    beforeScrape: async () => {
      await shards.refreshMetrics();
      const { subscribers, lagDecisions } = gateway.stats();
      metrics.gauge('beckon_subscribers', {}).set(subscribers);
      metrics.gauge('beckon_subscriber_lag_decisions', {}).set(lagDecisions);
      metrics.gauge('beckon_workspace_version', {}).set(publication.current?.version ?? 0);
    },
  });
  const gateway = new Gateway({
    engine,
    logger,
    auth: { tokens: options.token === null ? [] : [options.token] },
    onAnswered: (route, status) => metrics.counter('beckon_http_responses_total', { route, status }).add(1),
  });
  lobby.close();
  await gateway.listen(options.host, port);
  // Whoever waits for what takes long is told at once; it could take longer than a node has to stop.
  undo.push(async () => {
    await Promise.all([gateway.close(), endLongWork()]);
  });
  return { port, readiness: () => engine.readiness(), stop: () => takeDown(undo) };
}

/** The streams fix the number of partitions, where there are streams; the data folder otherwise. */
async function openLog(
  options: NodeOptions,
  logger: Logger,
  undo: Undo,
): Promise<{ folder: DataFolder; log: NodeLog }> {
  if (options.nats === null) {
    const folder = openFolder(options, options.partitions, 'embedded', undo);
    return { folder, log: new EmbeddedNodeLog(folder) };
  }
  const { streams, ...nats } = options.nats;
  const log = await JetStreamNodeLog.open(
    nats,
    { ...streams, partitions: options.partitions },
    (level, fields, message) => logger[level](fields, message),
  );
  undo.push(() => log.close());
  return { folder: openFolder(options, log.partitions, `nats ${log.decisions.identity}`, undo), log };
}

/** `log`: what the data belongs to. Records of another log, or of another cluster's streams, would be another history. */
function openFolder(options: NodeOptions, partitions: number | null, log: string, undo: Undo): DataFolder {
  const { clock, customersPerPartition } = options;
  const folder = DataFolder.open(nodeFileSystem, options.dataDirectory, {
    partitions,
    clock,
    customersPerPartition,
    log,
  });
  undo.push(() => folder.close());
  const heartbeat = setInterval(() => folder.heartbeat(), FOLDER_HEARTBEAT_MS);
  undo.push(() => clearInterval(heartbeat));
  return folder;
}

interface ShardParts {
  readonly folder: DataFolder;
  readonly log: NodeLog;
  readonly options: NodeOptions;
  readonly logger: Logger;
  readonly exposition: MetricsExposition;
  readonly catchingUp: CatchingUp;
  readonly onFailure: () => void;
}

/** Repairs the write-ahead logs, then starts the workers, which recover their partitions from them. */
function startShards({ folder, log, options, logger, exposition, catchingUp, onFailure }: ShardParts): Shards {
  const { partitions, clock, customersPerPartition, id } = folder.identity;
  const { epoch, repairs } = repairLogs(nodeFileSystem, folder.walRoot);
  for (const { folder: wal, tornBytes } of repairs) {
    if (tornBytes === 0) continue;
    logger.warn(
      { wal, tornBytes },
      'cut off what was being written when the last run ended; it was never acknowledged',
    );
  }
  const workers = Math.min(options.workers ?? Math.max(1, availableParallelism() - 1), partitions);
  const shardOptions = range(workers).map((worker): ShardOptions => {
    const metrics = createSharedSeries();
    exposition.attachWorker(worker, metrics);
    return {
      worker,
      partitions: range(partitions).filter((partition) => partition % workers === worker),
      partitionsTotal: partitions,
      dataDirectory: options.dataDirectory,
      clock,
      customersPerPartition,
      historyMs: options.historyMs,
      snapshotLogBytes: options.snapshotLogBytes,
      walEpoch: epoch,
      salt: saltOf(id),
      nats: log.shardNats,
      metrics,
    };
  });
  const retained = new Map<number, number>();
  return new Shards(shardOptions, {
    applied: (message) => log.applied(message),
    caughtUp: (partition) => catchingUp.caughtUp(partition),
    halted: (partition, reason) => catchingUp.halted(partition, reason),
    log: (message) => logger[message.level](message.fields, message.message),
    series: (worker, registration) => exposition.register(worker, registration),
    retained: (partition, position) => {
      retained.set(partition, position);
      dropSegmentsBefore(nodeFileSystem, folder.walRoot, retained);
    },
    failed: (worker, error) => {
      logger.fatal(
        { worker, err: error },
        'a shard worker failed; the process ends, and recovers from its log when it is started again',
      );
      onFailure();
    },
  });
}

/** The files of `--workspace`; null without it. Before a data folder is created, so that a mistyped path does not fix the shape of one, they must compile. */
async function readFolder(options: NodeOptions, pool: TaskPool): Promise<Readonly<Record<string, string>> | null> {
  if (options.workspaceDirectory === null) return null;
  const files = readWorkspaceFolder(options.workspaceDirectory);
  if (readIdentity(nodeFileSystem, options.dataDirectory) === null) {
    const compiled = await pool.compileWorkspace(files);
    if ('issues' in compiled) throw new WorkspaceError(compiled.issues);
  }
  return files;
}

/**
 * Publishes the folder if it changed since it was last published from a folder; otherwise what was published over HTTP since then stays. Where new aggregates are filled from history, that goes on
 * behind the node's back: it serves the version that it has until then.
 */
async function publishFolder(
  publication: Publication,
  files: Readonly<Record<string, string>>,
  logger: Logger,
): Promise<void> {
  let tellFilling: () => void = () => {};
  const filling = new Promise<void>((resolve) => {
    tellFilling = resolve;
  });
  const published = publication.publishFolder(files, tellFilling).then((result) => {
    if ('issues' in result) throw new WorkspaceError(result.issues);
    if ('unfilled' in result) {
      logger.error(
        { reason: result.unfilled },
        'the workspace folder is not published: new aggregates cannot be filled',
      );
      return;
    }
    assert('version' in result, 'a folder is based on no version');
    const { version, changed, filled } = result;
    if (!changed) logger.info({ version }, 'the workspace folder is published already');
    else logger.info({ version, newAggregates: filled.length }, 'published the workspace folder');
  });
  await Promise.race([published, filling.then(() => logger.info({}, 'new aggregates are being filled from history'))]);
  published.catch((error: Error) => logger.error({ err: error }, 'the workspace folder is not published'));
}

function mainThreadMetrics(exposition: MetricsExposition): WorkerMetrics {
  const shared = createSharedSeries();
  exposition.attachWorker(MAIN_THREAD, shared);
  return new WorkerMetrics(shared, (registration) => exposition.register(MAIN_THREAD, registration));
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
