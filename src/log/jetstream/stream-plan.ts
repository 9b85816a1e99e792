/**
 * What Beckon's streams are like: each one's configuration, from the few settings that may differ from one cluster to another. Everything is said
 * explicitly, so that a server's defaults, which change from version to version, decide nothing.
 */
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from 'nats';
import {
  HISTORY_DEFAULT_MS,
  NATS_DEAD_LETTER_AGE_MS,
  NATS_DEAD_LETTER_BYTES_MAX,
  NATS_DECISION_AGE_DEFAULT_MS,
  NATS_DUPLICATE_WINDOW_DEFAULT_MS,
} from '../../constants.ts';
import {
  DEAD_LETTER_STREAM,
  DEAD_LETTER_SUBJECTS,
  decisionStream,
  decisionSubjects,
  logStream,
  logSubjects,
  WORKSPACE_STREAM,
  WORKSPACE_SUBJECT,
} from './names.ts';

/** Version of this layout: streams, subjects, what their messages hold, and what that leads to. 1: workspaces without waits, budgets or schedules; no messages between partitions. 2: no campaigns in shadow. */
export const STREAM_FORMAT = 3;
const NANOSECONDS_PER_MS = 1_000_000;
const UNLIMITED = -1;

/** null: as the streams have it, or the default for new ones. */
export interface StreamSettings {
  /** How many copies JetStream keeps of each stream: 1, 3 or 5. Default 1. */
  readonly replicas: number | null;
  /** The logs forget what is older, and the oldest beyond this many bytes per partition (-1: no bound; the default). */
  readonly logMaxAgeMs: number | null;
  readonly logMaxBytes: number | null;
  /** The decision streams likewise. */
  readonly decisionMaxAgeMs: number | null;
  readonly decisionMaxBytes: number | null;
  /** For how long JetStream remembers message ids. */
  readonly duplicateWindowMs: number | null;
}

/** Recorded with every stream as metadata: strings, as NATS has it. */
export const Metadata = {
  format: 'beckon.format',
  id: 'beckon.id',
  partitions: 'beckon.partitions',
  complete: 'beckon.complete',
} as const;

export type StreamPlan = Pick<
  StreamConfig,
  | 'name'
  | 'subjects'
  | 'storage'
  | 'retention'
  | 'discard'
  | 'num_replicas'
  | 'max_age'
  | 'max_bytes'
  | 'max_msgs'
  | 'max_msgs_per_subject'
  | 'max_msg_size'
  | 'max_consumers'
  | 'duplicate_window'
  | 'deny_delete'
  | 'deny_purge'
  | 'allow_direct'
  | 'allow_rollup_hdrs'
> & { readonly metadata: Record<string, string> };

/** Holds what all nodes must agree on, and is created first: who creates it names the cluster. */
export function workspaceStreamPlan(settings: StreamSettings, id: string, partitions: number): StreamPlan {
  return plan(WORKSPACE_STREAM, [WORKSPACE_SUBJECT], settings, id, partitions, { maxAgeMs: 0, maxBytes: UNLIMITED });
}

/** All other streams. */
export function streamPlans(settings: StreamSettings, id: string, partitions: number): StreamPlan[] {
  const log = { maxAgeMs: settings.logMaxAgeMs ?? HISTORY_DEFAULT_MS, maxBytes: settings.logMaxBytes ?? UNLIMITED };
  const decisions = {
    maxAgeMs: settings.decisionMaxAgeMs ?? NATS_DECISION_AGE_DEFAULT_MS,
    maxBytes: settings.decisionMaxBytes ?? UNLIMITED,
  };
  const deadLetters = { maxAgeMs: NATS_DEAD_LETTER_AGE_MS, maxBytes: NATS_DEAD_LETTER_BYTES_MAX };
  const plans = [
    // They hold what customers sent in, whatever it is: operators may have to delete some of it.
    {
      ...plan(DEAD_LETTER_STREAM, [DEAD_LETTER_SUBJECTS], settings, id, partitions, deadLetters),
      deny_delete: false,
      deny_purge: false,
    },
  ];
  for (let partition = 0; partition < partitions; partition++) {
    plans.push(plan(logStream(partition), logSubjects(partition), settings, id, partitions, log));
    plans.push(plan(decisionStream(partition), [decisionSubjects(partition)], settings, id, partitions, decisions));
  }
  return plans;
}

function plan(
  name: string,
  subjects: string[],
  settings: StreamSettings,
  id: string,
  partitions: number,
  kept: { readonly maxAgeMs: number; readonly maxBytes: number },
): StreamPlan {
  const windowMs = settings.duplicateWindowMs ?? NATS_DUPLICATE_WINDOW_DEFAULT_MS;
  return {
    name,
    subjects,
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // Full: the oldest goes, which every node has applied long since. A node that has not halts and says so. The other policy would refuse new events.
    discard: DiscardPolicy.Old,
    num_replicas: settings.replicas ?? 1,
    max_age: kept.maxAgeMs * NANOSECONDS_PER_MS,
    max_bytes: kept.maxBytes,
    max_msgs: UNLIMITED,
    max_msgs_per_subject: UNLIMITED,
    // The server's max_payload bounds a message.
    max_msg_size: UNLIMITED,
    max_consumers: UNLIMITED,
    duplicate_window: Math.min(windowMs, kept.maxAgeMs || windowMs) * NANOSECONDS_PER_MS,
    // A log with holes is no log.
    deny_delete: true,
    deny_purge: true,
    // Any node reads any decision by its number, without a consumer.
    allow_direct: true,
    allow_rollup_hdrs: false,
    metadata: {
      [Metadata.format]: String(STREAM_FORMAT),
      [Metadata.id]: id,
      [Metadata.partitions]: String(partitions),
    },
  };
}
