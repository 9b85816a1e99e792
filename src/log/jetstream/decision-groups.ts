/** Durable groups over the decision streams: joins members, and keeps track of this node's. What a group is: decision-group-definition.ts. */
import type { JetStreamManager, NatsConnection } from 'nats';
import { NATS_REQUEST_MS_MAX } from '../../constants.ts';
import type {
  DecisionGroups,
  GroupListener,
  GroupMembership,
  GroupRefusal,
  GroupRequest,
} from '../../protocol/decision-group.ts';
import { configOf, ensureGroup, type GroupDefinition, groupConsumer } from './decision-group-definition.ts';
import { DecisionGroupMember } from './decision-group-member.ts';

export class JetStreamDecisionGroups implements DecisionGroups {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #partitions: number;
  readonly #members = new Set<DecisionGroupMember>();

  private constructor(connection: NatsConnection, manager: JetStreamManager, partitions: number) {
    this.#connection = connection;
    this.#manager = manager;
    this.#partitions = partitions;
  }

  /** The streams must exist (ensureStreams). */
  static async open(connection: NatsConnection, partitions: number): Promise<JetStreamDecisionGroups> {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: NATS_REQUEST_MS_MAX });
    return new JetStreamDecisionGroups(connection, manager, partitions);
  }

  async join(
    request: GroupRequest,
    listener: GroupListener,
  ): Promise<{ readonly membership: GroupMembership } | { readonly refusal: GroupRefusal }> {
    try {
      const group = await ensureGroup(this.#manager, this.#partitions, request);
      return 'refusal' in group ? group : { membership: this.#member(request.name, group.definition, listener) };
    } catch (error) {
      return { refusal: { kind: 'unavailable', detail: `JetStream does not answer: ${(error as Error).message}` } };
    }
  }

  #member(name: string, { key, ackWaitMs }: GroupDefinition, listener: GroupListener): GroupMembership {
    const consumer = groupConsumer(name);
    const member = new DecisionGroupMember({
      connection: this.#connection,
      partitions: this.#partitions,
      consumer,
      key,
      ackWaitMs,
      listener,
      exists: async (partition) => (await configOf(this.#manager, partition, consumer)) !== null,
      left: (gone) => this.#members.delete(gone),
    });
    this.#members.add(member);
    return member;
  }

  /** Every member leaves, and gives back what it holds. */
  close(): void {
    for (const member of [...this.#members]) member.leave();
  }
}
