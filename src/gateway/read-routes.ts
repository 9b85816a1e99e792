/** Routes that ask the engine something: customers, campaigns, audiences. The engine answers with everything that was acknowledged before. */
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { parseObject, refuseOtherThanJson } from './json-body.ts';
import { badRequest, issuesProblem, type Problem } from './problem.ts';
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
    {
      pattern: '/v1/audiences/count',
      methods: {
        post: {
          takesBody: true,
          refuseType: refuseOtherThanJson,
          run: (exchange, body) => countAudience(engine, exchange, body),
        },
      },
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

async function countAudience(engine: Engine, exchange: Exchange, body: Buffer): Promise<void> {
  const parsed = parseObject(body, ['where']);
  if ('problem' in parsed) {
    exchange.problem(parsed.problem);
    return;
  }
  const { where } = parsed.object;
  if (typeof where !== 'string') {
    exchange.problem(
      badRequest('the body needs "where", an expression such as {"where": "profile.spend_30d > 100.0"}'),
    );
    return;
  }
  const counted = await engine.countAudience(where);
  if ('issues' in counted)
    exchange.problem(issuesProblem('The expression has errors', 'nothing was counted', counted.issues));
  else exchange.json(200, counted);
}

function notFound(detail: string): Problem {
  return { status: 404, type: 'not-found', title: 'There is no such thing', detail };
}
