/** Routes that ask the engine something about customers and campaigns. The engine answers with everything that was acknowledged before. */
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import type { Problem } from './problem.ts';
import type { Route } from './router.ts';

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
  else exchange.problem(notFound(`there is no campaign "${id}": GET /v1/campaigns lists those there are`));
}

function notFound(detail: string): Problem {
  return { status: 404, type: 'not-found', title: 'There is no such thing', detail };
}
