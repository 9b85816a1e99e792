/** What a subscriber asks for, from the query of `GET /v1/decisions`: everything wrong with it is said before the upgrade, as a problem document. */
import {
  GROUP_ACK_WAIT_MS_MAX,
  GROUP_ACK_WAIT_MS_MIN,
  GROUP_NAME_LENGTH_MAX,
  SUBSCRIBER_FILTER_NAMES_MAX,
} from '../constants.ts';
import type { EncodedDecision } from '../protocol/decision.ts';
import { badRequest, type Problem } from './problem.ts';

export interface StreamQuery {
  readonly filter: DecisionFilter;
  /** null: a subscriber of its own. */
  readonly group: GroupQuery | null;
  /** `latest`, `earliest`, or the text of a cursor. */
  readonly from: string;
}

/** What a member of a group asks for. */
export interface GroupQuery {
  readonly name: string;
  /** Sorted, without repeats; null: all. */
  readonly channels: readonly string[] | null;
  readonly campaigns: readonly string[] | null;
  /** null: as the group has it. */
  readonly ackWaitMs: number | null;
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

const parameters = ['channels', 'campaigns', 'from', 'group', 'ackWait'];

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
  const channels = parseNames('channels', values);
  if ('problem' in channels) return channels;
  const campaigns = parseNames('campaigns', values);
  if ('problem' in campaigns) return campaigns;
  const group = parseGroup(values, channels.names, campaigns.names);
  if (group !== null && 'problem' in group) return group;
  const from = values.get('from') ?? 'latest';
  return { query: { filter: new DecisionFilter(channels.names, campaigns.names), group, from } };
}

const GROUP_NAME = /^[A-Za-z0-9_-]+$/;

/** null: none is asked for. */
function parseGroup(
  values: ReadonlyMap<string, string>,
  channels: ReadonlySet<string> | null,
  campaigns: ReadonlySet<string> | null,
): GroupQuery | { readonly problem: Problem } | null {
  const name = values.get('group');
  const wait = values.get('ackWait');
  if (name === undefined) {
    return wait === undefined ? null : { problem: badRequest('ackWait= is for groups: give group= as well') };
  }
  if (!GROUP_NAME.test(name) || name.length > GROUP_NAME_LENGTH_MAX) {
    const rule = `1 to ${GROUP_NAME_LENGTH_MAX} letters, digits, - and _`;
    return { problem: badRequest(`group= needs a name of ${rule}, got "${name}"`) };
  }
  // They become subjects, in which other characters have a meaning; and no campaign or channel has them.
  const odd = [...(channels ?? []), ...(campaigns ?? [])].find((filter) => !GROUP_NAME.test(filter));
  if (odd !== undefined) {
    return { problem: badRequest(`a group can filter by names of letters, digits, - and _ only, got "${odd}"`) };
  }
  const ackWaitMs = wait === undefined ? null : parseDurationMs(wait);
  if (Number.isNaN(ackWaitMs)) {
    const bounds = `from ${GROUP_ACK_WAIT_MS_MIN / 1000}s to ${GROUP_ACK_WAIT_MS_MAX / 3_600_000}h`;
    return { problem: badRequest(`ackWait= needs a time ${bounds}, such as 90s or 5m, got "${wait}"`) };
  }
  return { name, channels: sorted(channels), campaigns: sorted(campaigns), ackWaitMs };
}

function sorted(names: ReadonlySet<string> | null): readonly string[] | null {
  return names === null ? null : [...names].sort();
}

/** NaN if it is none, or out of bounds. */
function parseDurationMs(text: string): number {
  const match = /^(\d{1,6})(s|m|h)$/.exec(text);
  if (match === null) return Number.NaN;
  const ms = Number(match[1]) * { s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 's' | 'm' | 'h'];
  return ms >= GROUP_ACK_WAIT_MS_MIN && ms <= GROUP_ACK_WAIT_MS_MAX ? ms : Number.NaN;
}

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
