/** What the tests of reading and publishing share: a log stream, a reader that remembers, and waiting for something to become true. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JetStreamManager, NatsConnection } from 'nats';
import {
  decisionStream,
  decisionSubjects,
  eventsSubject,
  logStream,
  logSubjects,
} from '../../src/log/jetstream/names.ts';
import type { LogPosition, StreamHaltedError } from '../../src/log/jetstream/position-check.ts';
import { JetStreamReader, type LogMessage } from '../../src/log/jetstream/reader.ts';

export const beginning: LogPosition = { seq: 0, ts: 0, crc: 0 };

/** Fails the test, with what is said, if it does not become true: never waits a fixed time for something to have happened. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, msMax = 60_000): Promise<void> {
  const giveUpAt = performance.now() + msMax;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${msMax} ms: ${what}`);
    await sleep(5);
  }
}

export async function createLog(manager: JetStreamManager, partition: number): Promise<void> {
  await manager.streams.add({ name: logStream(partition), subjects: logSubjects(partition), duplicate_window: 60e9 });
}

export async function createDecisions(manager: JetStreamManager, partition: number, windowMs: number): Promise<void> {
  await manager.streams.add({
    name: decisionStream(partition),
    subjects: [decisionSubjects(partition)],
    duplicate_window: windowMs * 1e6,
  });
}

/** Publishes payloads `first` … `last`, each saying its own number. Without acknowledgements: returns when the stream holds them. */
export async function fillLog(
  connection: NatsConnection,
  manager: JetStreamManager,
  partition: number,
  first: number,
  last: number,
  padding = '',
): Promise<void> {
  const { state } = await manager.streams.info(logStream(partition));
  for (let i = first; i <= last; i++) connection.publish(eventsSubject(partition), `{"n":${i}}${padding}`);
  await connection.flush();
  const wanted = state.last_seq + last - first + 1;
  await until(
    `stream of ${wanted}`,
    async () => (await manager.streams.info(logStream(partition))).state.last_seq >= wanted,
  );
}

export function numberOf(message: LogMessage): number {
  return Number(/^\{"n":(\d+)\}/.exec(Buffer.from(message.record.payload).toString())?.[1]);
}

/** Copies what it is handed, as a shard does. */
export class RecordingReader {
  readonly records: { seq: number; ts: number; kind: number; number: number; bytes: number }[] = [];
  readonly logged: string[] = [];
  /** Position behind the last record, and every one before it. */
  readonly positions: LogPosition[] = [];
  batches = 0;
  caughtUpAt: number[] = [];
  halted: StreamHaltedError[] = [];
  /** Called with each batch before it is remembered. */
  onBatch: (batch: readonly LogMessage[]) => void = () => {};
  reader: JetStreamReader | null = null;

  static async open(
    connection: NatsConnection,
    partition: number,
    position: LogPosition = beginning,
    onBatch?: (batch: readonly LogMessage[]) => void,
  ): Promise<RecordingReader> {
    const recording = new RecordingReader();
    if (onBatch !== undefined) recording.onBatch = onBatch;
    recording.reader = await JetStreamReader.open(connection, partition, position, {
      records: (batch) => recording.#take(batch),
      halted: (error) => recording.halted.push(error),
      caughtUp: () => recording.caughtUpAt.push(recording.records.length),
      log: (_level, fields, message) => recording.logged.push(`${message} ${JSON.stringify(fields)}`),
    });
    return recording;
  }

  get last(): number {
    return this.records.at(-1)?.seq ?? 0;
  }

  async close(): Promise<void> {
    await this.reader?.close();
  }

  #take(batch: readonly LogMessage[]): void {
    this.batches += 1;
    this.onBatch(batch);
    for (const message of batch) {
      const { seq, ts, kind, payload } = message.record;
      this.records.push({ seq, ts, kind, number: numberOf(message), bytes: payload.length });
      this.positions.push(message.position);
    }
  }
}
