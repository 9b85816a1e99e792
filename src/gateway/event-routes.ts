/** POST /v1/events and POST /v1/decide: what producers and tills send. Both answer only once the engine says that everything is durable. */

import { encodeRemarks } from '../protocol/decide-answer.ts';
import type { BatchOutcome, DecideOutcome } from '../protocol/ingest.ts';
import { IngestError } from '../protocol/ingest-error.ts';
import type { RejectReason } from '../protocol/rejection.ts';
import { acceptedFormats, type BodyFormat, declaredFormat, sniffFormat } from './body-format.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import type { GatewayLimits } from './limits.ts';
import { badRequest, overloaded, type Problem, unavailable } from './problem.ts';
import { EventRouter, type RoutedEvents, type RouteResult } from './route-events.ts';
import type { Handler } from './router.ts';

interface RejectedEvent {
  readonly index: number;
  readonly reason: RejectReason;
  readonly error: string;
}

export class EventRoutes {
  readonly events: Handler = {
    takesBody: true,
    refuseType,
    run: (exchange, body) => this.#postEvents(exchange, body),
  };
  readonly decide: Handler = {
    takesBody: true,
    refuseType,
    run: (exchange, body) => this.#postDecide(exchange, body),
  };
  /** Events that were refused before the engine saw them (too large, or too many malformed ones in one request). */
  eventsRefused = 0;
  readonly #engine: Engine;
  readonly #limits: GatewayLimits;
  readonly #router: EventRouter;

  constructor(engine: Engine, limits: GatewayLimits) {
    this.#engine = engine;
    this.#limits = limits;
    this.#router = new EventRouter(engine.partitions, limits);
  }

  async #postEvents(exchange: Exchange, body: Buffer): Promise<void> {
    const routed = this.#route(exchange, body);
    if (routed === null) return;
    const pending = routed.batches.length === 0 ? Promise.resolve([]) : this.#engine.submit(routed.batches);
    if (pending === null) {
      exchange.problem(this.#engineOverloaded());
      return;
    }
    const outcomes = await this.#taken(exchange, pending);
    if (outcomes !== null) exchange.json(202, summarize(routed, outcomes, this.#limits.rejectionsListedMax));
  }

  async #postDecide(exchange: Exchange, body: Buffer): Promise<void> {
    const routed = this.#route(exchange, body);
    if (routed === null) return;
    if (routed.events !== 1) {
      const detail = `decide takes one event, this body holds ${routed.events}; nothing of it was taken. Send several to /v1/events`;
      exchange.problem(badRequest(detail));
      return;
    }
    const refused = routed.refused.get(0);
    const [batch] = routed.batches;
    if (refused !== undefined || batch === undefined) {
      exchange.problem(eventRejected(refused?.error ?? 'no event', refused?.reason ?? 'syntax'));
      return;
    }
    const event = this.#router.firstEventId();
    const pending = this.#engine.decide(batch);
    if (pending === null) {
      exchange.problem(this.#engineOverloaded());
      return;
    }
    const outcome = await this.#taken(exchange, pending);
    if (outcome === null) return;
    if (outcome.rejection !== null) exchange.problem(eventRejected(outcome.rejection.error, outcome.rejection.reason));
    else exchange.answer({ status: 200, contentType: 'application/json', body: encodeDecide(event, outcome) });
  }

  /** null: the exchange was answered. */
  #route(exchange: Exchange, body: Buffer): RoutedEvents | null {
    const declared = declaredFormat(exchange.head.headers.get('content-type') ?? '');
    const format: BodyFormat = declared === null || declared === 'either' ? sniffFormat(body) : declared;
    const result = this.#router.route(body, format);
    const problem = 'fault' in result ? this.#notRouted(result) : isBlank(body) ? badRequest(blankBody) : null;
    if (problem !== null) {
      exchange.problem(problem);
      return null;
    }
    const routed = result as RoutedEvents;
    this.eventsRefused += routed.refused.size;
    return routed;
  }

  #notRouted(result: Exclude<RouteResult, RoutedEvents>): Problem {
    const tooMany = result.fault === 'too_many_events';
    return {
      status: 413,
      type: 'too-many-events',
      title: 'The body holds too much',
      detail: tooMany
        ? `a body may hold ${this.#limits.eventsMax} events, this one has more: nothing of it was taken; send it as several requests`
        : `written without records this body would have more than ${this.#limits.expandedBytesMax} bytes: nothing of it was taken; send it as several requests`,
    };
  }

  /** null: the log did not take it, and the exchange was answered. Nothing is wrong with the events, so whoever sent them keeps them and tries again. */
  async #taken<T>(exchange: Exchange, pending: Promise<T>): Promise<T | null> {
    try {
      return await pending;
    } catch (error) {
      if (!(error instanceof IngestError)) throw error;
      const retry = `${error.message}. It may or may not have been stored: sending the same again is safe for events with an id, which count once`;
      const { retryAfterSeconds } = this.#limits;
      exchange.problem(
        error.fault === 'full' ? overloaded(retry, retryAfterSeconds) : unavailable(retry, retryAfterSeconds),
      );
      return null;
    }
  }

  #engineOverloaded(): Problem {
    return overloaded(
      'the engine cannot keep up; nothing of this request was taken: send it again a little later, more slowly',
      this.#limits.retryAfterSeconds,
    );
  }
}

const blankBody = `the body is empty: send one event, an array of events, or one event per line, as ${acceptedFormats}`;

function refuseType(contentType: string): Problem | null {
  if (declaredFormat(contentType) !== null) return null;
  return {
    status: 415,
    type: 'content-type',
    title: 'The content type is not supported',
    detail: `events come as ${acceptedFormats}, not as ${contentType}`,
    headers: { Accept: 'application/json, application/x-ndjson, application/msgpack' },
  };
}

function eventRejected(error: string, reason: string): Problem {
  return {
    status: 422,
    type: 'event-rejected',
    title: 'The event was rejected',
    detail: `${error}. Nothing was decided: mend the event and send it again`,
    members: { reason },
  };
}

function isBlank(body: Buffer): boolean {
  for (const c of body) if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return false;
  return true;
}

function summarize(routed: RoutedEvents, outcomes: readonly BatchOutcome[], listedMax: number): object {
  let accepted = 0;
  let repeated = 0;
  const rejected: RejectedEvent[] = [];
  for (const [index, { reason, error }] of routed.refused) rejected.push({ index, reason, error });
  for (let b = 0; b < outcomes.length; b++) {
    const outcome = outcomes[b] as BatchOutcome;
    const rows = routed.indices[b] as Uint32Array;
    accepted += outcome.accepted;
    repeated += outcome.repeated;
    // One row is one event to the caller, in however many pieces a reader may see it.
    const pieces = rows.length === 1 ? outcome.rejections.slice(0, 1) : outcome.rejections;
    for (const { index, reason, error } of pieces)
      rejected.push({ index: rows[index] ?? (rows[0] as number), reason, error });
  }
  rejected.sort((a, b) => a.index - b.index);
  return {
    accepted,
    ...(repeated > 0 ? { repeated } : {}),
    rejected: rejected.slice(0, listedMax),
    ...(rejected.length > listedMax ? { unlisted: rejected.length - listedMax } : {}),
  };
}

/** The decisions are JSON already. */
function encodeDecide(event: string, outcome: DecideOutcome): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`{"event":${event},"decisions":[`)];
  outcome.decisions.forEach((decision, i) => {
    if (i > 0) parts.push(comma);
    parts.push(decision);
  });
  parts.push(Buffer.from(`]${encodeRemarks(outcome.repeated, outcome.waiting)}}`));
  return Buffer.concat(parts);
}

const comma = Buffer.from(',');
