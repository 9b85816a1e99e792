/**
 * The composition root: the one place that knows every part. Opens the data folder, starts the shard workers, lets them recover, brings the
 * workspace up to date, then opens the gateway; and takes it all down in the reverse order.
 */
import { availableParallelism } from 'node:os';
import { FOLDER_HEARTBEAT_MS } from './constants.ts';
import type {
  AudienceCount,
  BatchOutcome,
  CampaignCounts,
  DecideOutcome,
  Engine,
  EngineIssue,
  EventBatch,
} from './gateway/engine.ts';
import { Gateway } from './gateway/gateway.ts';
import { TaskPool } from './pool/task-pool.ts';
import { checkExpression } from './rules/check-expression.ts';
import { partitionOf } from './stdx/hash.ts';
import { DataFolder, saltOf } from './storage/data-folder.ts';
import { nodeFileSystem } from './storage/node-file-system.ts';
import { NumberedLogReader } from './storage/numbered-log-reader.ts';
import { repairLogs } from './storage/wal-repair.ts';
import { dropSegmentsBefore } from './storage/wal-retention.ts';
import type { Logger } from './telemetry/logger.ts';
import { MetricsExposition } from './telemetry/metrics-exposition.ts';
import { createSharedSeries } from './telemetry/shared-series.ts';
import { WorkerMetrics } from './telemetry/worker-metrics.ts';
import { DecisionFeed } from './worker/decision-feed.ts';
import type { CampaignTally, ShardOptions } from './worker/messages.ts';
import { Publication, type PublishResult } from './worker/publication.ts';
import { Shards } from './worker/shards.ts';
import { VersionStore } from './worker/version-store.ts';
import { readWorkspaceFolder } from './workspace/folder.ts';
import type { WorkspaceIssue } from './workspace/workspace.ts';

/** The main thread's own series, beside the workers 0, 1, 2 … */
const MAIN_THREAD = -1;

export interface NodeOptions {
  readonly dataDirectory: string;
  readonly workspaceDirectory: string | null;
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

/** Opens everything, in order; resolves when the node listens. Throws WorkspaceError, or what storage refuses, with everything closed again. */
export async function startNode(options: NodeOptions, logger: Logger, onFailure: () => void): Promise<RunningNode> {
  const folder = DataFolder.open(nodeFileSystem, options.dataDirectory, {
    partitions: options.partitions,
    clock: options.clock,
    customersPerPartition: options.customersPerPartition,
  });
  const heartbeat = setInterval(() => folder.heartbeat(), FOLDER_HEARTBEAT_MS);
  const pool = new TaskPool();
  let shards: Shards | null = null;
  try {
    const exposition = new MetricsExposition();
    const { partitions, id } = folder.identity;
    const readers = range(partitions).map((partition) => new NumberedLogReader(folder.decisions(partition)));
    const feed = new DecisionFeed(id, readers);
    const running = startShards(folder, options, feed, exposition, logger, onFailure);
    shards = running;
    const statuses = await running.ready();
    const customers = statuses.reduce((sum, status) => sum + status.customers, 0);
    logger.info({ partitions, customers }, 'recovered');

    const publication = await Publication.open({
      versions: new VersionStore(nodeFileSystem, folder.workspaces),
      partitions,
      compile: (files) => pool.compileWorkspace(files),
      activate: (partition, json) => running.activate(partition, json),
    });
    await publication.finish(statuses.map((status) => status.workspaceVersion));
    if (options.workspaceDirectory !== null) await publishFolder(publication, options.workspaceDirectory, logger);

    const node = new RunningNode({
      folder,
      heartbeat,
      shards,
      pool,
      publication,
      feed,
      exposition,
      logger,
      token: options.token,
    });
    await node.listen(options.host, options.port);
    return node;
  } catch (error) {
    await shards?.stop();
    await pool.close();
    clearInterval(heartbeat);
    folder.close();
    throw error;
  }
}

/** Repairs the logs, then starts the workers, which recover their partitions from them. */
function startShards(
  folder: DataFolder,
  options: NodeOptions,
  feed: DecisionFeed,
  exposition: MetricsExposition,
  logger: Logger,
  onFailure: () => void,
): Shards {
  const { partitions, clock, customersPerPartition, id } = folder.identity;
  const { epoch, repairs } = repairLogs(nodeFileSystem, folder.walRoot);
  for (const { folder: log, tornBytes } of repairs) {
    if (tornBytes > 0)
      logger.warn(
        { log, tornBytes },
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
      metrics,
    };
  });
  const retained = new Map<number, number>();
  return new Shards(shardOptions, feed, {
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

/** Publishes the folder if it changed since it was last published from a folder; otherwise what was published over HTTP since then stays. */
async function publishFolder(publication: Publication, directory: string, logger: Logger): Promise<void> {
  const result = await publication.publishFolder(readWorkspaceFolder(directory));
  if ('issues' in result) throw new WorkspaceError(result.issues);
  logger.info({ version: result.version, changed: result.changed ?? true }, 'workspace folder published');
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** What a running node is made of. */
interface NodeParts {
  readonly folder: DataFolder;
  readonly heartbeat: NodeJS.Timeout;
  readonly shards: Shards;
  readonly pool: TaskPool;
  readonly publication: Publication;
  readonly feed: DecisionFeed;
  readonly exposition: MetricsExposition;
  readonly logger: Logger;
  readonly token: string | null;
}

/** A node that has recovered, as the gateway and the serve command see it. */
export class RunningNode implements Engine {
  readonly partitions: number;
  readonly decisions: DecisionFeed;
  readonly #parts: NodeParts;
  readonly #shards: Shards;
  readonly #publication: Publication;
  readonly #metrics: WorkerMetrics;
  readonly #gateway: Gateway;
  #port = 0;

  constructor(parts: NodeParts) {
    const { folder, shards, publication, feed, exposition, logger, token } = parts;
    this.#parts = parts;
    this.#shards = shards;
    this.#publication = publication;
    this.partitions = folder.identity.partitions;
    this.decisions = feed;
    const shared = createSharedSeries();
    exposition.attachWorker(MAIN_THREAD, shared);
    this.#metrics = new WorkerMetrics(shared, (registration) => exposition.register(MAIN_THREAD, registration));
    this.#gateway = new Gateway({
      engine: this,
      logger,
      auth: { tokens: token === null ? [] : [token] },
      onAnswered: (route, status) => this.#metrics.counter('beckon_http_responses_total', { route, status }).add(1),
    });
  }

  get port(): number {
    return this.#port;
  }

  async listen(host: string, port: number): Promise<void> {
    this.#port = await this.#gateway.listen(host, port);
  }

  /** Stops listening, lets the shards finish and take their snapshots, closes every file. */
  async stop(): Promise<void> {
    await this.#gateway.close();
    await this.#shards.stop();
    await this.#parts.pool.close();
    clearInterval(this.#parts.heartbeat);
    this.#parts.folder.close();
  }

  submit(batches: readonly EventBatch[]): Promise<readonly BatchOutcome[]> | null {
    return this.#shards.submit(batches);
  }

  decide(batch: EventBatch): Promise<DecideOutcome> | null {
    return this.#shards.decide(batch);
  }

  customer(id: string): Promise<object | null> {
    return this.#shards.customer(partitionOf(id, this.partitions), id);
  }

  /** Every campaign of the active version, with its counts; and those that earlier versions had, as `removed`. */
  async campaigns(): Promise<readonly CampaignCounts[]> {
    const tallies = new Map((await this.#shards.campaigns()).map((tally) => [tally.id, tally]));
    const active = this.#publication.current?.campaigns ?? [];
    const status = new Map(active.map((campaign) => [campaign.id, campaign.status]));
    const ids = [...new Set([...status.keys(), ...tallies.keys()])].sort();
    return ids.map((id) => ({ ...(tallies.get(id) ?? emptyTally(id)), status: status.get(id) ?? 'removed' }));
  }

  async countAudience(where: string): Promise<AudienceCount | { readonly issues: readonly EngineIssue[] }> {
    const workspace = this.#publication.current;
    if (workspace === null)
      return { issues: [{ file: 'where', line: 1, column: 1, message: 'no workspace is active: publish one first' }] };
    const checked = checkExpression(where, { schema: workspace.schema, event: null }, ['bool']);
    if ('issues' in checked) return { issues: checked.issues.map((issue) => ({ file: 'where', ...issue })) };
    const start = performance.now();
    const tally = await this.#shards.countAudience(checked.program, workspace.version);
    // A version was published in the meantime: check against that one.
    if (tally === null) return this.countAudience(where);
    return { ...tally, ms: Math.round((performance.now() - start) * 10) / 10 };
  }

  workspace(): { version: number; files: Readonly<Record<string, string>> } | null {
    const current = this.#publication.current;
    return current === null ? null : { version: current.version, files: current.files };
  }

  publish(files: Readonly<Record<string, string>>): Promise<PublishResult> {
    return this.#publication.publish(files);
  }

  metrics(): Promise<{ contentType: string; body: string }> {
    const { subscribers, lagDecisions } = this.#gateway.stats();
    this.#metrics.gauge('beckon_subscribers', {}).set(subscribers);
    this.#metrics.gauge('beckon_subscriber_lag_decisions', {}).set(lagDecisions);
    this.#metrics.gauge('beckon_workspace_version', {}).set(this.#publication.current?.version ?? 0);
    return this.#parts.exposition.scrape();
  }

  readiness(): { ready: boolean; detail: string } {
    const ready = this.#publication.current !== null;
    return {
      ready,
      detail: ready
        ? 'ready'
        : 'no workspace is active: publish one with `beckon publish DIR`, or start with --workspace DIR',
    };
  }
}

function emptyTally(id: string): CampaignTally {
  return { id, matched: 0, decided: {}, suppressed: {}, waiting: 0, errors: 0 };
}
