/**
 * Backtests: what would another workspace have decided? POST /v1/backtests {"files", "from", "to", "live"} → 202 {"id"}; GET /v1/backtests/{id} tells how far it is, and its report; DELETE ends or
 * forgets it; GET /v1/backtests lists those there are. One runs at a time.
 */
import type { BacktestRequest } from '../protocol/backtest.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { isObject, parseObject, refuseOtherThanJson } from './json-body.ts';
import { badRequest, issuesProblem, overloaded, type Problem } from './problem.ts';
import type { Route } from './router.ts';

const TIME = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

export function backtestRoutes(engine: Engine, retryAfterSeconds: number): Route[] {
  return [
    {
      pattern: '/v1/backtests',
      methods: {
        get: { takesBody: false, run: (exchange) => exchange.json(200, engine.backtests.list()) },
        post: {
          takesBody: true,
          refuseType: refuseOtherThanJson,
          run: (exchange, body) => start(engine, retryAfterSeconds, exchange, body),
        },
      },
    },
    {
      pattern: '/v1/backtests/{id}',
      methods: {
        get: { takesBody: false, run: (exchange, _, id) => find(engine, exchange, id) },
        delete: { takesBody: false, run: (exchange, _, id) => remove(engine, exchange, id) },
      },
    },
  ];
}

async function start(engine: Engine, retryAfterSeconds: number, exchange: Exchange, body: Buffer): Promise<void> {
  const request = requestOf(body);
  if ('problem' in request) {
    exchange.problem(request.problem);
    return;
  }
  const starting = engine.backtests.start(request);
  if (starting === null) {
    const detail =
      'another backtest is running: GET /v1/backtests tells how far it is, and DELETE /v1/backtests/{id} ends it';
    exchange.problem(overloaded(detail, retryAfterSeconds));
    return;
  }
  let isStarting = true;
  // Whoever has gone before he was told its id cannot take it back.
  exchange.onEnd(() => {
    if (isStarting) engine.backtests.remove(starting.id);
  });
  const started = await starting.started.finally(() => {
    isStarting = false;
  });
  if ('issues' in started)
    exchange.problem(issuesProblem('The workspace has errors', 'nothing was replayed', started.issues));
  else if ('refused' in started) exchange.problem(badRequest(started.refused));
  else if ('cancelled' in started) exchange.problem(cancelled(starting.id));
  else exchange.json(202, { id: started.id });
}

function find(engine: Engine, exchange: Exchange, id: string): void {
  const status = engine.backtests.find(id);
  if (status !== null) exchange.json(200, status);
  else exchange.problem(unknown(id));
}

function remove(engine: Engine, exchange: Exchange, id: string): void {
  if (engine.backtests.remove(id)) exchange.json(200, { id });
  else exchange.problem(unknown(id));
}

function requestOf(body: Buffer): (BacktestRequest & { readonly problem?: never }) | { readonly problem: Problem } {
  const parsed = parseObject(body, ['files', 'from', 'to', 'live']);
  if ('problem' in parsed) return parsed;
  const { files, from = null, to = null, live = [] } = parsed.object;
  if (!isObject(files) || !Object.values(files).every((text) => typeof text === 'string')) {
    const example = '{"files": {"workspace.yaml": "name: retail"}}';
    return { problem: badRequest(`the body needs "files", from path to text, such as ${example}`) };
  }
  const [fromMs, toMs] = [timeOf(from), timeOf(to)];
  if (fromMs === undefined || toMs === undefined) {
    const name = fromMs === undefined ? 'from' : 'to';
    const detail = `"${name}" is a time such as "2010-12-01T08:26:00Z", a day such as "2010-12-01", or epoch milliseconds`;
    return { problem: badRequest(detail) };
  }
  if (fromMs !== null && toMs !== null && toMs <= fromMs)
    return { problem: badRequest('"to" must be later than "from": nothing lies between them') };
  if (!Array.isArray(live) || !live.every((id) => typeof id === 'string'))
    return { problem: badRequest('"live" is a list of ids of campaigns, such as ["hearts-companion"]') };
  return { files: files as Readonly<Record<string, string>>, fromMs, toMs, live };
}

/** Epoch ms; undefined: it is no time. */
function timeOf(value: unknown): number | null | undefined {
  if (value === null) return null;
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string' || !TIME.test(value)) return undefined;
  const ms = Date.parse(value);
  const day = value.slice(0, 'yyyy-mm-dd'.length);
  // Date.parse takes 30 February for 2 March.
  const dayMs = Date.parse(day);
  if (Number.isNaN(ms) || Number.isNaN(dayMs) || !new Date(dayMs).toISOString().startsWith(day)) return undefined;
  return ms;
}

function unknown(id: string): Problem {
  const detail = `there is no backtest "${id}": GET /v1/backtests lists those there are; the node keeps the last few until it ends`;
  return { status: 404, type: 'not-found', title: 'There is no such thing', detail };
}

function cancelled(id: string): Problem {
  const detail = `somebody ended backtest ${id} before it had begun: ask for it again if it was not you`;
  return { status: 409, type: 'cancelled', title: 'Somebody ended it', detail };
}
