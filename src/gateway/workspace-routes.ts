/** GET and PUT /v1/workspace: the sources of the active version, and how the next one comes. What GET gives can be edited and PUT back. */
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { isObject, parseObject, refuseOtherThanJson } from './json-body.ts';
import { badRequest, issuesProblem, type Problem } from './problem.ts';
import type { Route } from './router.ts';

export function workspaceRoute(engine: Engine): Route {
  return {
    pattern: '/v1/workspace',
    methods: {
      get: { takesBody: false, run: (exchange) => getWorkspace(engine, exchange) },
      put: {
        takesBody: true,
        refuseType: refuseOtherThanJson,
        run: (exchange, body) => putWorkspace(engine, exchange, body),
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

async function putWorkspace(engine: Engine, exchange: Exchange, body: Buffer): Promise<void> {
  const parsed = parseObject(body, ['files', 'version']);
  if ('problem' in parsed) {
    exchange.problem(parsed.problem);
    return;
  }
  const { files, version } = parsed.object;
  if (!isObject(files) || Object.keys(files).length === 0) {
    exchange.problem(
      badRequest('the body needs "files", from path to text, such as {"files": {"workspace.yaml": "name: retail"}}'),
    );
    return;
  }
  const odd = Object.entries(files).find(([, text]) => typeof text !== 'string');
  if (odd !== undefined) {
    exchange.problem(badRequest(`"files" must map paths to texts; ${JSON.stringify(odd[0])} is no text`));
    return;
  }
  if (version !== undefined && !(Number.isSafeInteger(version) && (version as number) >= 0)) {
    exchange.problem(badRequest('"version" must be the number of the version that the files were edited from'));
    return;
  }
  const texts = files as Readonly<Record<string, string>>;
  const result = await engine.publish(texts, version === undefined ? null : (version as number));
  if ('issues' in result)
    exchange.problem(issuesProblem('The workspace has errors', 'nothing was published', result.issues));
  else if ('conflict' in result) exchange.problem(conflict(version as number, result.conflict));
  else exchange.json(200, { version: result.version, files: texts });
}

function conflict(version: number, active: number): Problem {
  return {
    status: 409,
    type: 'version',
    title: 'Another version is active',
    detail: `these files are based on version ${version}, but version ${active} is active: get it, apply your change to it and send that, or leave "version" out to publish regardless`,
  };
}
