/** What a subscriber asks for, from the query of `GET /v1/decisions`: everything wrong with it is said before the upgrade, as a problem document. */
import { SUBSCRIBER_FILTER_NAMES_MAX } from '../constants.ts';
import type { EncodedDecision } from '../protocol/decision.ts';
import { badRequest, type Problem } from './problem.ts';

export interface StreamQuery {
  readonly filter: DecisionFilter;
  /** `latest`, `earliest`, or the text of a cursor. */
  readonly from: string;
}

/** Names that no campaign or channel has are fine: they may come with the next version. */
export class DecisionFilter {
  readonly #channels: ReadonlySet<string> | null;
  readonly #campaigns: ReadonlySet<string> | null;

  /** null: all. */
  constructor(channels: ReadonlySet<string> | null, campaigns: ReadonlySet<string> | null) {
    this.#channels = channels;
    this.#campaigns = campaigns;
  }

  matches(decision: EncodedDecision): boolean {
    return (
      (this.#channels === null || this.#channels.has(decision.channel)) &&
      (this.#campaigns === null || this.#campaigns.has(decision.campaign))
    );
  }
}

const parameters = ['channels', 'campaigns', 'from', 'group'];

export function parseStreamQuery(query: string): { readonly query: StreamQuery } | { readonly problem: Problem } {
  const values = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [name, value] = splitPair(pair);
    if (value === null) return { problem: badRequest(`"${pair}" is not valid percent-encoding of UTF-8`) };
    if (!parameters.includes(name)) {
      return {
        problem: badRequest(`"${name}" is no parameter of the decision stream: there are ${parameters.join(', ')}`),
      };
    }
    if (values.has(name))
      return { problem: badRequest(`"${name}" is given twice: give it once, with commas between names`) };
    values.set(name, value);
  }
  if (values.has('group')) return { problem: groupProblem };
  const channels = parseNames('channels', values);
  if ('problem' in channels) return channels;
  const campaigns = parseNames('campaigns', values);
  if ('problem' in campaigns) return campaigns;
  const from = values.get('from') ?? 'latest';
  return { query: { filter: new DecisionFilter(channels.names, campaigns.names), from } };
}

const groupProblem: Problem = {
  status: 501,
  type: 'group',
  title: 'Groups are not supported yet',
  detail:
    'group= comes with NATS: until then each subscriber keeps its own cursor and gets every decision that its filters let through',
};

/** null: not decodable. */
function splitPair(pair: string): [string, string | null] {
  const equals = pair.indexOf('=');
  const name = equals < 0 ? pair : pair.slice(0, equals);
  const value = equals < 0 ? '' : pair.slice(equals + 1);
  try {
    return [name, decodeURIComponent(value.replaceAll('+', ' '))];
  } catch {
    return [name, null];
  }
}

function parseNames(
  parameter: string,
  values: ReadonlyMap<string, string>,
): { readonly names: ReadonlySet<string> | null } | { readonly problem: Problem } {
  const value = values.get(parameter);
  if (value === undefined) return { names: null };
  const names = value.split(',').map((name) => name.trim());
  if (names.includes('')) {
    const detail = `${parameter}= needs names with commas between them, got "${value}": leave it out for all ${parameter}`;
    return { problem: badRequest(detail) };
  }
  if (names.length > SUBSCRIBER_FILTER_NAMES_MAX) {
    return { problem: badRequest(`${parameter}= may have ${SUBSCRIBER_FILTER_NAMES_MAX} names, got ${names.length}`) };
  }
  return { names: new Set(names) };
}
