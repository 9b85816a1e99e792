/** Whether a stream that exists is the one that is needed. Names the first difference, and never repairs: what was changed by hand was changed by someone. */
import type { StreamConfig, StreamInfo } from 'nats';
import { PARTITIONS_MAX } from '../../constants.ts';
import { DEAD_LETTER_STREAM, WORKSPACE_STREAM } from './names.ts';
import { Metadata, STREAM_FORMAT, type StreamPlan, type StreamSettings } from './stream-plan.ts';

/** What all nodes of a cluster have in common. */
export interface StreamIdentity {
  /** Random, made when the streams were created: cursors and data folders are bound to it. */
  readonly id: string;
  readonly partitions: number;
}

/** A stream is not what it must be. The message names stream, field, what was found and wanted, and the remedy. */
export class StreamRefusedError extends Error {
  override readonly name = 'StreamRefusedError';
  readonly stream: string;

  constructor(stream: string, problem: string, remedy: string) {
    super(`NATS stream ${stream}: ${problem}; ${remedy}`);
    this.stream = stream;
  }
}

/** What a description of the workspace stream says. StreamRefusedError if it is not one of ours. */
export function identityOf(info: Pick<StreamInfo, 'config'>): StreamIdentity {
  const metadata = info.config.metadata ?? {};
  const format = metadata[Metadata.format];
  if (format !== String(STREAM_FORMAT)) {
    const found =
      format === undefined
        ? 'it was not created by Beckon'
        : `it has format ${format}, this program reads format ${STREAM_FORMAT}`;
    throw new StreamRefusedError(
      info.config.name,
      found,
      'use another NATS account, or the version of beckon that created it',
    );
  }
  const id = metadata[Metadata.id] ?? '';
  const partitions = Number(metadata[Metadata.partitions]);
  if (id === '' || !Number.isSafeInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX) {
    throw new StreamRefusedError(
      info.config.name,
      `its ${Metadata.id} or ${Metadata.partitions} is damaged`,
      'restore its metadata',
    );
  }
  return { id, partitions };
}

const ALWAYS_COMPARED = [
  'storage',
  'retention',
  'discard',
  'max_msgs',
  'max_msgs_per_subject',
  'deny_delete',
  'deny_purge',
  'allow_direct',
] as const;
const COMPARED_IF_ASKED_FOR = ['num_replicas', 'max_age', 'max_bytes', 'duplicate_window'] as const;
/** Would have the stream hold other messages than were published to it, or not acknowledge them. */
const NEVER_SET = ['mirror', 'sources', 'subject_transform', 'no_ack', 'sealed'] as const;
const NANOSECONDS_PER_S = 1e9;
const CHANGEABLE: ReadonlySet<string> = new Set(COMPARED_IF_ASKED_FOR);

/** StreamRefusedError if `info` differs from its plan in anything that matters; limits matter where `settings` ask for them. */
export function refuseDifferent(info: StreamInfo, plan: StreamPlan, settings: StreamSettings): void {
  const found = info.config as StreamConfig & Readonly<Record<string, unknown>>;
  const name = plan.name;
  for (const key of [Metadata.format, Metadata.id, Metadata.partitions]) {
    refuse(name, key, found.metadata?.[key], plan.metadata[key]);
  }
  refuse(name, 'subjects', [...(found.subjects ?? [])].sort().join(', '), [...plan.subjects].sort().join(', '));
  for (const field of ALWAYS_COMPARED) refuse(name, field, found[field] ?? false, plan[field]);
  for (const field of NEVER_SET) if (found[field]) refuse(name, field, JSON.stringify(found[field]), 'nothing');
  for (const field of COMPARED_IF_ASKED_FOR) {
    if (asksFor(settings, name, field)) refuse(name, field, found[field], plan[field]);
  }
}

function asksFor(settings: StreamSettings, name: string, field: (typeof COMPARED_IF_ASKED_FOR)[number]): boolean {
  if (field === 'num_replicas') return settings.replicas !== null;
  if (field === 'duplicate_window') return settings.duplicateWindowMs !== null;
  if (name === WORKSPACE_STREAM || name === DEAD_LETTER_STREAM) return false;
  const isLog = name.startsWith('BECKON_LOG_');
  if (field === 'max_age') return (isLog ? settings.logMaxAgeMs : settings.decisionMaxAgeMs) !== null;
  return (isLog ? settings.logMaxBytes : settings.decisionMaxBytes) !== null;
}

function refuse(stream: string, field: string, found: unknown, wanted: unknown): void {
  if (found === wanted) return;
  const isTime = field === 'max_age' || field === 'duplicate_window';
  const shown = (value: unknown): string =>
    value === undefined ? 'nothing' : isTime ? `${Number(value) / NANOSECONDS_PER_S} s` : String(value);
  throw new StreamRefusedError(
    stream,
    `its ${field} is ${shown(found)}, ${shown(wanted)} is needed`,
    CHANGEABLE.has(field)
      ? `leave the flag out to go on with it as it is, or change it with: nats stream edit ${stream}`
      : 'it was changed or created by somebody else: put it right with nats stream edit, or use another NATS account',
  );
}
