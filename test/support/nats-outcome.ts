/** What a cluster's streams and a node's last snapshots hold: to be compared between runs. */
import { connect, type NatsConnection } from 'nats';
import { decisionStream } from '../../src/log/jetstream/names.ts';
import { DataPaths } from '../../src/storage/data-folder.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { SnapshotStore } from '../../src/storage/snapshot-store.ts';
import type { Outcome } from './retail-nodes.ts';

/** Decisions from the decision streams, message k as entry k − 1; digests from the snapshots of a node that has stopped cleanly. */
export async function natsOutcome(url: string, data: string, partitions: number): Promise<Outcome> {
  const connection = await connect({ servers: url });
  try {
    const all = Array.from({ length: partitions }, (_, partition) => partition);
    return {
      decisions: await Promise.all(all.map((partition) => decisionsOf(connection, partition))),
      digests: all.map((partition) => digestOf(data, partition)),
    };
  } finally {
    await connection.close();
  }
}

export function digestOf(data: string, partition: number): string {
  const store = new SnapshotStore(nodeFileSystem, new DataPaths(data).partition(partition), partition);
  return store.loadNewest().snapshot?.trailer.digest ?? 'no snapshot';
}

async function decisionsOf(connection: NatsConnection, partition: number): Promise<string[]> {
  const manager = await connection.jetstreamManager();
  const { state } = await manager.streams.info(decisionStream(partition));
  if (state.messages !== state.last_seq)
    throw new Error(`partition ${partition}: ${state.messages} of ${state.last_seq}`);
  const decisions: string[] = [];
  if (state.messages === 0) return decisions;
  const consumer = await connection.jetstream().consumers.get(decisionStream(partition));
  const messages = await consumer.consume({ max_messages: 1000 });
  for await (const message of messages) {
    if (message.seq !== decisions.length + 1)
      throw new Error(`partition ${partition}: ${message.seq} after ${decisions.length}`);
    decisions.push(message.string());
    if (message.seq === state.last_seq) break;
  }
  return decisions;
}
