/** What a producer must know of the cluster it sends to. */
import type { NatsConnection, NatsError, StreamInfo } from 'nats';
import { NATS_REQUEST_MS_MAX } from '../constants.ts';
import { CLUSTER_INFO_SUBJECT, WORKSPACE_STREAM } from '../log/jetstream/names.ts';
import { identityOf, StreamRefusedError } from '../log/jetstream/stream-check.ts';

export interface ClusterInfo {
  readonly partitions: number;
  /** For how long JetStream remembers message ids. */
  readonly duplicateWindowMs: number;
}

const NANOSECONDS_PER_MS = 1_000_000;

/** Asks where deploy/nats.conf answers, and JetStream itself otherwise. StreamRefusedError if there are no streams of Beckon's. */
export async function readClusterInfo(connection: NatsConnection): Promise<ClusterInfo> {
  const problems: string[] = [];
  for (const subject of [CLUSTER_INFO_SUBJECT, `$JS.API.STREAM.INFO.${WORKSPACE_STREAM}`]) {
    try {
      const info = (await connection.request(subject, '', { timeout: NATS_REQUEST_MS_MAX })).json<
        StreamInfo & { error?: { description: string } }
      >();
      if (info.error === undefined) {
        const duplicateWindowMs = info.config.duplicate_window / NANOSECONDS_PER_MS;
        return { partitions: identityOf(info).partitions, duplicateWindowMs };
      }
      problems.push(info.error.description);
    } catch (error) {
      if (error instanceof StreamRefusedError) throw error;
      problems.push((error as NatsError).message);
    }
  }
  const problem = `it cannot be asked for the number of partitions (${problems.join('; ')})`;
  throw new StreamRefusedError(
    WORKSPACE_STREAM,
    problem,
    'start a node with --nats, which creates the streams, and see what this user may do',
  );
}
