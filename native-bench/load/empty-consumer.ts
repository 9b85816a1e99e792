/**
 * A task that reads log streams and does nothing else: a push consumer without acknowledgements and with flow control per stream, all on one connection
 * of this thread, messages counted as they come off the wire. What a reader could reach at most.
 */
import { AckPolicy, connect, DeliverPolicy, type Msg } from 'nats';
import { logStream } from '../../src/log/jetstream/names.ts';
import { headerValue, inboxOf, rawMessage, statusOf } from '../../src/log/jetstream/raw-message.ts';
import { nowUs } from './open-loop.ts';
import { runTask } from './task.ts';

export interface EmptyConsumerLoad {
  readonly servers: string;
  readonly partitions: readonly number[];
}

export interface EmptyConsumerResult {
  readonly messages: number;
  readonly finishedUs: number;
}

const IDLE_HEARTBEAT_NS = 5e9;

await runTask(async ({ servers, partitions }: EmptyConsumerLoad) => {
  const connection = await connect({ servers, noAsyncTraces: true });
  const manager = await connection.jetstreamManager();
  const infos = await Promise.all(partitions.map((partition) => manager.streams.info(logStream(partition))));
  const goal = infos.reduce((sum, { state }) => sum + state.messages, 0);
  return async (): Promise<EmptyConsumerResult> => {
    let messages = 0;
    await new Promise<void>((done, failed) => {
      const take = (error: Error | null, message: Msg): void => {
        if (error !== null) {
          failed(error);
          return;
        }
        const raw = rawMessage(message);
        if (raw.headerLength > 0 && statusOf(raw) !== 0) {
          // Flow control waits for an answer; so does a consumer that stalled.
          const stalled = headerValue(raw, 'Nats-Consumer-Stalled');
          if (raw.reply !== undefined) message.respond();
          else if (stalled !== null) connection.publish(stalled);
          return;
        }
        messages += 1;
        if (messages === goal) done();
      };
      for (const partition of partitions) {
        const subject = inboxOf(connection);
        connection.subscribe(subject, { callback: take });
        manager.consumers
          .add(logStream(partition), {
            deliver_subject: subject,
            ack_policy: AckPolicy.None,
            deliver_policy: DeliverPolicy.All,
            flow_control: true,
            idle_heartbeat: IDLE_HEARTBEAT_NS,
            mem_storage: true,
            num_replicas: 1,
          })
          .catch(failed);
      }
    });
    const finishedUs = nowUs();
    await connection.close();
    return { messages, finishedUs };
  };
});
