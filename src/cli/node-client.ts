/** How commands talk to a running node: HTTP with patience. A node that starts, restarts or is busy is waited for; any other refusal is the caller's answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, UsageError } from './exit.ts';

export interface NodeClientOptions {
  /** `http://127.0.0.1:7400` */
  readonly to: string;
  /** By which flag it was given. Default `--to`. */
  readonly flag?: string;
  readonly token?: string | undefined;
  /** How long to go on trying without an answer. Default 60 s: longer than a restart. Where nobody ever listened, at most 10 s. */
  readonly retryForMs?: number;
  /** How long to wait for the answer to one try. Default 30 s: an answer comes when the events are durable, which takes milliseconds. */
  readonly tryForMs?: number;
  /** Answers after which it tries again. Default: 429 and 503. */
  readonly retryOn?: readonly number[];
  /** How long to go on asking a node that has taken a request and does not answer: it works. Default retryForMs. */
  readonly workForMs?: number;
  /** Told before each wait, with the address in `why`. After `giveUpMs` without an answer the request is given up. */
  readonly onRetry?: (why: string, waitMs: number, giveUpMs: number) => void;
}

type RequestBody = NonNullable<NonNullable<Parameters<typeof fetch>[1]>['body']>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, or null where the body was none. */
  readonly body: unknown;
}

const RETRY_FOR_MS = 60_000;
/** A node listens three seconds after it was started at once with its client on two busy cores, and while it recovers: where nobody does by then, none was started, or the address is wrong. */
const NOBODY_FOR_MS = 10_000;
const RETRIED = [429, 503];
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 2_000;
const RETRY_AFTER_MAX_MS = 30_000;
const TRY_FOR_MS = 30_000;

const FLAG_DEFAULT = '--to';
/** As the system and fetch call it. */
const CUT = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** Why a try had no answer. */
interface Failure {
  readonly why: string;
  readonly retryAfterMs: number;
  /** Trying again would not change it. */
  readonly final?: boolean;
  /** Nobody listens at the address. */
  readonly refused?: boolean;
  /** The node took the request. */
  readonly taken?: boolean;
}

export class NodeClient {
  readonly #base: URL;
  readonly #options: NodeClientOptions;
  /** Something else came of a try than that nobody listens. */
  #reached = false;

  constructor(options: NodeClientOptions) {
    this.#base = parseBase(options.to, options.flag ?? FLAG_DEFAULT);
    this.#options = options;
  }

  /**
   * Sends until there is an answer other than 429 and 503. Only for what may be repeated: events with ids, a workspace.
   * Throws InputError when the node cannot be reached for `retryForMs`, for ten seconds where nobody ever listened, or never can be.
   */
  send(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    contentType: string | null,
    body: Uint8Array | null,
  ): Promise<Answer> {
    // By it the node knows a request that is sent again.
    const headers = method === 'PUT' ? { 'idempotency-key': crypto.randomUUID() } : {};
    return this.#persist(async () => {
      const signal = AbortSignal.timeout(this.#options.tryForMs ?? TRY_FOR_MS);
      const response = await this.#fetch(method, path, contentType, body, signal, headers);
      return { status: response.status, headers: response.headers, body: parseJson(await response.text()) };
    });
  }

  /** POSTs JSON likewise, for a body that may be long: it is the caller's to read where the status is 200, and parsed otherwise. */
  open(path: string, value: unknown): Promise<Answer & { readonly stream: AsyncIterable<Uint8Array> | null }> {
    const bytes = Buffer.from(JSON.stringify(value));
    return this.#persist(async () => {
      const impatience = new AbortController();
      const timer = setTimeout(
        () => impatience.abort(new DOMException('', 'TimeoutError')),
        this.#options.tryForMs ?? TRY_FOR_MS,
      );
      try {
        const response = await this.#fetch('POST', path, 'application/json', bytes, impatience.signal);
        const { status, headers } = response;
        if (status === 200) return { status, headers, body: null, stream: response.body as AsyncIterable<Uint8Array> };
        return { status, headers, body: parseJson(await response.text()), stream: null };
      } finally {
        clearTimeout(timer);
      }
    });
  }

  async #persist<Result extends { readonly status: number; readonly headers: Headers }>(
    request: () => Promise<Result>,
  ): Promise<Result> {
    const { retryForMs = RETRY_FOR_MS, workForMs = 0 } = this.#options;
    const beganAt = performance.now();
    /** Since when it is tried in vain: a node that works and is restarted meanwhile is given its time. */
    let inVainSince = beganAt;
    let backoffMs = BACKOFF_FIRST_MS;
    for (;;) {
      const outcome = await this.#try(request);
      if (!('refused' in outcome)) this.#reached = true;
      if ('answer' in outcome) return outcome.answer;
      const waitMs = Math.max(outcome.retryAfterMs, backoffMs);
      const works = outcome.taken === true && workForMs > retryForMs;
      if (works) inVainSince = performance.now();
      const giveUpMs = works ? workForMs : this.#reached ? retryForMs : Math.min(retryForMs, NOBODY_FOR_MS);
      if (outcome.final) throw new InputError(`${this.#base.origin}: ${outcome.why}`);
      if (performance.now() + waitMs > (works ? beganAt : inVainSince) + giveUpMs)
        throw new InputError(`${this.#base.origin}: ${outcome.why}; gave up after ${secondsText(giveUpMs)}`);
      this.#options.onRetry?.(`${this.#base.origin}: ${outcome.why}`, waitMs, giveUpMs);
      await sleep(waitMs);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
    }
  }

  async #try<Result extends { readonly status: number; readonly headers: Headers }>(
    request: () => Promise<Result>,
  ): Promise<{ readonly answer: Result } | Failure> {
    try {
      const answer = await request();
      if (!(this.#options.retryOn ?? RETRIED).includes(answer.status)) return { answer };
      return {
        why: answer.status === 429 ? 'the node cannot keep up' : 'the node is not ready',
        retryAfterMs: retryAfterMs(answer.headers.get('retry-after')),
      };
    } catch (error) {
      const code = causeOf(error)?.code;
      if (code === 'ECONNREFUSED') {
        const remedy = `start a node with \`beckon serve\`, or name another with ${this.#options.flag ?? FLAG_DEFAULT}`;
        return { why: `nobody listens there (${remedy})`, retryAfterMs: 0, refused: true };
      }
      if (code === 'ENOTFOUND') return { why: `there is no host ${this.#base.hostname}`, retryAfterMs: 0, final: true };
      return { why: describe(error), retryAfterMs: 0, taken: error instanceof Error && error.name === 'TimeoutError' };
    }
  }

  #fetch(
    method: string,
    path: string,
    contentType: string | null,
    body: Uint8Array | null,
    signal: AbortSignal,
    others: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const headers: Record<string, string> = { ...others };
    if (contentType !== null) headers['content-type'] = contentType;
    if (this.#options.token !== undefined) headers['authorization'] = `Bearer ${this.#options.token}`;
    const content = body === null ? {} : { body: body as RequestBody };
    return fetch(new URL(path, this.#base), { method, headers, signal, ...content });
  }
}

/** What a refusal says to a person: RFC 9457's title and detail. */
export function problemText(answer: Pick<Answer, 'status' | 'body'>): string {
  const { title, detail } = (answer.body ?? {}) as { title?: unknown; detail?: unknown };
  const words = [title, detail].filter((word) => typeof word === 'string' && word !== '');
  return words.length > 0 ? `${answer.status} ${words.join(': ')}` : `${answer.status}`;
}

function parseBase(to: string, flag: string): URL {
  const base = URL.canParse(to) ? new URL(to) : null;
  if (!base || !/^https?:$/.test(base.protocol))
    throw new UsageError(`${flag}: expected a URL such as http://127.0.0.1:7400, got "${to}"`);
  if (base.username !== '' || base.password !== '')
    throw new UsageError(`${flag}: names and passwords are not used: send --token`);
  // Routes are the node's own: whoever writes a path expects it to matter.
  const rest = `${base.pathname}${base.search}${base.hash}`;
  if (rest !== '/') throw new UsageError(`${flag}: only ${base.origin} is used, not "${rest}": leave that out`);
  return base;
}

/** `60 s` */
export function secondsText(ms: number): string {
  return `${ms / 1000} s`;
}

function retryAfterMs(header: string | null): number {
  const seconds = Number(header);
  return header !== null && Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, RETRY_AFTER_MAX_MS) : 0;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** fetch hides the reason in there. */
function causeOf(error: unknown): { code?: string; message?: string } | undefined {
  return (error as { cause?: { code?: string; message?: string } }).cause;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const cause = causeOf(error);
  if (CUT.has(cause?.code ?? '')) return 'the connection was cut';
  return cause?.message || cause?.code || error.message;
}
