/**
 * What a person or program gets when a request cannot be served: an RFC 9457 problem document. `title` names the kind, the same for every
 * occurrence; `detail` says what was wrong with this request and what to do about it.
 */
import type { EngineIssue } from './engine.ts';

export interface Problem {
  readonly status: number;
  /** Last part of the `type` URN. */
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the document. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** The rest of the request cannot be trusted or is not worth reading: the connection is closed after the answer. */
  readonly close?: boolean;
}

export const problemContentType = 'application/problem+json';

export function encodeProblem(problem: Problem): string {
  return JSON.stringify({
    type: `urn:beckon:problem:${problem.type}`,
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    ...problem.members,
  });
}

export function badRequest(detail: string): Problem {
  return { status: 400, type: 'bad-request', title: 'The request cannot be understood', detail };
}

export function overloaded(detail: string, retryAfterSeconds: number): Problem {
  return {
    status: 429,
    type: 'overloaded',
    title: 'Too many requests',
    detail,
    headers: { 'Retry-After': String(retryAfterSeconds) },
  };
}

export function unavailable(detail: string, retryAfterSeconds: number): Problem {
  return {
    status: 503,
    type: 'unavailable',
    title: 'Not available now',
    detail,
    headers: { 'Retry-After': String(retryAfterSeconds) },
  };
}

/** What the workspace compiler or the expression checker had to say, with places. `outcome`: what did not happen therefore. */
export function issuesProblem(title: string, outcome: string, issues: readonly EngineIssue[]): Problem {
  const first = issues[0];
  const shown = first === undefined ? '' : `: ${first.file}:${first.line}:${first.column} ${first.message}`;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more, see issues)` : '';
  return { status: 422, type: 'issues', title, detail: `${outcome}${shown}${more}`, members: { issues } };
}
