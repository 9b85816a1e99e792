/**
 * Audiences: POST /v1/audiences/count, /list and /export. They take {"where"}; the latter two also {"fields", "sample", "salt"}, and list a {"limit"}. An export streams, as fast as
 * the client takes it; its length is in Beckon-Count (a sample's is less than Beckon-Members), and a body that ends early is a broken one, never a short one.
 */
import { AUDIENCE_LIST_BYTES_MAX, AUDIENCE_LIST_MAX, AUDIENCE_SAMPLE_MAX } from '../constants.ts';
import {
  AUDIENCE_FORMATS,
  type Audience,
  type AudienceFormat,
  type AudienceRequest,
  type AudienceSample,
} from '../protocol/audience.ts';
import type { Engine, EngineIssue } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { type JsonObject, parseObject, refuseOtherThanJson } from './json-body.ts';
import { badRequest, issuesProblem, overloaded, type Problem } from './problem.ts';
import type { Handler, Route } from './router.ts';

const LIST_DEFAULT = 100;
const SALT_DEFAULT = 'sample';
const CONTENT_TYPES: Readonly<Record<AudienceFormat, string>> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8; header=present',
  'csv-raw': 'text/csv; charset=utf-8; header=present',
};

export function audienceRoutes(engine: Engine, retryAfterSeconds: number): Route[] {
  const routes = new AudienceRoutes(engine, retryAfterSeconds);
  const post = (run: Handler['run']): Route['methods'] => ({
    post: { takesBody: true, refuseType: refuseOtherThanJson, run },
  });
  return [
    { pattern: '/v1/audiences/count', methods: post((exchange, body) => routes.count(exchange, body)) },
    { pattern: '/v1/audiences/list', methods: post((exchange, body) => routes.list(exchange, body)) },
    { pattern: '/v1/audiences/export', methods: post((exchange, body) => routes.export(exchange, body)) },
  ];
}

class AudienceRoutes {
  readonly #engine: Engine;
  readonly #retryAfterSeconds: number;

  constructor(engine: Engine, retryAfterSeconds: number) {
    this.#engine = engine;
    this.#retryAfterSeconds = retryAfterSeconds;
  }

  async count(exchange: Exchange, body: Buffer): Promise<void> {
    const parsed = parseObject(body, ['where']);
    const where = 'problem' in parsed ? parsed.problem : whereOf(parsed.object);
    if (typeof where !== 'string') {
      exchange.problem(where);
      return;
    }
    const counted = await this.#taken(exchange, this.#engine.countAudience(where), 'nothing was counted');
    if (counted !== null) exchange.json(200, counted);
  }

  async list(exchange: Exchange, body: Buffer): Promise<void> {
    const parsed = parseObject(body, ['where', 'fields', 'sample', 'salt', 'limit']);
    const request = 'problem' in parsed ? parsed : requestOf(parsed.object, 'ndjson');
    if ('problem' in request) {
      exchange.problem(request.problem);
      return;
    }
    const { limit = LIST_DEFAULT } = 'object' in parsed ? parsed.object : {};
    if (!isWhole(limit, 0, AUDIENCE_LIST_MAX)) {
      const detail = `"limit" is a whole number from 0 to ${AUDIENCE_LIST_MAX}; for more use /v1/audiences/export`;
      exchange.problem(badRequest(detail));
      return;
    }
    const audience = await this.#taken(exchange, this.#engine.openAudience(request), 'nothing was listed');
    if (audience === null) return;
    try {
      await sendList(exchange, audience, request.sample, limit);
    } finally {
      audience.close();
    }
  }

  async export(exchange: Exchange, body: Buffer): Promise<void> {
    const parsed = parseObject(body, ['where', 'fields', 'sample', 'salt']);
    const format = formatOf(exchange.head.query);
    const request =
      'problem' in parsed ? parsed : typeof format !== 'string' ? format : requestOf(parsed.object, format);
    if ('problem' in request) {
      exchange.problem(request.problem);
      return;
    }
    const audience = await this.#taken(exchange, this.#engine.openAudience(request), 'nothing was exported');
    if (audience === null) return;
    const { count, members, customers, asOf } = audience;
    const headers = {
      'Beckon-Count': String(members),
      'Beckon-Members': String(count),
      'Beckon-Customers': String(customers),
      ...(asOf === null ? {} : { 'Beckon-As-Of': asOf }),
    };
    try {
      const head = { status: 200, contentType: CONTENT_TYPES[request.format], headers };
      await exchange.stream(head, audience.read(Number.POSITIVE_INFINITY));
    } finally {
      audience.close();
    }
  }

  /** null: it was answered already, with a problem. */
  async #taken<Result extends object>(
    exchange: Exchange,
    pending: Promise<Result | { readonly issues: readonly EngineIssue[] }> | null,
    outcome: string,
  ): Promise<Result | null> {
    if (pending === null) {
      const detail =
        'as many audiences as this node takes at once are being counted or exported: ask again a little later';
      exchange.problem(overloaded(detail, this.#retryAfterSeconds));
      return null;
    }
    const result = await pending;
    if (!('issues' in result)) return result;
    exchange.problem(issuesProblem('The audience has errors', outcome, result.issues));
    return null;
  }
}

async function sendList(
  exchange: Exchange,
  audience: Audience,
  sample: AudienceSample | null,
  limit: number,
): Promise<void> {
  const lines: string[] = [];
  let bytes = 0;
  for await (const chunk of audience.read(limit)) {
    bytes += chunk.length;
    if (bytes > AUDIENCE_LIST_BYTES_MAX) {
      const detail = `the rows are more than ${AUDIENCE_LIST_BYTES_MAX} bytes: ask for fewer, or use /v1/audiences/export`;
      exchange.problem(badRequest(detail));
      return;
    }
    lines.push(...Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('utf8').trimEnd().split('\n'));
  }
  const { count, customers, ms, asOf, members } = audience;
  const head = JSON.stringify({ count, customers, ms, asOf, ...(sample === null ? {} : { sampled: members }) });
  const text = `${head.slice(0, -1)},"members":[${lines.join(',')}]}`;
  exchange.answer({ status: 200, contentType: 'application/json', body: text });
}

function whereOf({ where }: JsonObject): string | Problem {
  if (typeof where === 'string') return where;
  return badRequest('the body needs "where", an expression such as {"where": "profile.spend_30d > 100.0"}');
}

function requestOf(
  object: JsonObject,
  format: AudienceFormat,
): (AudienceRequest & { readonly problem?: never }) | { readonly problem: Problem } {
  const where = whereOf(object);
  if (typeof where !== 'string') return { problem: where };
  const { fields = [], sample = null, salt = SALT_DEFAULT } = object;
  if (!Array.isArray(fields) || !fields.every((field) => typeof field === 'string'))
    return { problem: badRequest('"fields" is a list of names, such as ["country", "spend_30d", "segment.vip"]') };
  if (typeof salt !== 'string') return { problem: badRequest('"salt" is a text: another one draws another sample') };
  if (sample === null) return { where, fields, sample, format };
  const isShare = typeof sample === 'number' && sample > 0 && sample < 1;
  if (!isShare && !isWhole(sample, 1, AUDIENCE_SAMPLE_MAX)) {
    const detail = `"sample" is a share above 0 and below 1, or how many: a whole number from 1 to ${AUDIENCE_SAMPLE_MAX}`;
    return { problem: badRequest(detail) };
  }
  return { where, fields, sample: { salt, share: isShare ? sample : null, count: isShare ? null : sample }, format };
}

function formatOf(query: string): AudienceFormat | { readonly problem: Problem } {
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((name) => name !== 'format');
  if (unknown !== undefined)
    return { problem: badRequest(`"${unknown}" is no parameter of an export: there is format`) };
  const name = parameters.get('format') ?? 'ndjson';
  const format = AUDIENCE_FORMATS.find((known) => known === name);
  return format ?? { problem: badRequest(`format is one of ${AUDIENCE_FORMATS.join(', ')}, not "${name}"`) };
}

function isWhole(value: unknown, from: number, to: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to;
}
