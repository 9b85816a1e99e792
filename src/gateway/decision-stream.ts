/**
 * GET /v1/decisions: subscribers over WebSocket. Each decision that is announced wakes those that are up to date; turns are bounded per subscriber
 * and for all together, and taken in order, so that nobody waits for somebody slow or far behind.
 *
 * Members of a group (group-member.ts) come through the same door, and share nothing with them but the sockets' rules.
 */
import {
  DISABLED,
  type HttpResponse,
  type us_socket_context_t,
  type WebSocket,
  type WebSocketBehavior,
} from 'uWebSockets.js';
import { SUBSCRIBER_MESSAGE_BYTES_MAX } from '../constants.ts';
import { CursorCodec } from '../protocol/cursor.ts';
import type { DecisionGroups } from '../protocol/decision-group.ts';
import type { DecisionSource } from '../protocol/decision-source.ts';
import { assert } from '../stdx/assert.ts';
import type { Clock } from '../stdx/clock.ts';
import { FrameScratch, MessagePackFrame, TextFrame } from './decision-frames.ts';
import { DecisionTail } from './decision-tail.ts';
import type { Exchange } from './exchange.ts';
import { joinGroup, noGroups } from './group-join.ts';
import { GroupMember } from './group-member.ts';
import type { GatewayLimits } from './limits.ts';
import type { GatewayLogger } from './logger.ts';
import { overloaded, type Problem, unavailable } from './problem.ts';
import { RateLimit } from './rate-limit.ts';
import { ReadQueue } from './read-queue.ts';
import { parseStreamQuery } from './stream-query.ts';
import { type StreamClient, StreamClose } from './stream-socket.ts';
import { resolveStart } from './stream-start.ts';
import { Subscription, type SubscriptionContext } from './subscription.ts';

export const messagePackProtocol = 'beckon.msgpack';

/** What a socket carries: uWebSockets.js wants an object of its own for each. */
interface SocketData {
  readonly client: StreamClient;
}

export class DecisionStream {
  readonly #source: DecisionSource;
  readonly #groups: DecisionGroups | null;
  readonly #limits: GatewayLimits;
  readonly #rate: RateLimit;
  readonly #codec: CursorCodec;
  readonly #scratch: FrameScratch;
  readonly #context: SubscriptionContext;
  readonly #subscriptions = new Set<Subscription>();
  readonly #members = new Set<GroupMember>();
  readonly #unsubscribe: () => void;
  /** Those with something to do, in the order of their turns. */
  #queue: Subscription[] = [];
  #announced = false;
  #scheduled = false;

  constructor(
    source: DecisionSource,
    limits: GatewayLimits,
    logger: GatewayLogger,
    clock: Clock,
    groups: DecisionGroups | null = null,
  ) {
    this.#source = source;
    this.#groups = groups;
    this.#limits = limits;
    this.#rate = new RateLimit(limits.subscribePerSecondMax, limits.subscribeBurstMax, clock);
    const { next } = source.positions();
    this.#codec = new CursorCodec(source.identity, next.length);
    this.#scratch = new FrameScratch(this.#codec);
    const tail = new DecisionTail(next, limits.tailBytesMax);
    this.#context = {
      source,
      tail,
      reads: new ReadQueue(source, limits.readsInFlightMax),
      readBytesMax: limits.readBytesMax,
      turnBytesMax: limits.subscriberTurnBytesMax,
      wake: (subscription) => this.#wake(subscription),
      readFailed: (partition, error) => logger.error({ partition, err: error }, 'stored decisions could not be read'),
    };
    this.#unsubscribe = source.subscribe((partition, decisions) => {
      tail.append(partition, decisions);
      this.#announced = true;
      this.#schedule();
    });
  }

  /** Members of groups among them. */
  get subscribers(): number {
    return this.#subscriptions.size + this.#members.size;
  }

  /** Decisions that the slowest subscriber has not been sent yet. */
  lagDecisions(): number {
    let lag = 0;
    for (const subscription of this.#subscriptions) lag = Math.max(lag, subscription.lag);
    return lag;
  }

  /** For app.ws(), without `upgrade`: the gateway calls that below once it has looked at the request. */
  behavior(): WebSocketBehavior<SocketData> {
    return {
      compression: DISABLED,
      maxPayloadLength: SUBSCRIBER_MESSAGE_BYTES_MAX,
      maxBackpressure: this.#limits.subscriberBackpressureBytesMax,
      closeOnBackpressureLimit: false,
      idleTimeout: this.#limits.subscriberIdleSeconds,
      sendPingsAutomatically: true,
      maxLifetime: 0,
      open: (socket) => this.#open(socket),
      drain: (socket) => socket.getUserData().client.drained(),
      message: (socket, message, isBinary) => socket.getUserData().client.received(message, isBinary),
      close: (socket) => this.#close(socket.getUserData().client),
    };
  }

  /**
   * Answers with a problem, or upgrades. Synchronous: positions that were checked here hold when the subscription begins; and an upgrade that comes
   * later is closed at random by uWebSockets.js up to 20.51 (its issue 1928). What only the streams can tell is therefore told over the socket.
   */
  upgrade(exchange: Exchange, response: HttpResponse, context: us_socket_context_t): void {
    const prepared = this.#prepare(exchange);
    const problem = 'problem' in prepared ? prepared.problem : this.#admit();
    if (problem !== null || 'problem' in prepared) {
      exchange.problem(problem as Problem);
      return;
    }
    const key = exchange.head.headers.get('sec-websocket-key') ?? '';
    const protocol = wantsMessagePack(exchange) ? messagePackProtocol : '';
    // uWebSockets.js copies this object's members; the socket exists when upgrade() returns.
    const data: SocketData = prepared;
    exchange.upgraded();
    response.cork(() => response.upgrade(data, key, protocol, '', context));
  }

  #prepare(exchange: Exchange): SocketData | { readonly problem: Problem } {
    const parsed = parseStreamQuery(exchange.head.query);
    if ('problem' in parsed) return parsed;
    const { filter, group, from } = parsed.query;
    const start = resolveStart(from, this.#source, this.#codec);
    const isMessagePack = wantsMessagePack(exchange);
    if (group !== null) {
      const groups = this.#groups;
      if (groups === null) return { problem: noGroups };
      const { retryAfterSeconds, subscriberFrameBytesMax } = this.#limits;
      const join = (member: GroupMember) => joinGroup(groups, group, start, member, retryAfterSeconds);
      return { client: new GroupMember(join, isMessagePack, subscriberFrameBytesMax) };
    }
    const frame = isMessagePack
      ? new MessagePackFrame(this.#scratch, this.#limits.subscriberFrameBytesMax)
      : new TextFrame(this.#scratch);
    if ('next' in start) return { client: new Subscription(this.#context, filter, frame, start.next) };
    if (start.ahead === undefined || this.#source.reaches === undefined) return start;
    const subscription = new Subscription(this.#context, filter, frame, start.ahead);
    // Until this node has come so far there is nothing to send; if the streams never have, the cursor is wrong.
    void this.#source.reaches(start.ahead).then((reaches) => {
      if (!reaches) subscription.refuse(start.problem);
    });
    return { client: subscription };
  }

  /** Ends every stream; clients come back with their cursors. */
  close(): void {
    this.#unsubscribe();
    for (const client of [...this.#subscriptions, ...this.#members]) {
      client.end(StreamClose.goingAway, 'shutting down: connect again with the last cursor');
    }
  }

  /** Sends what was announced but not handed on yet, without waiting for the next turn. */
  flush(): void {
    if (this.#announced || this.#queue.length > 0) this.#run();
  }

  #admit(): Problem | null {
    const { subscribersMax, retryAfterSeconds } = this.#limits;
    if (this.subscribers >= subscribersMax) {
      return unavailable(
        `this node has ${subscribersMax} subscribers, as many as it serves: use another node, or filters on fewer streams`,
        retryAfterSeconds,
      );
    }
    if (this.#rate.take()) return null;
    return overloaded(
      'too many streams are being opened at once: try again a little later, after a random delay',
      retryAfterSeconds,
    );
  }

  #open(socket: WebSocket<SocketData>): void {
    const { client } = socket.getUserData();
    if (client instanceof Subscription) this.#subscriptions.add(client);
    else if (client instanceof GroupMember) this.#members.add(client);
    client.opened(socket);
  }

  #close(client: StreamClient): void {
    if (client instanceof Subscription) this.#subscriptions.delete(client);
    else if (client instanceof GroupMember) this.#members.delete(client);
    client.closed();
  }

  #wake(subscription: Subscription): void {
    if (subscription.queued) return;
    subscription.queued = true;
    this.#queue.push(subscription);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    if (this.#announced) {
      this.#announced = false;
      for (const subscription of this.#subscriptions) if (subscription.wakeable) this.#wake(subscription);
    }
    const turns = this.#queue;
    this.#queue = [];
    let bytes = 0;
    let served = 0;
    for (; served < turns.length && bytes < this.#limits.subscribersTurnBytesMax; served++) {
      const subscription = turns[served];
      assert(subscription, 'a turn has a subscription');
      subscription.queued = false;
      bytes += subscription.pump();
    }
    // Those who were not served come first next time.
    if (served < turns.length) {
      this.#queue = turns.slice(served).concat(this.#queue);
      this.#schedule();
    }
  }
}

function wantsMessagePack(exchange: Exchange): boolean {
  const offered = exchange.head.headers.get('sec-websocket-protocol') ?? '';
  return offered.split(',').some((name) => name.trim() === messagePackProtocol);
}
