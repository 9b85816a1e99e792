/**
 * The front of a node on one port: HTTP routes and the decision stream, on uWebSockets.js, on the main thread. It knows the engine by the
 * interface in engine.ts only.
 *
 * A request passes: what could be misread about it → shutting down? → authorization → route → room in flight → content type and size → handler.
 * Whatever a handler throws becomes a 500; nothing that a client does ends the process.
 */
import {
  App,
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
  us_listen_socket_close,
} from 'uWebSockets.js';
import { assert } from '../stdx/assert.ts';
import { type Clock, systemClock } from '../stdx/clock.ts';
import { audienceRoutes } from './audience-routes.ts';
import { type AuthOptions, Authorizer } from './auth.ts';
import { backtestRoutes } from './backtest-routes.ts';
import { DecisionStream } from './decision-stream.ts';
import type { Engine } from './engine.ts';
import { EventRoutes } from './event-routes.ts';
import { Exchange } from './exchange.ts';
import { defaultLimits, type GatewayLimits } from './limits.ts';
import { listenExclusively } from './listen.ts';
import type { GatewayLogger } from './logger.ts';
import { operationsRoutes } from './operations-routes.ts';
import { overloaded, type Problem, unavailable } from './problem.ts';
import { PublicationWatch } from './publication-watch.ts';
import { readRoutes } from './read-routes.ts';
import { BodyBudget, RequestBody } from './request-body.ts';
import { type Handler, Router } from './router.ts';
import { whyRoute } from './why-route.ts';
import { workspaceCheckRoute, workspaceRoute } from './workspace-routes.ts';

export interface GatewayOptions {
  readonly engine: Engine;
  readonly logger: GatewayLogger;
  readonly limits?: Partial<GatewayLimits>;
  readonly auth?: Partial<AuthOptions>;
  readonly clock?: Clock;
  /** Called after each answer, for metrics: the route's pattern ('' if there is no such route) and the status, 0 if the client left before it. */
  readonly onAnswered?: (route: string, status: number) => void;
}

export interface GatewayStats {
  readonly subscribers: number;
  /** Decisions that the slowest subscriber has not been sent yet. */
  readonly lagDecisions: number;
  readonly requestsInFlight: number;
  readonly bodyBytesInFlight: number;
  /** Events refused before the engine saw them, since the start. */
  readonly eventsRefused: number;
}

const STREAM_PATTERN = '/v1/decisions';

export class Gateway {
  readonly #engine: Engine;
  readonly #logger: GatewayLogger;
  readonly #limits: GatewayLimits;
  readonly #clock: Clock;
  readonly #authorizer: Authorizer;
  readonly #router: Router;
  readonly #events: EventRoutes;
  readonly #budget: BodyBudget;
  readonly #onAnswered: (route: string, status: number) => void;
  #app: TemplatedApp | null = null;
  #listenSocket: us_listen_socket | null = null;
  #stream: DecisionStream | null = null;
  #requestsInFlight = 0;
  #draining = false;
  #closed: Promise<void> | null = null;
  /** Called when the last request in flight has ended. */
  #onIdle: (() => void) | null = null;

  constructor(options: GatewayOptions) {
    this.#engine = options.engine;
    this.#logger = options.logger;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#authorizer = new Authorizer({ tokens: [], origins: null, ...options.auth });
    this.#onAnswered = options.onAnswered ?? (() => {});
    this.#budget = new BodyBudget(this.#limits.bodyBytesInFlightMax);
    this.#events = new EventRoutes(this.#engine, this.#limits);
    this.#router = new Router([
      { pattern: '/v1/events', methods: { post: this.#events.events } },
      { pattern: '/v1/decide', methods: { post: this.#events.decide } },
      ...readRoutes(this.#engine),
      whyRoute(this.#engine, this.#limits.retryAfterSeconds),
      ...audienceRoutes(this.#engine, this.#limits.retryAfterSeconds),
      workspaceRoute(
        this.#engine,
        new PublicationWatch(this.#logger, () => this.#draining),
        this.#limits.retryAfterSeconds,
      ),
      ...backtestRoutes(this.#engine, this.#limits.retryAfterSeconds),
      workspaceCheckRoute(this.#engine, this.#limits.retryAfterSeconds),
      { pattern: STREAM_PATTERN, methods: { get: { takesBody: false, run: refusePlainGet } } },
      ...operationsRoutes(this.#engine, () => this.#draining, this.#limits.retryAfterSeconds),
    ]);
  }

  /** Port 0 takes a free one. Resolves to the port; rejects if it cannot be had. The engine's decision streams must have recovered. */
  async listen(host: string, port: number): Promise<number> {
    assert(this.#app === null, 'a gateway listens once');
    const { decisions, groups = null } = this.#engine;
    const stream = new DecisionStream(decisions, this.#limits, this.#logger, this.#clock, groups);
    this.#stream = stream;
    const app = App();
    this.#app = app;
    app.ws(STREAM_PATTERN, {
      ...stream.behavior(),
      upgrade: (response, request, context) => {
        const exchange = new Exchange(response, request);
        exchange.onEnd(() => this.#onAnswered(STREAM_PATTERN, exchange.status));
        const refusal = this.#refusal(exchange);
        if (refusal !== null) exchange.problem(refusal);
        else void this.#guard(exchange, () => stream.upgrade(exchange, response, context));
      },
    });
    app.any('/*', (response, request) => this.#handle(response, request));
    try {
      const { socket, port: taken } = await listenExclusively(app, host, port);
      this.#listenSocket = socket;
      return taken;
    } catch (error) {
      app.close();
      stream.close();
      this.#app = null;
      throw error;
    }
  }

  /** Stops accepting, finishes the answers that are under way (within a bound), ends the decision streams with 1001, closes every connection. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#draining = true;
    if (this.#app === null) return;
    if (this.#listenSocket !== null) us_listen_socket_close(this.#listenSocket);
    this.#listenSocket = null;
    if (this.#requestsInFlight > 0) await this.#idle();
    this.#stream?.flush();
    this.#stream?.close();
    // One turn of the loop for what was written last.
    await new Promise((resolve) => setImmediate(resolve));
    this.#app.close();
  }

  stats(): GatewayStats {
    return {
      subscribers: this.#stream?.subscribers ?? 0,
      lagDecisions: this.#stream?.lagDecisions() ?? 0,
      requestsInFlight: this.#requestsInFlight,
      bodyBytesInFlight: this.#budget.bytes,
      eventsRefused: this.#events.eventsRefused,
    };
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#logger.warn(
          { requests: this.#requestsInFlight },
          'closing with requests unanswered: the engine took too long',
        );
        resolve();
      }, this.#limits.drainMsMax);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #handle(response: HttpResponse, request: HttpRequest): void {
    const exchange = new Exchange(response, request);
    try {
      this.#dispatch(exchange);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  #dispatch(exchange: Exchange): void {
    const { method, path, headers } = exchange.head;
    const match = this.#router.find(method, path);
    exchange.onEnd(() => this.#onAnswered(match.route?.pattern ?? '', exchange.status));
    const refusal = this.#refusal(exchange);
    if (refusal !== null) exchange.problem(refusal);
    else if ('problem' in match) exchange.problem(match.problem);
    else {
      const otherType = match.handler.refuseType?.(headers.get('content-type') ?? '') ?? refuseCoding(headers);
      if (otherType !== null) exchange.problem(otherType);
      else this.#serve(exchange, match.handler, match.parameter);
    }
  }

  /** What stands against any request, whatever its route. */
  #refusal(exchange: Exchange): Problem | null {
    const { head } = exchange;
    if (head.fault !== null) return head.fault;
    const isProbe = head.path === '/healthz' || head.path === '/readyz';
    if (this.#draining && !isProbe) {
      return {
        ...unavailable('this node is shutting down: use another one', this.#limits.retryAfterSeconds),
        close: true,
      };
    }
    const unauthorized = this.#authorizer.refusal(head);
    if (unauthorized !== null) return unauthorized;
    if (this.#requestsInFlight >= this.#limits.requestsInFlightMax && !isProbe) {
      return overloaded(
        `${this.#requestsInFlight} requests are being answered, as many as this node takes at once: send again a little later`,
        this.#limits.retryAfterSeconds,
      );
    }
    return null;
  }

  #serve(exchange: Exchange, handler: Handler, parameter: string): void {
    const body = new RequestBody(exchange, this.#limits, this.#budget);
    this.#requestsInFlight++;
    // The engine works for the request until the handler has finished, even if the client has gone.
    let running = false;
    let released = false;
    const release = (): void => {
      if (running || released || exchange.open) return;
      released = true;
      this.#budget.give(body.bytesTaken);
      this.#requestsInFlight--;
      if (this.#requestsInFlight === 0) this.#onIdle?.();
    };
    const run = (bytes: Buffer): void => {
      running = true;
      void this.#guard(exchange, () => handler.run(exchange, bytes, parameter)).then(() => {
        running = false;
        release();
      });
    };
    exchange.onEnd(release);
    if (handler.takesBody) body.receive(run);
    else run(noBody);
  }

  /** Runs a handler; whatever it throws becomes a 500. */
  async #guard(exchange: Exchange, run: () => void | Promise<void>): Promise<void> {
    try {
      await run();
      if (exchange.open) throw new Error('the handler gave no answer');
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  #fail(exchange: Exchange, error: unknown): void {
    // What takes long is not waited for.
    if (this.#draining) {
      this.#logger.warn({ err: error, method: exchange.head.method }, 'a request was given up: the node is stopping');
      const detail =
        'this node is shutting down, and gave the request up: send it to another one, or again a little later';
      exchange.problem({ ...unavailable(detail, this.#limits.retryAfterSeconds), close: true });
      return;
    }
    this.#logger.error({ err: error, method: exchange.head.method }, 'a request handler failed');
    exchange.problem({
      status: 500,
      type: 'internal',
      title: 'Internal error',
      detail:
        'the request could not be answered, and the reason is in the log of the node. It may have taken effect: events with an id can be sent again safely',
    });
  }
}

const noBody = Buffer.alloc(0);

/** A coded body would have to be decoded to be routed, and its length bounds nothing. */
function refuseCoding(headers: ReadonlyMap<string, string>): Problem | null {
  const coding = headers.get('content-encoding') ?? 'identity';
  if (coding.toLowerCase() === 'identity') return null;
  return {
    status: 415,
    type: 'content-encoding',
    title: 'The content encoding is not supported',
    detail: `send the body as it is, not with Content-Encoding: ${coding}`,
    headers: { 'Accept-Encoding': 'identity' },
  };
}

function refusePlainGet(exchange: Exchange): void {
  exchange.problem({
    status: 426,
    type: 'upgrade',
    title: 'This is a WebSocket',
    detail:
      'connect with a WebSocket client (ws://…/v1/decisions): this was a plain GET, or its Sec-WebSocket-Key is not valid',
    headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
  });
}
