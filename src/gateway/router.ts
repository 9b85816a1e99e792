/** The routes of the gateway: from a path to a handler, or to a problem that helps to find the right one. */
import type { Exchange } from './exchange.ts';
import { badRequest, type Problem } from './problem.ts';

export interface Handler {
  /** Whether it reads a body. */
  readonly takesBody: boolean;
  /** Why a body of this content type ('' for none) would not be read; null: it is fine. */
  refuseType?(contentType: string): Problem | null;
  /**
   * Answers the exchange. `body` (empty without takesBody) is valid until the first await; `parameter` is the decoded segment of a route
   * that has one, '' otherwise. A throw or rejection becomes a 500.
   */
  run(exchange: Exchange, body: Buffer, parameter: string): void | Promise<void>;
}

export interface Route {
  /** Such as `/v1/customers/{id}`: matched exactly, or with one segment in the place of the braces. */
  readonly pattern: string;
  readonly methods: Readonly<Record<string, Handler>>;
}

export type Match =
  | { readonly route: Route; readonly handler: Handler; readonly parameter: string }
  | { readonly route: Route | null; readonly problem: Problem };

export class Router {
  readonly #exact = new Map<string, Route>();
  readonly #parameterized: { readonly prefix: string; readonly suffix: string; readonly route: Route }[] = [];
  readonly #patterns: readonly string[];

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const [prefix = '', suffix] = route.pattern.split(/\{[a-z]+\}/);
      if (suffix === undefined) this.#exact.set(route.pattern, route);
      else this.#parameterized.push({ prefix, suffix, route });
    }
    this.#patterns = routes.map((route) => route.pattern);
  }

  find(method: string, path: string): Match {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return this.#choose(exact, method, '');
    for (const { prefix, suffix, route } of this.#parameterized) {
      if (!path.startsWith(prefix) || !path.endsWith(suffix)) continue;
      const segment = path.slice(prefix.length, path.length - suffix.length);
      if (segment === '' || segment.includes('/')) continue;
      try {
        return this.#choose(route, method, decodeURIComponent(segment));
      } catch {
        return { route, problem: badRequest(`"${segment}" is not valid percent-encoding of UTF-8`) };
      }
    }
    return { route: null, problem: this.#unknown(path) };
  }

  #choose(route: Route, method: string, parameter: string): Match {
    // HEAD is GET without the body; the exchange leaves it out.
    const handler = route.methods[method === 'head' ? 'get' : method];
    if (handler !== undefined) return { route, handler, parameter };
    const names = Object.keys(route.methods).map((name) => name.toUpperCase());
    if (names.includes('GET')) names.push('HEAD');
    const allowed = names.join(', ');
    return {
      route,
      problem: {
        status: 405,
        type: 'method',
        title: 'The method is not allowed here',
        detail: `${route.pattern} takes ${allowed}, not ${method.toUpperCase()}`,
        headers: { Allow: allowed },
      },
    };
  }

  #unknown(path: string): Problem {
    const wanted = path.startsWith('/v1/') || !path.startsWith('/') ? path : `/v1${path}`;
    const shared = this.#patterns.map((pattern) =>
      Math.max(sharedPrefix(pattern, path) - 1, sharedPrefix(pattern, wanted) - '/v1/'.length),
    );
    const best = Math.max(...shared);
    const near = best >= 3 ? this.#patterns.filter((_, i) => shared[i] === best) : [];
    return {
      status: 404,
      type: 'no-such-route',
      title: 'There is no such route',
      detail:
        near.length > 0
          ? `there is no ${path}; did you mean ${near.join(' or ')}?`
          : `there is no ${path}; the routes are ${this.#patterns.join(', ')}`,
    };
  }
}

function sharedPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
