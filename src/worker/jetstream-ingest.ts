/** Into the streams: an event is acknowledged when JetStream has it. What is wrong with it is found when it is applied, and kept as a dead letter. */
import { DECIDES_IN_FLIGHT_MAX, LOG_APPEND_BYTES_PENDING_MAX } from '../constants.ts';
import type { NatsLink } from '../log/jetstream/connection.ts';
import { requestDecisions } from '../log/jetstream/decide-client.ts';
import { LogWriter } from '../log/jetstream/log-writer.ts';
import type { BatchOutcome, DecideOutcome, EventBatch } from '../protocol/ingest.ts';
import { RecordKind } from '../protocol/record.ts';
import type { Ingest } from './ingest.ts';
import type { AppliedPosition } from './messages.ts';

export class JetStreamIngest implements Ingest {
  readonly #connection: NatsLink;
  readonly #writer: LogWriter;
  /** By partition: the last record that was acknowledged through this node. */
  readonly #acknowledged = new Map<number, number>();

  #deciding = 0;

  constructor(connection: NatsLink) {
    this.#connection = connection;
    this.#writer = new LogWriter(connection);
  }

  submit(batches: readonly EventBatch[]): Promise<readonly BatchOutcome[]> | null {
    const bytes = batches.reduce((sum, { payload }) => sum + payload.length, 0);
    if (this.#writer.pendingBytes > 0 && this.#writer.pendingBytes + bytes > LOG_APPEND_BYTES_PENDING_MAX) return null;
    return Promise.all(
      batches.map(async ({ partition, payload, events }) => {
        await this.#append(partition, RecordKind.events, payload);
        return { accepted: events, repeated: 0, rejections: [] };
      }),
    );
  }

  /** Through whoever owns the partition. */
  decide(batch: EventBatch): Promise<DecideOutcome> | null {
    if (this.#deciding >= DECIDES_IN_FLIGHT_MAX) return null;
    return this.#decide(batch);
  }

  /** Stored once, whoever appends the same version to the same partition. */
  async activate(partition: number, workspaceJson: Uint8Array, version: number): Promise<string | null> {
    await this.#append(partition, RecordKind.workspace, workspaceJson, `workspace-${partition}-${version}`);
    return null;
  }

  /** One that is sent again under its name is stored once. */
  async fill(partition: number, payload: Uint8Array, name: string): Promise<void> {
    await this.#append(partition, RecordKind.fill, payload, `fill-${partition}-${name}`);
  }

  acknowledged(): readonly AppliedPosition[] {
    return [...this.#acknowledged];
  }

  async #decide({ partition, payload }: EventBatch): Promise<DecideOutcome> {
    this.#deciding += 1;
    try {
      return await requestDecisions(this.#connection, partition, payload);
    } finally {
      this.#deciding -= 1;
    }
  }

  async #append(partition: number, kind: RecordKind, payload: Uint8Array, messageId?: string): Promise<void> {
    const { seq } = await this.#writer.append(partition, kind, payload, messageId === undefined ? {} : { messageId });
    this.#acknowledged.set(partition, Math.max(seq, this.#acknowledged.get(partition) ?? 0));
  }
}
