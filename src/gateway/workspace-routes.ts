/**
 * GET and PUT /v1/workspace: the sources of the active version, and how the next one comes. What GET gives can be edited and PUT back. POST /v1/workspace/check says what PUT would say of files,
 * and publishes nothing.
 */
import { IDEMPOTENCY_KEY_LENGTH_MAX } from '../constants.ts';
import type { Engine, PublishOutcome } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { isObject, type JsonObject, parseObject, refuseOtherThanJson } from './json-body.ts';
import { badRequest, issuesProblem, overloaded, type Problem } from './problem.ts';
import type { PublicationWatch } from './publication-watch.ts';
import type { Route } from './router.ts';

export function workspaceRoute(engine: Engine, watch: PublicationWatch, retryAfterSeconds: number): Route {
  return {
    pattern: '/v1/workspace',
    methods: {
      get: { takesBody: false, run: (exchange) => getWorkspace(engine, exchange) },
      put: {
        takesBody: true,
        refuseType: refuseOtherThanJson,
        run: (exchange, body) => putWorkspace(engine, watch, retryAfterSeconds, exchange, body),
      },
    },
  };
}

export function workspaceCheckRoute(engine: Engine, retryAfterSeconds: number): Route {
  return {
    pattern: '/v1/workspace/check',
    methods: {
      post: {
        takesBody: true,
        refuseType: refuseOtherThanJson,
        run: (exchange, body) => checkWorkspace(engine, retryAfterSeconds, exchange, body),
      },
    },
  };
}

function getWorkspace(engine: Engine, exchange: Exchange): void {
  const workspace = engine.workspace();
  if (workspace !== null) {
    exchange.json(200, { version: workspace.version, files: workspace.files });
    return;
  }
  exchange.problem({
    status: 404,
    type: 'not-found',
    title: 'There is no such thing',
    detail: 'no workspace is active: publish one with PUT /v1/workspace or `beckon publish DIR`',
  });
}

async function putWorkspace(
  engine: Engine,
  watch: PublicationWatch,
  retryAfterSeconds: number,
  exchange: Exchange,
  body: Buffer,
): Promise<void> {
  const request = readRequest(body, ['files', 'version', 'history']);
  if ('problem' in request) {
    exchange.problem(request.problem);
    return;
  }
  const { version, history = 'fill' } = request.object;
  if (version !== undefined && !(Number.isSafeInteger(version) && (version as number) >= 0)) {
    exchange.problem(badRequest('"version" must be the number of the version that the files were edited from'));
    return;
  }
  if (history !== 'fill' && history !== 'skip') {
    const choice = '"fill", so that new aggregates are filled from history, or "skip", so that they begin empty';
    exchange.problem(badRequest(`"history" must be ${choice}`));
    return;
  }
  const key = exchange.head.headers.get('idempotency-key') ?? null;
  if (key !== null && (key === '' || key.length > IDEMPOTENCY_KEY_LENGTH_MAX)) {
    exchange.problem(badRequest(`Idempotency-Key must have 1 to ${IDEMPOTENCY_KEY_LENGTH_MAX} characters`));
    return;
  }
  const basedOn = version === undefined ? null : (version as number);
  const pending = engine.publish(request.files, basedOn, history, key);
  if (pending === null) {
    const detail =
      'as many versions as may be wait to be published, one after another: send yours again a little later';
    exchange.problem(overloaded(detail, retryAfterSeconds));
    return;
  }
  const refusalOf = (outcome: PublishOutcome): Problem | null => refusal(outcome, version as number);
  const outcome = await watch.wait(exchange, pending, refusalOf);
  if (outcome === null) return;
  const problem = refusalOf(outcome);
  if (problem === null) exchange.json(200, { ...outcome, files: request.files });
  else exchange.problem(problem);
}

/** Why nothing was published; null: it was. `version`: the one that the files are said to be based on. */
function refusal(outcome: PublishOutcome, version: number): Problem | null {
  if ('issues' in outcome) return issuesProblem('The workspace has errors', 'nothing was published', outcome.issues);
  if ('conflict' in outcome) return conflict(version, outcome.conflict);
  return 'unfilled' in outcome ? unfilled(outcome.unfilled) : null;
}

async function checkWorkspace(
  engine: Engine,
  retryAfterSeconds: number,
  exchange: Exchange,
  body: Buffer,
): Promise<void> {
  const request = readRequest(body, ['files']);
  if ('problem' in request) {
    exchange.problem(request.problem);
    return;
  }
  const pending = engine.preview(request.files);
  if (pending === null) {
    const detail =
      'as many workspaces as may be wait to be checked, one after another: send yours again a little later';
    exchange.problem(overloaded(detail, retryAfterSeconds));
    return;
  }
  const preview = await exchange.whileOpen(pending);
  if (preview === null) return;
  if ('issues' in preview) {
    const { issues, warnings } = preview;
    const problem = issuesProblem('The workspace has errors', 'it could not be published', issues);
    exchange.problem({ ...problem, members: { issues, warnings } });
  } else exchange.json(200, preview);
}

function readRequest(
  body: Buffer,
  members: readonly string[],
): { readonly object: JsonObject; readonly files: Readonly<Record<string, string>> } | { readonly problem: Problem } {
  const parsed = parseObject(body, members);
  if ('problem' in parsed) return parsed;
  const { files } = parsed.object;
  if (!isObject(files) || Object.keys(files).length === 0) {
    const example = '{"files": {"workspace.yaml": "name: retail"}}';
    return { problem: badRequest(`the body needs "files", from path to text, such as ${example}`) };
  }
  const odd = Object.entries(files).find(([, text]) => typeof text !== 'string');
  if (odd !== undefined)
    return { problem: badRequest(`"files" must map paths to texts; ${JSON.stringify(odd[0])} is no text`) };
  return { object: parsed.object, files: files as Readonly<Record<string, string>> };
}

function conflict(version: number, active: number): Problem {
  return {
    status: 409,
    type: 'version',
    title: 'Another version is active',
    detail: `these files are based on version ${version}, but version ${active} is active: get it, apply your change to it and send that, or leave "version" out to publish regardless`,
  };
}

function unfilled(why: string): Problem {
  return {
    status: 422,
    type: 'history',
    title: 'New aggregates cannot be filled from history',
    detail: `nothing was published: ${why}. Try again, or send "history": "skip" (beckon publish --cold) to let them begin empty`,
  };
}
