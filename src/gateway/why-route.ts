/**
 * GET /v1/customers/{id}/why?campaign=&event=&at=: an Explanation as JSON, or in words for who accepts text/plain. Customers go by their id: an anonymous event has none, and cannot be
 * asked for.
 */
import type { WhyFormat, WhyQuestion, WhyRefusal } from '../protocol/why.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { badRequest, overloaded, type Problem } from './problem.ts';
import type { Route } from './router.ts';

const PARAMETERS: readonly string[] = ['campaign', 'event', 'at'];
const CONTENT_TYPES: Readonly<Record<WhyFormat, string>> = {
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
};

export function whyRoute(engine: Engine, retryAfterSeconds: number): Route {
  return {
    pattern: '/v1/customers/{id}/why',
    methods: {
      get: { takesBody: false, run: (exchange, _, id) => getWhy(engine, retryAfterSeconds, exchange, id) },
    },
  };
}

async function getWhy(engine: Engine, retryAfterSeconds: number, exchange: Exchange, id: string): Promise<void> {
  const question = questionOf(id, exchange.head.query);
  if ('status' in question) {
    exchange.problem(question);
    return;
  }
  const format = formatOf(exchange.head.headers.get('accept') ?? '');
  const leaving = new AbortController();
  const pending = engine.why(question, format, leaving.signal);
  if (pending === null) {
    const detail = 'as many explanations as this node gives at once are being looked for: ask again a little later';
    exchange.problem(overloaded(detail, retryAfterSeconds));
    return;
  }
  exchange.onEnd(() => leaving.abort());
  const outcome = await exchange.whileOpen(pending);
  if (outcome === null) return;
  if ('body' in outcome) exchange.answer({ status: 200, contentType: CONTENT_TYPES[format], body: outcome.body });
  else exchange.problem(problemOf(outcome.refusal, outcome.detail));
}

function questionOf(customer: string, query: string): WhyQuestion | Problem {
  const parameters = new URLSearchParams(query);
  for (const name of new Set(parameters.keys())) {
    if (!PARAMETERS.includes(name))
      return badRequest(`"${name}" is no parameter of an explanation: there are ${PARAMETERS.join(', ')}`);
    if (parameters.getAll(name).length > 1) return badRequest(`${name} is given twice: ask about one at a time`);
    if (parameters.get(name) === '') return badRequest(`${name} is empty: leave it out, or say which`);
  }
  const [campaign = null, event = null, at = null] = PARAMETERS.map((name) => parameters.get(name));
  if (event !== null && at !== null) return badRequest('event and at: either names the moment, choose one of them');
  return { customer, campaign, event, at };
}

/** JSON, unless words are wanted more. */
function formatOf(accept: string): WhyFormat {
  let [json, text] = [0, 0];
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = q === undefined ? 1 : Number(q.slice(2)) || 0;
    if (type === 'text/plain' || type === 'text/*') text = Math.max(text, quality);
    if (type === 'application/json' || type === 'application/*' || type === '*/*') json = Math.max(json, quality);
  }
  return text > json ? 'text' : 'json';
}

function problemOf(refusal: WhyRefusal, detail: string): Problem {
  if (refusal === 'at') return badRequest(detail);
  if (refusal === 'length')
    return { status: 422, type: 'too-much-history', title: 'There is too much history', detail };
  return { status: 404, type: 'not-found', title: 'There is no such thing', detail };
}
