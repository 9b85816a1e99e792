/**
 * The head of a request, copied out while it may be read: uWebSockets.js allocates requests on the stack of the callback.
 * Refuses what two readers of the same bytes could take for different requests (RFC 9112, 6.3).
 */
import type { HttpRequest } from 'uWebSockets.js';
import { badRequest, type Problem } from './problem.ts';

export interface RequestHead {
  /** Lower case. */
  readonly method: string;
  /** As sent: still percent-encoded. */
  readonly path: string;
  /** As sent, without the question mark. */
  readonly query: string;
  /** By lower-case name; the first value of a repeated one. */
  readonly headers: ReadonlyMap<string, string>;
  /** null where there is none: no body, or a chunked one. */
  readonly contentLength: number | null;
  /** Why it must not be served. */
  readonly fault: Problem | null;
}

export function readHead(request: HttpRequest): RequestHead {
  const headers = new Map<string, string>();
  let fault: Problem | null = null;
  request.forEach((name, value) => {
    if (!headers.has(name)) headers.set(name, value);
    else if (name === 'content-length' || name === 'transfer-encoding') fault = repeated(name);
  });
  const encoding = headers.get('transfer-encoding');
  if (fault === null && encoding !== undefined && encoding.toLowerCase() !== 'chunked')
    fault = unknownEncoding(encoding);
  const length = headers.get('content-length');
  return {
    method: request.getMethod(),
    path: request.getUrl(),
    // undefined without a question mark, whatever its type says.
    query: (request.getQuery() as string | undefined) ?? '',
    headers,
    contentLength: length === undefined ? null : Number(length),
    fault,
  };
}

function repeated(name: string): Problem {
  return {
    ...badRequest(`the ${name} header occurs twice, so where the body ends is not certain: send it once`),
    close: true,
  };
}

function unknownEncoding(encoding: string): Problem {
  return {
    status: 501,
    type: 'transfer-encoding',
    title: 'The transfer encoding is not supported',
    detail: `Transfer-Encoding: ${encoding} is not supported: send the body with a Content-Length or chunked`,
    close: true,
  };
}
