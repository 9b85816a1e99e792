/** The end of the demo: what happened, and whether the numbers add up. */
import type { DecisionWatch } from './decision-watch.ts';

/** A row of GET /v1/campaigns. */
export interface CampaignRow {
  readonly id: string;
  readonly status: string;
  readonly matched: number;
  readonly decided: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly waiting: number;
}

export interface Summary {
  readonly events: number;
  readonly rejected: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly decisions: number;
  readonly byCampaign: Readonly<Record<string, number>>;
  readonly byChannel: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  /** Matches of events that came too late to act on. */
  readonly late: number;
  readonly waiting: number;
  /** Every campaign: matched = decided + suppressed + waiting, and what was decided is what came over the stream, each once. */
  readonly balanced: boolean;
}

export interface Sent {
  readonly accepted: number;
  readonly rejected: number;
  readonly seconds: number;
}

function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

export function summarize(sent: Sent, campaigns: readonly CampaignRow[], watch: DecisionWatch): Summary {
  const byCampaign: Record<string, number> = {};
  const byChannel: Record<string, number> = {};
  const suppressed: Record<string, number> = {};
  for (const campaign of campaigns) {
    byCampaign[campaign.id] = sum(Object.values(campaign.decided));
    for (const [channel, count] of Object.entries(campaign.decided))
      byChannel[channel] = (byChannel[channel] ?? 0) + count;
    for (const [reason, count] of Object.entries(campaign.suppressed))
      suppressed[reason] = (suppressed[reason] ?? 0) + count;
  }
  const decisions = sum(Object.values(byCampaign));
  return {
    events: sent.accepted,
    rejected: sent.rejected,
    seconds: Math.round(sent.seconds * 1000) / 1000,
    eventsPerSecond: Math.round(sent.accepted / sent.seconds),
    decisions,
    byCampaign,
    byChannel,
    suppressed,
    late: suppressed['late'] ?? 0,
    waiting: sum(campaigns.map(({ waiting }) => waiting)),
    balanced:
      watch.problem === null &&
      watch.repeated === 0 &&
      watch.received === decisions &&
      campaigns.every((row) => isBalanced(row, watch)),
  };
}

export function isBalanced(row: CampaignRow, watch: Pick<DecisionWatch, 'counts'>): boolean {
  const accounted = sum(Object.values(row.decided)) + sum(Object.values(row.suppressed)) + row.waiting;
  const streamed = watch.counts.get(row.id);
  const same =
    sum(streamed?.values() ?? []) === sum(Object.values(row.decided)) &&
    Object.entries(row.decided).every(([channel, count]) => (streamed?.get(channel) ?? 0) === count);
  return row.matched === accounted && same;
}

/** In the order in which they are looked at; whatever else there is comes after. */
const REASONS: readonly (readonly [string, string])[] = [
  ['late', 'the event came too late to act on'],
  ['expired', 'the campaign or its offer was over'],
  ['holdout', 'kept aside, to measure what the campaign is worth'],
  ['offer', 'the customer had this offer already'],
  ['cooldown', 'the customer had this campaign a short while ago'],
  ['consent', 'the customer did not agree to any of the channels'],
  ['quiet_hours', 'it was night where the customer lives'],
  ['cap', 'the customer had heard enough from us'],
  ['outranked', 'better campaigns won the moment'],
];

/** `paced`: the events were held back so that they could be watched; a rate would say nothing about the engine. */
export function formatSummary(summary: Summary, campaigns: readonly CampaignRow[], paced = false): string {
  const count = (value: number): string => value.toLocaleString('en-GB');
  const channels = Object.keys(summary.byChannel).sort();
  const rows = [...campaigns].sort((a, b) => (summary.byCampaign[b.id] ?? 0) - (summary.byCampaign[a.id] ?? 0));
  const table = [
    ['campaign', 'matched', ...channels, 'suppressed'],
    ...rows.map((row) => [
      row.id,
      count(row.matched),
      ...channels.map((channel) => count(row.decided[channel] ?? 0)),
      count(sum(Object.values(row.suppressed))),
    ]),
  ];
  const known = new Set(REASONS.map(([reason]) => reason));
  const reasons = [
    ...REASONS,
    ...Object.keys(summary.suppressed)
      .filter((reason) => !known.has(reason))
      .map((reason) => [reason, ''] as const),
  ];
  const lines = [
    `${count(summary.events)} events in ${summary.seconds.toFixed(1)} s (${paced ? 'slowed down for watching; --fast shows how fast it can be' : `${count(summary.eventsPerSecond)}/s`}), ${count(summary.rejected)} rejected → ${count(summary.decisions)} decisions`,
    '',
    ...formatTable(table),
    '',
    'Not sent, and why:',
    ...formatTable(
      reasons
        .filter(([reason]) => summary.suppressed[reason])
        .map(([reason, why]) => [`  ${reason}`, count(summary.suppressed[reason] ?? 0), why]),
    ),
    '',
    summary.balanced
      ? `The numbers add up: for each of ${campaigns.length} campaigns, matched = decided + suppressed + waiting, and every decision came over the stream once.`
      : 'THE NUMBERS DO NOT ADD UP: matched ≠ decided + suppressed + waiting, or the stream differs from the counts.',
  ];
  return `${lines.join('\n')}\n`;
}

/** First column to the left, numbers to the right, words after numbers to the left. */
function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || /[a-z] /.test(cell) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
