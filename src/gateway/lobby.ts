/**
 * Holds the node's port while it recovers: says that it is alive, and what it is doing, and asks everybody else to come back. Without it an orchestrator
 * would take a node that reads a long log for a dead one.
 */
import { App, type HttpResponse, type TemplatedApp, us_listen_socket_close } from 'uWebSockets.js';
import { type Listening, listenExclusively } from './listen.ts';
import { encodeProblem, problemContentType, unavailable } from './problem.ts';

const RETRY_AFTER_SECONDS = 1;

export class Lobby {
  readonly #app: TemplatedApp = App();
  readonly #detail: () => string;
  #listening: Listening | null = null;

  /** `detail`: what the node is doing, and how far it is. */
  constructor(detail: () => string) {
    this.#detail = detail;
    this.#app.get('/healthz', (response) => answer(response, '200 OK', 'application/json', '{"status":"alive"}'));
    this.#app.any('/*', (response) => this.#refuse(response));
  }

  /** Resolves to the port; port 0 takes a free one. */
  async listen(host: string, port: number): Promise<number> {
    this.#listening = await listenExclusively(this.#app, host, port);
    return this.#listening.port;
  }

  /** Lets go of the port, which the gateway takes next. */
  close(): void {
    if (this.#listening === null) return;
    us_listen_socket_close(this.#listening.socket);
    this.#listening = null;
    this.#app.close();
  }

  #refuse(response: HttpResponse): void {
    const problem = unavailable(this.#detail(), RETRY_AFTER_SECONDS);
    answer(response, '503 Service Unavailable', problemContentType, encodeProblem(problem), { ...problem.headers });
  }
}

/** Synchronously, and the connection ends with it: the next request is the gateway's. */
function answer(
  response: HttpResponse,
  status: string,
  contentType: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.cork(() => {
    response.writeStatus(status).writeHeader('Content-Type', contentType);
    for (const [name, value] of Object.entries(headers)) response.writeHeader(name, value);
    response.end(body, true);
  });
}
