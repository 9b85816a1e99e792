/** Routes that ask the engine something about customers and campaigns. The engine answers with everything that was acknowledged before. */
import { WAITING_LIST_MAX } from '../constants.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { badRequest, type Problem } from './problem.ts';
import type { Route } from './router.ts';

/** Customers that a list gives where nobody says how many. */
const LIST_DEFAULT = 100;

export function readRoutes(engine: Engine): Route[] {
  return [
    {
      pattern: '/v1/customers/{id}',
      methods: { get: { takesBody: false, run: (exchange, _, id) => getCustomer(engine, exchange, id) } },
    },
    {
      pattern: '/v1/campaigns',
      methods: { get: { takesBody: false, run: (exchange) => getCampaigns(engine, exchange) } },
    },
    {
      pattern: '/v1/campaigns/{id}',
      methods: { get: { takesBody: false, run: (exchange, _, id) => getCampaign(engine, exchange, id) } },
    },
    {
      pattern: '/v1/campaigns/{id}/waiting',
      methods: { get: { takesBody: false, run: (exchange, _, id) => getWaiting(engine, exchange, id) } },
    },
  ];
}

async function getCustomer(engine: Engine, exchange: Exchange, id: string): Promise<void> {
  const record = await engine.customer(id);
  if (record !== null) exchange.json(200, record);
  else exchange.problem(notFound(`there is no customer "${id}": no accepted event has named it`));
}

async function getCampaigns(engine: Engine, exchange: Exchange): Promise<void> {
  exchange.json(200, await engine.campaigns());
}

async function getCampaign(engine: Engine, exchange: Exchange, id: string): Promise<void> {
  const campaign = (await engine.campaigns()).find((counts) => counts.id === id);
  if (campaign !== undefined) exchange.json(200, campaign);
  else exchange.problem(noCampaign(id));
}

async function getWaiting(engine: Engine, exchange: Exchange, id: string): Promise<void> {
  const limit = limitOf(exchange.head.query);
  if (typeof limit !== 'number') {
    exchange.problem(limit);
    return;
  }
  const list = await engine.waiting(id, limit);
  if (list !== null) exchange.json(200, list);
  else exchange.problem(noCampaign(id));
}

function limitOf(query: string): number | Problem {
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((name) => name !== 'limit');
  if (unknown !== undefined) return badRequest(`"${unknown}" is no parameter of this list: there is limit`);
  const text = parameters.get('limit') ?? String(LIST_DEFAULT);
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit <= WAITING_LIST_MAX) return limit;
  return badRequest(`limit is a whole number from 0 to ${WAITING_LIST_MAX}, not "${text}"`);
}

function noCampaign(id: string): Problem {
  return notFound(`there is no campaign "${id}": GET /v1/campaigns lists those there are`);
}

function notFound(detail: string): Problem {
  return { status: 404, type: 'not-found', title: 'There is no such thing', detail };
}
