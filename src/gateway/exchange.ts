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

/** Enough to try a full socket with, and too little to fill anything. */
const PROBE_BYTES = 64;

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
  /** Ends the wait for a socket that holds enough. */
  #wake: () => void = () => {};
  #isWaking = false;
  /** What was written last is not all with the client's side yet. */
  #holds = false;

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

  /** null: it has ended before, because the client has gone. Only for an open exchange. */
  whileOpen<Result>(pending: Promise<Result>): Promise<Result | null> {
    return new Promise((resolve, reject) => {
      this.onEnd(() => resolve(null));
      pending.then(resolve, reject);
    });
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

  /**
   * Answers with a body of unknown length, no faster than the client takes it: nothing more is asked of `chunks` while the socket holds what was given to it. A body
   * whose making fails is cut off with the connection, so that no client takes a part for the whole; the failure is thrown on.
   */
  async stream(head: Omit<Answer, 'body' | 'close'>, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let begun = false;
    try {
      for await (const chunk of chunks) {
        const response = this.#response;
        if (response === null) return;
        if (!begun) response.cork(() => this.#writeHead(response, head));
        begun = true;
        await this.#write(chunk);
      }
    } catch (error) {
      if (begun) this.#response?.close();
      throw error;
    }
    const response = this.#response;
    if (response === null) return;
    this.#response = null;
    response.cork(() => {
      if (!begun) this.#writeHead(response, head);
      response.end();
    });
    this.#end();
  }

  /** Resolves when the socket has taken it, or has gone. */
  async #write(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0 && this.#response !== null) {
      const response = this.#response;
      // A socket that said it was full may have room for a part of what it holds only: a few bytes tell, because they go behind that.
      const part = this.#holds ? rest.subarray(0, PROBE_BYTES) : rest;
      response.cork(() => {
        this.#holds = !response.write(part);
      });
      rest = rest.subarray(part.length);
      if (this.#holds) await this.#writable(response);
    }
  }

  #writable(response: HttpResponse): Promise<void> {
    // A handler that is replaced while it runs comes back afterwards: there is one for good.
    if (!this.#isWaking) {
      response.onWritable(() => {
        this.#wake();
        return true;
      });
    }
    this.#isWaking = true;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Does nothing if the client has gone. */
  answer(answer: Answer): void {
    const response = this.#response;
    if (response === null) return;
    this.#response = null;
    response.cork(() => {
      this.#writeHead(response, answer);
      if (this.head.method === 'head') response.endWithoutBody(Buffer.byteLength(answer.body), answer.close ?? false);
      else response.end(answer.body, answer.close ?? false);
    });
    this.#end();
  }

  #writeHead(response: HttpResponse, { status, contentType, headers = {} }: Omit<Answer, 'body' | 'close'>): void {
    this.status = status;
    response.writeStatus(`${status} ${reasons[status] ?? ''}`);
    if (contentType !== '') response.writeHeader('Content-Type', contentType);
    // Answers hold personal data and change with every event.
    response.writeHeader('Cache-Control', 'no-store');
    for (const [name, value] of Object.entries(headers)) response.writeHeader(name, value);
  }

  #end(): void {
    this.#response = null;
    this.#wake();
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
