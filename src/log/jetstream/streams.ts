/**
 * Creates Beckon's streams, or checks that those that exist are the ones that are asked for. Any number of nodes may do this at once.
 *
 * The workspace stream comes first. Creating it is the one step that only one node can win: it carries the cluster's random id and its number of partitions, and
 * all other streams take over what it says. Once all of them exist it is marked complete: from then on a stream that is missing was lost, and is an error.
 */
import type { JetStreamManager, NatsConnection, NatsError, StreamInfo } from 'nats';
import {
  NATS_REPLICAS_MAX,
  NATS_REQUEST_MS_MAX,
  NATS_STREAM_REQUESTS_MAX,
  PARTITIONS_DEFAULT,
  PARTITIONS_MAX,
} from '../../constants.ts';
import { JetStreamError, WORKSPACE_STREAM } from './names.ts';
import { identityOf, refuseDifferent, type StreamIdentity, StreamRefusedError } from './stream-check.ts';
import { Metadata, type StreamPlan, type StreamSettings, streamPlans, workspaceStreamPlan } from './stream-plan.ts';

/** What may be asked for; null: as the streams have it, or the default for new ones. */
export interface StreamOptions extends StreamSettings {
  /** Fixed when the streams are created. Default 16. */
  readonly partitions: number | null;
}

export const noStreamOptions: StreamOptions = {
  partitions: null,
  replicas: null,
  logMaxAgeMs: null,
  logMaxBytes: null,
  decisionMaxAgeMs: null,
  decisionMaxBytes: null,
  duplicateWindowMs: null,
};

/** Idempotent. StreamRefusedError if something that exists contradicts what is asked for; nothing is ever changed or deleted. */
export async function ensureStreams(connection: NatsConnection, options: StreamOptions): Promise<StreamIdentity> {
  checkOptions(options);
  const manager = await managerOf(connection);
  const anchor = await ensureAnchor(manager, options);
  const identity = identityOf(anchor);
  refuseOtherPartitions(identity, options);
  refuseDifferent(anchor, workspaceStreamPlan(options, identity.id, identity.partitions), options);
  const isComplete = anchor.config.metadata?.[Metadata.complete] === 'true';
  const plans = streamPlans(options, identity.id, identity.partitions);
  await inParallel(plans, (plan) => ensureStream(manager, plan, options, isComplete));
  if (!isComplete) await markComplete(manager, anchor);
  return identity;
}

/** Of streams that exist. StreamRefusedError if they do not. */
export async function streamIdentity(connection: NatsConnection): Promise<StreamIdentity> {
  const info = await infoOf(await managerOf(connection), WORKSPACE_STREAM);
  if (info !== null) return identityOf(info);
  throw new StreamRefusedError(
    WORKSPACE_STREAM,
    'it does not exist',
    'start a node with --nats, which creates the streams',
  );
}

function checkOptions({ partitions, replicas, ...rest }: StreamOptions): void {
  const refuse = (problem: string): never => {
    throw new StreamRefusedError(WORKSPACE_STREAM, problem, 'give another number');
  };
  if (partitions !== null && !(Number.isSafeInteger(partitions) && partitions >= 1 && partitions <= PARTITIONS_MAX)) {
    refuse(`1 to ${PARTITIONS_MAX} partitions are possible, not ${partitions}`);
  }
  if (replicas !== null && !(Number.isSafeInteger(replicas) && replicas >= 1 && replicas <= NATS_REPLICAS_MAX)) {
    refuse(`1 to ${NATS_REPLICAS_MAX} replicas are possible, not ${replicas}`);
  }
  for (const [name, value] of Object.entries(rest)) {
    const isBytes = name.endsWith('Bytes');
    if (value !== null && !(Number.isSafeInteger(value) && (value > 0 || (isBytes && value === -1)))) {
      refuse(`${name} is ${value}`);
    }
  }
}

/** Created by whoever comes first; the others find it. */
async function ensureAnchor(manager: JetStreamManager, options: StreamOptions): Promise<StreamInfo> {
  const found = await infoOf(manager, WORKSPACE_STREAM);
  if (found !== null) return found;
  const plan = workspaceStreamPlan(options, crypto.randomUUID(), options.partitions ?? PARTITIONS_DEFAULT);
  return createStream(manager, plan);
}

async function ensureStream(
  manager: JetStreamManager,
  plan: StreamPlan,
  options: StreamOptions,
  isComplete: boolean,
): Promise<void> {
  const found = await infoOf(manager, plan.name);
  if (found === null && isComplete) {
    throw new StreamRefusedError(
      plan.name,
      'it existed and is missing now',
      'restore it from a backup (nats stream restore), or start over by deleting all streams that begin with BECKON_ and the data folders of all nodes',
    );
  }
  refuseDifferent(found ?? (await createStream(manager, plan)), plan, options);
}

/** Another node may create it at the same moment: then it is theirs that counts. */
async function createStream(manager: JetStreamManager, plan: StreamPlan): Promise<StreamInfo> {
  try {
    return await manager.streams.add(plan);
  } catch (error) {
    const { api_error, message } = error as NatsError;
    const theirs = api_error?.err_code === JetStreamError.streamExists ? await infoOf(manager, plan.name) : null;
    if (theirs !== null) return theirs;
    throw new StreamRefusedError(
      plan.name,
      `it cannot be created: ${message}`,
      "see the server's log and its JetStream limits",
    );
  }
}

async function markComplete(manager: JetStreamManager, anchor: StreamInfo): Promise<void> {
  const metadata = { ...anchor.config.metadata, [Metadata.complete]: 'true' };
  await manager.streams.update(WORKSPACE_STREAM, { metadata });
}

function refuseOtherPartitions(identity: StreamIdentity, options: StreamOptions): void {
  if (options.partitions === null || options.partitions === identity.partitions) return;
  throw new StreamRefusedError(
    WORKSPACE_STREAM,
    `the streams were created with ${identity.partitions} partitions, ${options.partitions} are asked for now`,
    `leave --partitions out to go on with ${identity.partitions}, or use another NATS account`,
  );
}

/** Null where it does not exist. */
async function infoOf(manager: JetStreamManager, name: string): Promise<StreamInfo | null> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if ((error as NatsError).api_error?.err_code === JetStreamError.streamNotFound) return null;
    throw error;
  }
}

function managerOf(connection: NatsConnection): Promise<JetStreamManager> {
  return connection.jetstreamManager({ checkAPI: false, timeout: NATS_REQUEST_MS_MAX });
}

/** At most NATS_STREAM_REQUESTS_MAX at once: creating a stream syncs files. */
async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values();
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: NATS_STREAM_REQUESTS_MAX }, lane));
}
