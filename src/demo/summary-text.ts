/** The end of the demo in words. */
import { type CampaignRow, type Goal, type Summary, sum } from './summary.ts';

/** In the order in which they are looked at, as the README tells it; whatever else there is comes after. */
export const REASONS: readonly (readonly [string, string])[] = [
  ['late', 'the event came too late to act on'],
  ['full', 'too much was waiting already'],
  ['cancelled', 'what it waited for came in time'],
  ['superseded', 'it happened again, and the wait began anew'],
  ['withdrawn', 'the campaign went away while it waited'],
  ['lapsed', 'after the wait it was not true any more'],
  ['expired', 'the campaign or its offer was over'],
  ['holdout', 'kept aside, to measure what messages are worth'],
  ['limit', 'the campaign had as many as it may'],
  ['budget', 'the offer was used up'],
  ['offer', 'the customer had this offer already'],
  ['cooldown', 'the customer had this campaign a short while ago'],
  ['excluded', 'the customer had another of its kind a short while ago'],
  ['consent', 'the customer did not agree to any of the channels'],
  ['quiet_hours', 'it was night where the customer lives'],
  ['gap', 'the customer had just heard from us'],
  ['cap', 'the customer had heard enough from us'],
  ['outranked', 'better campaigns won the moment'],
  ['shadow', 'the campaign is only being tried: it would have been sent'],
];
const OUTCOMES = ['delivered', 'opened', 'clicked', 'converted', 'failed'] as const;

function count(value: number): string {
  return value.toLocaleString('en-GB');
}

/** At most `width` columns, but for the table's. `paced`: the events were held back so that they could be watched; a rate would say nothing about the engine. */
export function formatSummary(
  summary: Summary,
  campaigns: readonly CampaignRow[],
  width: number,
  paced = false,
): string {
  const rate = paced
    ? 'slowed down for watching; --fast shows how fast it can be'
    : `${count(summary.eventsPerSecond)}/s`;
  const words = [
    formatAnswers(summary),
    ...formatLifts(summary),
    summary.balanced
      ? `The numbers add up: for each of ${campaigns.length} campaigns, matched = decided + suppressed + waiting, and every decision came over the stream once.`
      : 'THE NUMBERS DO NOT ADD UP: matched ≠ decided + suppressed + waiting, or the stream differs from the counts.',
  ].filter((text) => text !== '');
  const lines = [
    ...wrap(
      `${count(summary.events)} events in ${summary.seconds.toFixed(1)} s (${rate}), ${count(summary.rejected)} rejected → ${count(summary.decisions)} decisions`,
      width,
    ),
    '',
    ...formatTable(campaignTable(summary, campaigns)),
    '',
    'Not sent, and why:',
    ...formatTable(reasonTable(summary.suppressed)),
    ...words.flatMap((text) => ['', ...wrap(text, width)]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The most decisions first. `waiting` is there if somebody waits. */
function campaignTable(summary: Summary, campaigns: readonly CampaignRow[]): string[][] {
  const channels = Object.keys(summary.byChannel).sort();
  const rows = [...campaigns].sort((a, b) => (summary.byCampaign[b.id] ?? 0) - (summary.byCampaign[a.id] ?? 0));
  const waiting = (text: string): string[] => (summary.waiting > 0 ? [text] : []);
  return [
    ['campaign', 'matched', ...channels, 'not sent', ...waiting('waiting')],
    ...rows.map((row) => [
      row.id,
      count(row.matched),
      ...channels.map((channel) => count(row.decided[channel] ?? 0)),
      count(sum(Object.values(row.suppressed))),
      ...waiting(count(row.waiting)),
    ]),
  ];
}

function reasonTable(suppressed: Readonly<Record<string, number>>): string[][] {
  const known = new Set(REASONS.map(([reason]) => reason));
  const others = Object.keys(suppressed).filter((reason) => !known.has(reason));
  return [...REASONS, ...others.map((reason) => [reason, ''] as const)]
    .filter(([reason]) => suppressed[reason])
    .map(([reason, why]) => [`  ${reason}`, count(suppressed[reason] ?? 0), why]);
}

function formatAnswers({ feedback, followUps, followUpsSuppressed }: Summary): string {
  const told = OUTCOMES.filter((outcome) => feedback[outcome]);
  if (told.length === 0) return '';
  const answers = `The gateways told what came of it: ${told.map((outcome) => `${count(feedback[outcome] ?? 0)} ${outcome}`).join(', ')}.`;
  const channels = Object.entries(followUps).sort();
  if (channels.length === 0) return answers;
  const stopped = sum(Object.values(followUpsSuppressed));
  const also = stopped > 0 ? `; ${count(stopped)} more could not be sent` : '';
  return `${answers} Where nobody looked, or nothing arrived, the next channel followed: ${channels.map(([channel, times]) => `${count(times)} by ${channel}`).join(', ')}${also}.`;
}

/** The demo's receipts were there before its messages: whatever the lift says, none is its cause. */
function formatLifts({ goals }: Summary): string[] {
  const lines = Object.entries(goals).map(([campaign, goal]) => formatLift(campaign, goal));
  if (lines.length === 0) return [];
  return [
    [
      'Customers who met the goal of a campaign (these receipts are history: a fair comparison finds nothing for sure):',
      ...lines,
    ].join('\n'),
  ];
}

function formatLift(campaign: string, { treated, held, lift, low, high }: Goal): string {
  const arms = `  ${campaign}: ${count(treated.converted)} of ${count(treated.exposed)} who heard from it, ${count(held.converted)} of ${count(held.exposed)} who did not`;
  if (lift === null || low === null || high === null) return `${arms}: too few to tell`;
  return `${arms}: lift ${percent(lift)} (95 %: ${percent(low)} to ${percent(high)})`;
}

function percent(share: number): string {
  const whole = Math.round(share * 100);
  return `${whole < 0 ? '−' : whole > 0 ? '+' : ''}${count(Math.abs(whole))} %`;
}

/** At spaces, with an indent of its own for each line that is one already. */
function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, width));
}

function wrapLine(text: string, width: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  for (const word of text.trimStart().split(/ (?!%)/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${indent}${lines.length > 0 ? indent : ''}${word}`);
  }
  return lines;
}

/** First column to the left, numbers to the right, words after numbers to the left. */
function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || (/[a-z] /.test(cell) && cell !== 'not sent')
          ? cell.padEnd(widths[column] ?? 0)
          : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
