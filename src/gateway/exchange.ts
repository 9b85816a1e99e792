/**
 * One request and its answer. Order law: *onAborted is attached before anything else, and nothing touches the response after it was answered or
 * aborted*; uWebSockets.js ends the process otherwise. So every handler answers through here, and here alone.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { encodeProblem, type Problem, problemContentType } from './problem.ts';
import { type RequestHead, readHead } from './request-head.ts';

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  202: 'Accepted',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly close?: boolean;
}

export class Exchange {
  readonly head: RequestHead;
  /** Status of the answer; 0 while there is none. */
  status = 0;
  #response: HttpResponse | null;
  readonly #listeners: (() => void)[] = [];

  constructor(response: HttpResponse, request: HttpRequest) {
    response.onAborted(() => this.#end());
    this.#response = response;
    this.head = readHead(request);
  }

  /** Not answered, and the client is still there. */
  get open(): boolean {
    return this.#response !== null;
  }

  /** The listener is called once, when it is answered or the client has gone. Only for an open exchange. */
  onEnd(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** For reading the body and for upgrading; null if the exchange has ended. */
  get response(): HttpResponse | null {
    return this.#response;
  }

  /** The response now belongs to a WebSocket. */
  upgraded(): void {
    this.status = 101;
    this.#end();
  }

  json(status: number, value: unknown): void {
    this.answer({ status, contentType: 'application/json', body: JSON.stringify(value) });
  }

  problem(problem: Problem): void {
    this.answer({
      status: problem.status,
      contentType: problemContentType,
      body: encodeProblem(problem),
      headers: problem.headers ?? {},
      close: problem.close ?? false,
    });
  }

  /** Does nothing if the client has gone. */
  answer(answer: Answer): void {
    const response = this.#response;
    if (response === null) return;
    this.status = answer.status;
    this.#response = null;
    response.cork(() => {
      response.writeStatus(`${answer.status} ${reasons[answer.status] ?? ''}`);
      if (answer.contentType !== '') response.writeHeader('Content-Type', answer.contentType);
      // Answers hold personal data and change with every event.
      response.writeHeader('Cache-Control', 'no-store');
      for (const [name, value] of Object.entries(answer.headers ?? {})) response.writeHeader(name, value);
      if (this.head.method === 'head') response.endWithoutBody(Buffer.byteLength(answer.body), answer.close ?? false);
      else response.end(answer.body, answer.close ?? false);
    });
    this.#end();
  }

  #end(): void {
    this.#response = null;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
