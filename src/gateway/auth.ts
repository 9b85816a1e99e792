/**
 * Who may talk to the gateway: bearers of a shared token, and of browsers only pages from allowed origins. Both are off unless configured.
 * /healthz and /readyz stay open: an orchestrator's probes carry no credentials, and they tell nothing about customers.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Problem } from './problem.ts';
import type { RequestHead } from './request-head.ts';

export interface AuthOptions {
  /** Any of these is accepted; several allow one to be replaced without a gap. Empty: no token is asked for. */
  readonly tokens: readonly string[];
  /** Such as `https://app.example.com`; null: the Origin header is not looked at. */
  readonly origins: readonly string[] | null;
}

const openPaths = new Set(['/healthz', '/readyz']);

export class Authorizer {
  readonly #digests: readonly Buffer[];
  readonly #origins: ReadonlySet<string> | null;

  constructor(options: AuthOptions) {
    this.#digests = options.tokens.map(digest);
    this.#origins = options.origins === null ? null : new Set(options.origins);
  }

  /** null: go on. */
  refusal(head: RequestHead): Problem | null {
    if (openPaths.has(head.path)) return null;
    const origin = head.headers.get('origin');
    if (this.#origins !== null && origin !== undefined && !this.#origins.has(origin)) {
      return {
        status: 403,
        type: 'origin',
        title: 'The origin is not allowed',
        detail: `pages from ${origin} may not talk to this gateway: add the origin to those it allows`,
      };
    }
    if (this.#digests.length === 0) return null;
    const match = /^bearer +(\S+) *$/i.exec(head.headers.get('authorization') ?? '');
    if (match === null) return unauthorized('send the token as "Authorization: Bearer <token>"', 'Bearer');
    // Digests have one length, so that neither length nor content of a token can be timed.
    const given = digest(match[1] as string);
    const known = this.#digests.reduce((found, token) => timingSafeEqual(token, given) || found, false);
    return known
      ? null
      : unauthorized('the token is not one that this gateway was given', 'Bearer error="invalid_token"');
  }
}

function unauthorized(detail: string, challenge: string): Problem {
  return {
    status: 401,
    type: 'unauthorized',
    title: 'A valid token is needed',
    detail,
    headers: { 'WWW-Authenticate': challenge },
  };
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
