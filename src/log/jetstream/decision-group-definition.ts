/**
 * What a group is: one durable consumer BECKON_GROUP_<name> on the decision stream of every partition, all made from one definition.
 *
 * Order law: *the consumer of partition 0 comes first and decides*. Creating it is the step that one node wins; it carries the whole definition as metadata,
 * the others are made from what it says, by whoever comes and finds them missing. So nodes that race, or die half-way, end with one and the same group.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type JetStreamManager,
  type NatsError,
  nanos,
  ReplayPolicy,
} from 'nats';
import {
  GROUP_ACK_PENDING_MAX,
  GROUP_ACK_WAIT_DEFAULT_MS,
  GROUP_FILTER_SUBJECTS_MAX,
  GROUP_PULLS_WAITING_MAX,
  GROUPS_MAX,
  NATS_STREAM_REQUESTS_MAX,
} from '../../constants.ts';
import type { GroupRefusal, GroupRequest } from '../../protocol/decision-group.ts';
import { assert } from '../../stdx/assert.ts';
import { decisionStream, decisionSubjects, JetStreamError } from './names.ts';

const PREFIX = 'BECKON_GROUP_';
const FORMAT = 1;
const METADATA = 'beckon.group';
const NANOSECONDS_PER_MS = 1_000_000;
const KEY_BYTES = 16;

export interface GroupDefinition {
  readonly format: number;
  /** Hexadecimal. */
  readonly key: string;
  readonly channels: readonly string[] | null;
  readonly campaigns: readonly string[] | null;
  readonly ackWaitMs: number;
  readonly start: readonly number[];
}

export function groupConsumer(name: string): string {
  return PREFIX + name;
}

/** Finds the group, or makes it. Rejects with what JetStream could not do. */
export async function ensureGroup(
  manager: JetStreamManager,
  partitions: number,
  request: GroupRequest,
): Promise<{ readonly definition: GroupDefinition } | { readonly refusal: GroupRefusal }> {
  const consumer = groupConsumer(request.name);
  const found = (await configOf(manager, 0, consumer)) ?? (await createFirst(manager, consumer, request));
  if ('refusal' in found) return found;
  const definition = definitionOf(found);
  const conflict = definition === null ? notOurs(request.name) : differenceOf(request, definition);
  if (conflict !== null) return { refusal: { kind: 'conflict', detail: conflict } };
  assert(definition !== null, 'a definition without a conflict');
  for (let p = 1; p < partitions; p += NATS_STREAM_REQUESTS_MAX) {
    const some = Array.from({ length: Math.min(NATS_STREAM_REQUESTS_MAX, partitions - p) }, (_, i) => p + i);
    await Promise.all(some.map((partition) => ensureConsumer(manager, partition, consumer, definition)));
  }
  return { definition };
}

/** null: there is no such consumer. */
export async function configOf(
  manager: JetStreamManager,
  partition: number,
  consumer: string,
): Promise<ConsumerConfig | null> {
  try {
    return (await manager.consumers.info(decisionStream(partition), consumer)).config;
  } catch (error) {
    if ((error as NatsError).api_error?.err_code === JetStreamError.consumerNotFound) return null;
    throw error;
  }
}

async function createFirst(
  manager: JetStreamManager,
  consumer: string,
  request: GroupRequest,
): Promise<ConsumerConfig | { readonly refusal: GroupRefusal }> {
  const { start, channels, campaigns } = request;
  const refuse = (kind: GroupRefusal['kind'], detail: string) => ({ refusal: { kind, detail } });
  if (start === null) return refuse('absent', 'there is no such group');
  if ((channels?.length ?? 1) * (campaigns?.length ?? 1) > GROUP_FILTER_SUBJECTS_MAX) {
    return refuse(
      'full',
      `a group filters by ${GROUP_FILTER_SUBJECTS_MAX} combinations of channel and campaign at most: name fewer`,
    );
  }
  if ((await countGroups(manager)) >= GROUPS_MAX) {
    return refuse(
      'full',
      `there are ${GROUPS_MAX} groups, as many as are kept: remove one with "nats consumer rm", on every decision stream`,
    );
  }
  const definition: GroupDefinition = {
    format: FORMAT,
    key: Buffer.from(crypto.getRandomValues(new Uint8Array(KEY_BYTES))).toString('hex'),
    channels,
    campaigns,
    ackWaitMs: request.ackWaitMs ?? GROUP_ACK_WAIT_DEFAULT_MS,
    start,
  };
  await ensureConsumer(manager, 0, consumer, definition);
  // Whoever was first, it is what the server has that counts.
  const config = await configOf(manager, 0, consumer);
  return config ?? refuse('unavailable', 'the group was removed while it was being made');
}

async function ensureConsumer(
  manager: JetStreamManager,
  partition: number,
  consumer: string,
  definition: GroupDefinition,
): Promise<void> {
  try {
    if (partition > 0 && (await configOf(manager, partition, consumer)) !== null) return;
    await manager.consumers.add(decisionStream(partition), consumerConfig(partition, consumer, definition));
  } catch (error) {
    // Somebody else made it at this moment.
    if ((error as NatsError).api_error?.err_code !== JetStreamError.consumerExists) throw error;
  }
}

function consumerConfig(partition: number, consumer: string, definition: GroupDefinition): Partial<ConsumerConfig> {
  const subjects = filterSubjects(partition, definition);
  return {
    durable_name: consumer,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(definition.ackWaitMs),
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: definition.start[partition] as number,
    replay_policy: ReplayPolicy.Instant,
    max_deliver: -1,
    max_ack_pending: GROUP_ACK_PENDING_MAX,
    max_waiting: GROUP_PULLS_WAITING_MAX,
    ...(subjects.length === 1 ? { filter_subject: subjects[0] as string } : { filter_subjects: subjects }),
    metadata: { [METADATA]: JSON.stringify(definition) },
  };
}

function filterSubjects(partition: number, { channels, campaigns }: GroupDefinition): string[] {
  if (channels === null && campaigns === null) return [decisionSubjects(partition)];
  return (channels ?? ['*']).flatMap((channel) =>
    (campaigns ?? ['*']).map((campaign) => `beckon.decisions.${partition}.${channel}.${campaign}`),
  );
}

/** null: not made by Beckon, or by another version of it. */
function definitionOf(config: ConsumerConfig): GroupDefinition | null {
  try {
    const definition = JSON.parse(config.metadata?.[METADATA] ?? 'null') as GroupDefinition | null;
    if (definition?.format !== FORMAT) return null;
    // `nats consumer edit` may have changed it; what the server does is what counts.
    return { ...definition, ackWaitMs: (config.ack_wait ?? 0) / NANOSECONDS_PER_MS };
  } catch {
    return null;
  }
}

function notOurs(name: string): string {
  return `a consumer ${groupConsumer(name)} exists that is no group of this version of Beckon: use another name, or remove the consumer`;
}

/** What a member asks for and the group is not; null: nothing. */
function differenceOf(request: GroupRequest, group: GroupDefinition): string | null {
  for (const filter of ['channels', 'campaigns'] as const) {
    const [asked, has] = [namesOf(request[filter]), namesOf(group[filter])];
    if (asked !== has) {
      return `the group has ${filter}=${has}, this member asks for ${filter}=${asked}: filters are fixed when a group is made, so ask for the same, or use another group`;
    }
  }
  if (request.ackWaitMs === null || request.ackWaitMs === group.ackWaitMs) return null;
  return `the group has ackWait=${group.ackWaitMs / 1000}s, this member asks for ackWait=${request.ackWaitMs / 1000}s: it is fixed when a group is made, so leave it out, or use another group`;
}

function namesOf(names: readonly string[] | null): string {
  return names === null ? '(all)' : names.join(',');
}

async function countGroups(manager: JetStreamManager): Promise<number> {
  let count = 0;
  for await (const { name } of manager.consumers.list(decisionStream(0))) if (name.startsWith(PREFIX)) count++;
  return count;
}
