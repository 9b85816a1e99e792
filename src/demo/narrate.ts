/** A decision in words that need no manual: when, who, how, what, and why. */
import type { SeenDecision } from './decision-watch.ts';

const HOW: Readonly<Record<string, string>> = {
  pos: 'reads on the receipt',
  push: 'gets a push',
  sms: 'gets a text',
  email: 'gets an email',
  credit: 'is credited',
};

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** ` 2 Dec 10:04` in UTC. */
export function formatMoment(ts: string): string {
  const date = new Date(ts);
  return `${String(date.getUTCDate()).padStart(2)} ${MONTHS[date.getUTCMonth()]} ${ts.slice(11, 16)}`;
}

/** On a narrow screen the campaign's name is left out for this much of the message. */
const ROOM_MIN = 24;
/** Below this the variant is left out, so that the message has room. */
const WIDE = 140;

/** One line, at most `width` characters. */
export function narrate(decision: SeenDecision, width: number): string {
  const who = decision.customer === null ? 'someone without a card' : `customer ${decision.customer}`;
  const again = decision.follows === null ? '' : 'then ';
  const how = `${again}${HOW[decision.channel] ?? `is reached by ${decision.channel}`}`;
  const variant = decision.variant === null || width < WIDE ? '' : `, variant ${decision.variant}`;
  const head = `${formatMoment(decision.ts)}  ${who} ${how}: `;
  const why = `  (${decision.campaign}${variant})`;
  const tail = head.length + ROOM_MIN + why.length <= width ? why : '';
  const room = Math.max(2, width - head.length - tail.length);
  return `${head}${shorten(words(decision), room)}${tail}`.slice(0, width);
}

function words({ message, offer, campaign }: SeenDecision): string {
  if (message === null) return offer ?? campaign;
  return `“${Object.values(message).join(' · ')}”`;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 2)}…”`;
}
