/**
 * An explanation for a terminal: moment by moment, what was decided first, then who waits, then who lost and why, and last who did not match, with the part that was not true.
 *
 *     Wed 1 Dec 2010 08:26  receipt 536365
 *
 *       ✓ welcome  push “£5 off your second order”, offer welcome-5, decision 0-12
 *       ✗ hearts   push: cap two-messages-a-day: 2 of 2 in the 24 h before, at …
 *       · robins   profile.receipts_30d >= 3 (is 1)
 */
import type { CampaignVerdict, ExplainedMoment, Explanation, MomentCause, NotAsked } from '../protocol/explanation.ts';
import { detailLines } from './detail-text.ts';
import { lengthOf, padEnd, wrap } from './layout.ts';
import { LocalTime } from './local-time.ts';
import { countText, printable, released } from './quantities.ts';
import { coloured, MARKS, type MarkName, markOf, type Paint, plain } from './style.ts';
import { breakable, headline } from './verdict-words.ts';
import { eventName, Wording } from './wording.ts';

/** Lines longer than this are hard to read. */
const WIDTH_MAX = 100;
/** Longer names of campaigns push their own text to the right only. */
const NAME_LENGTH_MAX = 24;
/** Of those that did not match; all of them where details are wanted. */
const UNMATCHED_SHOWN_MAX = 40;
/** A ts that differs this much from the log's time is worth a word. */
const TS_DIFFERS_MS = 60_000;

export interface TextOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly colour: boolean;
  /** The whole predicate and every step of each campaign. */
  readonly detail: boolean;
}

interface Page {
  readonly width: number;
  readonly paint: Paint;
  readonly time: LocalTime;
  readonly detail: boolean;
}

/** Ends with a line break. */
export function explanationText(explanation: Explanation, { width, colour, detail }: TextOptions): string {
  const { customer, moments, timezone } = explanation;
  const page = {
    width: Math.min(width, WIDTH_MAX),
    paint: colour ? coloured : plain,
    time: new LocalTime(timezone),
    detail,
  };
  const who = customer === null ? 'Someone without a customer id' : `Customer ${printable(customer)}`;
  const seen = new Set(moments.flatMap(({ campaigns }) => campaigns.map(markOf)));
  const lines = [
    `${page.paint('bold', who)}   ${page.paint('dim', `times in ${page.time.zone}`)}`,
    ...moments.flatMap((moment) => ['', ...momentLines(moment, page, explanation.campaign)]),
    ...(moments.length === 0 ? ['', 'Nothing was found at which campaigns were asked.'] : []),
    '',
    ...reachLines(explanation, page),
    ...(seen.size === 0 ? [] : [legend(seen, page)]),
  ];
  return released(`${lines.join('\n')}\n`);
}

/** `campaign`: the only one that was asked about; null: all. */
function momentLines(moment: ExplainedMoment, page: Page, campaign: string | null): readonly string[] {
  const { paint, time, detail } = page;
  const wording = new Wording(time, moment);
  const head = `${paint('bold', time.full(moment.at))}  ${causeText(moment, wording)}`;
  const order = Object.keys(MARKS);
  const placeOf = (verdict: CampaignVerdict): number => order.indexOf(markOf(verdict));
  const verdicts = [...moment.campaigns].sort((a, b) => placeOf(a) - placeOf(b) || rankOf(a) - rankOf(b));
  const unmatched = verdicts.filter(({ result }) => result === 'unmatched').length;
  const hidden = detail ? 0 : Math.max(0, unmatched - UNMATCHED_SHOWN_MAX);
  const shown = verdicts.slice(0, verdicts.length - hidden);
  const nameWidth = Math.min(NAME_LENGTH_MAX, Math.max(0, ...shown.map((verdict) => lengthOf(nameOf(verdict)))));
  return [
    head,
    ...(verdicts.length === 0 ? wrap('  ', nobodyText(moment, campaign), '  ', page.width) : []),
    ...shown.flatMap((verdict) => verdictLines(verdict, nameWidth, wording, page)),
    ...(hidden > 0 ? [paint('dim', `  · and ${countText(hidden)} more that did not match`)] : []),
  ];
}

function nobodyText({ cause, workspace, notAsked }: ExplainedMoment, campaign: string | null): string {
  if (campaign === null || notAsked === undefined) return 'No campaign listens for this.';
  return `${campaign} was not asked: ${notAskedText(notAsked, cause, workspace)}.`;
}

function notAskedText({ status, on }: NotAsked, cause: MomentCause, version: number): string {
  if (status === 'absent') return `version ${version} has no such campaign`;
  if (status === 'draft' || status === 'paused')
    return `it was ${status === 'draft' ? 'a draft' : status} in version ${version}`;
  const what = on === '$schedule' ? 'ran by a schedule' : `listened for ${on}`;
  const not = cause.kind === 'event' ? `not for ${cause.type}` : 'and nothing of it was due';
  return `in version ${version} it ${what}, ${not}`;
}

function causeText(moment: ExplainedMoment, wording: Wording): string {
  const { cause, at, workspace } = moment;
  switch (cause.kind) {
    case 'event': {
      const differs = Math.abs(Date.parse(at) - Date.parse(cause.ts)) >= TS_DIFFERS_MS;
      return `${eventName(cause)}${differs ? `, of ${wording.when(cause.ts)}` : ''}`;
    }
    case 'due':
      return 'what was waiting fell due';
    case 'schedule':
      return `the schedule of ${wording.when(cause.due)}`;
    case 'units':
      return 'an answer about units of a budget or limit';
    case 'published':
      return `version ${workspace} of the workspace`;
  }
}

function verdictLines(verdict: CampaignVerdict, nameWidth: number, wording: Wording, page: Page): readonly string[] {
  const { paint, width } = page;
  const mark = MARKS[markOf(verdict)];
  const name = padEnd(nameOf(verdict), nameWidth);
  const indent = ' '.repeat(6 + nameWidth);
  const [first = '', ...rest] = page.detail ? [headline(verdict, wording)] : breakable(verdict, wording);
  const begin = `  ${mark.sign} ${name}  `;
  const lines = [...wrap(begin, first, indent, width), ...rest.flatMap((text) => wrap(indent, text, indent, width))];
  const body = lines.map((line, i) => (i === 0 ? line.slice(begin.length) : line));
  return [
    `  ${paint(mark.format, `${mark.sign} ${name}`)}  ${body[0]}`,
    ...body.slice(1),
    ...(page.detail ? detailLines(verdict, wording, paint, width) : []),
  ];
}

/** Those who did not come so far are told behind those who did. */
function rankOf({ steps }: CampaignVerdict): number {
  return steps.find((step) => step.step === 'rank')?.rank ?? Number.MAX_SAFE_INTEGER;
}

/** What a campaign in shadow loses to is not what production does. */
function nameOf({ campaign, status, reason }: CampaignVerdict): string {
  return status === 'shadow' && reason !== 'shadow' ? `${campaign} (shadow)` : campaign;
}

function reachLines(explanation: Explanation, { paint, time }: Page): readonly string[] {
  const { historyFrom, historyIsWhole, until, moments } = explanation;
  if (historyFrom === null) return ['No history is kept that could be explained.'];
  const last = moments.at(-1)?.at;
  const looked = until === null || until === last ? '' : `looked until ${time.full(until)}; `;
  const reach = historyIsWhole ? 'is kept from its beginning' : `reaches back to ${time.full(historyFrom)}`;
  return [
    paint(
      'dim',
      `${looked}history ${reach}`.replace(/^./, (a) => a.toUpperCase()),
    ),
  ];
}

function legend(seen: ReadonlySet<MarkName>, { paint }: Page): string {
  const marks = Object.entries(MARKS).filter(([name]) => seen.has(name as MarkName));
  return marks.map(([, { sign, format, meaning }]) => `${paint(format, sign)} ${paint('dim', meaning)}`).join('   ');
}
