/**
 * One member of a group: a pull request per partition, for no more than the member may hold, and what it was given and has not acknowledged.
 *
 * Order law: *what the member holds, it holds until it is acknowledged, expires or is given back*: everything that JetStream counts as delivered to this
 * member is in `#held`, or is given back at once. A member that lets decisions expire is given fewer: its share of every partition is halved, down to one,
 * and grows again by one with each acknowledgement; so one that never acknowledges holds up little, and only until they expire.
 *
 * Deliveries compete in the server, between all members on all nodes: the requests of a group's members wait in one line per partition.
 */
import { type Msg, type NatsConnection, type NatsError, nanos, type Subscription } from 'nats';
import {
  GROUP_MEMBER_HELD_MAX,
  GROUP_MEMBER_LOOK_MS,
  GROUP_MEMBER_SHARE_MIN,
  GROUP_PULL_EXPIRES_MS,
  GROUP_PULL_HEARTBEAT_MS,
  GROUP_PULL_RETRY_MS,
} from '../../constants.ts';
import type { GroupListener, GroupMembership } from '../../protocol/decision-group.ts';
import { AckSubject } from './ack-subject.ts';
import { ConnectionWatch } from './connection-watch.ts';
import { decisionOf } from './decision-source-fetch.ts';
import { decisionStream } from './names.ts';
import { headerText, inboxOf, payloadOf, type RawMessage, rawMessage, statusOf } from './raw-message.ts';

const ACKNOWLEDGE = '+ACK';
const GIVE_BACK = '-NAK';
const STATUS_HEARTBEAT = 100;
const STATUS_NO_RESPONDERS = 503;
const HEARTBEATS_MISSED_MAX = 3;

export interface GroupMemberOptions {
  readonly connection: NatsConnection;
  readonly partitions: number;
  readonly consumer: string;
  readonly key: string;
  readonly ackWaitMs: number;
  readonly listener: GroupListener;
  /** Whether a partition's consumer exists; rejects if it cannot be asked. */
  exists(partition: number): Promise<boolean>;
  /** The member has left, or its group is gone. */
  left(member: DecisionGroupMember): void;
}

interface HeldDecision {
  /** Where JetStream wants to hear of this delivery. */
  readonly reply: string;
  readonly expiresMs: number;
}

/** One partition, as this member sees it. */
interface PartitionShare {
  readonly partition: number;
  readonly ack: AckSubject;
  /** By decision number, in the order of delivery. */
  readonly held: Map<number, HeldDecision>;
  /** Decisions that the open request may still bring; 0: there is none. */
  asked: number;
  /** Of the open request; what earlier ones are told is not for it. */
  request: number;
  heardMs: number;
  /** No request before this. */
  retryMs: number;
}

export class DecisionGroupMember implements GroupMembership {
  readonly key: string;
  readonly #options: GroupMemberOptions;
  readonly #shares: readonly PartitionShare[];
  readonly #shareMax: number;
  #share: number;
  readonly #look: NodeJS.Timeout;
  readonly #watch: ConnectionWatch;
  #inbox = '';
  #subscription: Subscription | null = null;
  #connected = true;
  /** Acknowledgements made while there is no connection, which would throw them away. No more than were held: nothing is delivered meanwhile. */
  #unsent: string[] = [];
  #paused = true;
  #left = false;
  #checking = false;

  constructor(options: GroupMemberOptions) {
    this.#options = options;
    this.key = options.key;
    this.#shareMax = Math.max(GROUP_MEMBER_SHARE_MIN, Math.floor(GROUP_MEMBER_HELD_MAX / options.partitions));
    this.#share = this.#shareMax;
    this.#shares = Array.from({ length: options.partitions }, (_, partition) => ({
      partition,
      ack: new AckSubject(),
      held: new Map(),
      asked: 0,
      request: 0,
      heardMs: 0,
      retryMs: 0,
    }));
    this.#listen();
    this.#look = setInterval(() => this.#lookAround(), GROUP_MEMBER_LOOK_MS);
    this.#watch = new ConnectionWatch(options.connection, {
      disconnected: () => {
        this.#connected = false;
      },
      reconnected: () => this.#reconnected(),
      closed: () => this.#end('the connection to NATS was closed'),
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const share of this.#shares) this.#ask(share);
  }

  acknowledge(partition: number, number: number): void {
    const share = this.#shares[partition];
    if (share === undefined || this.#left) return;
    const held = share.held.get(number);
    if (held === undefined) {
      this.#acknowledgeOther(partition, number);
      return;
    }
    share.held.delete(number);
    if (this.#connected) this.#options.connection.publish(held.reply, ACKNOWLEDGE);
    else this.#unsent.push(held.reply);
    this.#share = Math.min(this.#shareMax, this.#share + 1);
    this.#ask(share);
  }

  leave(): void {
    if (this.#left) return;
    this.#stop();
    if (this.#options.connection.isClosed()) return;
    for (const { held } of this.#shares) {
      for (const { reply } of held.values()) this.#options.connection.publish(reply, GIVE_BACK);
      held.clear();
    }
    // Until the server has heard of it, decisions may come: they are given back, see #received.
    this.#subscription?.drain().catch(() => {});
  }

  #stop(): void {
    this.#left = true;
    clearInterval(this.#look);
    this.#watch.stop();
    this.#options.left(this);
  }

  #end(reason: string): void {
    if (this.#left) return;
    this.#stop();
    if (!this.#options.connection.isClosed()) this.#subscription?.unsubscribe();
    this.#options.listener.ended(reason);
  }

  #reconnected(): void {
    this.#connected = true;
    for (const reply of this.#unsent) this.#options.connection.publish(reply, ACKNOWLEDGE);
    this.#unsent = [];
    this.#listen();
  }

  /** In a new inbox: what was asked for in the old one, over a connection that was lost, may or may not still be waiting. */
  #listen(): void {
    const { connection } = this.#options;
    this.#subscription?.drain().catch(() => {});
    this.#inbox = inboxOf(connection);
    this.#subscription = connection.subscribe(`${this.#inbox}.*.*`, {
      callback: (error, message) => this.#received(error, message),
    });
    for (const share of this.#shares) {
      share.asked = 0;
      this.#ask(share);
    }
  }

  #ask(share: PartitionShare): void {
    if (this.#paused || this.#left || share.asked > 0) return;
    const now = performance.now();
    const room = this.#share - share.held.size;
    if (room <= 0 || now < share.retryMs) return;
    share.asked = room;
    share.request++;
    share.heardMs = now;
    const request = {
      batch: room,
      expires: nanos(GROUP_PULL_EXPIRES_MS),
      idle_heartbeat: nanos(GROUP_PULL_HEARTBEAT_MS),
    };
    const { connection, consumer } = this.#options;
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${decisionStream(share.partition)}.${consumer}`;
    connection.publish(subject, JSON.stringify(request), {
      reply: `${this.#inbox}.${share.partition}.${share.request}`,
    });
  }

  #received(error: NatsError | null, message: Msg): void {
    if (error !== null) {
      this.#end(error.message);
      return;
    }
    const raw = rawMessage(message);
    const status = statusOf(raw);
    if (status === 0) this.#deliver(raw);
    else if (!this.#left) this.#told(status, raw, message.subject);
  }

  #deliver(message: RawMessage): void {
    if (message.reply === undefined) return;
    const reply = textOf(message.reply);
    const subject = textOf(message.subject);
    const share = this.#shares[Number(subject.split('.')[2])];
    if (share === undefined || !share.ack.read(message.reply)) return;
    if (this.#left) {
      this.#options.connection.publish(reply, GIVE_BACK);
      return;
    }
    const now = performance.now();
    share.heardMs = now;
    if (share.asked > 0) share.asked--;
    const number = share.ack.seq;
    share.held.delete(number);
    share.held.set(number, { reply, expiresMs: now + this.#options.ackWaitMs });
    this.#options.listener.delivered(share.partition, decisionOf(subject, number, payloadOf(message)));
    if (share.asked === 0) this.#ask(share);
  }

  #told(status: number, message: RawMessage, subject: string): void {
    const [partition, request] = subject.slice(this.#inbox.length + 1).split('.');
    const share = this.#shares[Number(partition)];
    if (share === undefined || Number(request) !== share.request) return;
    share.heardMs = performance.now();
    if (status === STATUS_HEARTBEAT) return;
    share.asked = 0;
    if (status === STATUS_NO_RESPONDERS || headerText(message).includes('Consumer Deleted')) {
      share.retryMs = share.heardMs + GROUP_PULL_RETRY_MS;
      void this.#check(share.partition);
      return;
    }
    // 404 and 408: its time is up. Anything else, a leader that steps down or too many requests waiting, passes.
    if (status !== 404 && status !== 408) share.retryMs = share.heardMs + GROUP_PULL_RETRY_MS;
    this.#ask(share);
  }

  /** Nobody answers: is the group gone, or only its server? */
  async #check(partition: number): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    const exists = await this.#options.exists(partition).catch(() => true);
    this.#checking = false;
    if (!exists) this.#end('the group was removed');
  }

  #lookAround(): void {
    const now = performance.now();
    let expired = 0;
    for (const share of this.#shares) {
      for (const [number, { expiresMs }] of share.held) {
        if (expiresMs > now) break;
        share.held.delete(number);
        expired++;
        this.#options.listener.expired(share.partition, number);
      }
      if (now - share.heardMs > GROUP_PULL_HEARTBEAT_MS * HEARTBEATS_MISSED_MAX) share.asked = 0;
    }
    if (expired > 0) this.#share = Math.max(1, Math.floor(this.#share / 2));
    for (const share of this.#shares) this.#ask(share);
  }

  /** The subject of any delivery does: JetStream goes by the sequence. While there is no connection nothing is kept: it would have no bound. */
  #acknowledgeOther(partition: number, number: number): void {
    const { connection, consumer } = this.#options;
    if (!this.#connected) return;
    connection.publish(`$JS.ACK.${decisionStream(partition)}.${consumer}.1.${number}.1.0.0`, ACKNOWLEDGE);
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
