/** A backtest's report as people read it: what differs, campaign by campaign, why decisions were lost and to whom, and how budgets were used up. */
import { wrap } from '../explain/layout.ts';
import type { BacktestReport, BeforeAfter, CampaignComparison, UnitsCourse } from '../protocol/backtest.ts';

/** More days are added up week by week. */
const DAYS_SHOWN_MAX = 31;
const UNITS_PER_TABLE = 4;
const NAME_LENGTH_MAX = 30;
/** Longer lines of text are hard to read. Tables are as wide as they are. */
const WIDTH_MAX = 100;

const REASONS: Readonly<Record<string, string>> = {
  quiet_hours: 'quiet hours',
  offer: 'offer per customer',
  unmatched: 'no longer matched',
  waiting: 'still waiting',
  follow_up: 'follow-up not sent',
  shadow: 'the campaign is in shadow now',
};

/** Why a campaign of this status matches nothing. */
const NOT_LIVE: Readonly<Record<string, string>> = {
  draft: 'the campaign is a draft',
  paused: 'the campaign is paused',
};

export interface TableStyle {
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

type Paint = (text: string, code: number) => string;

/** `workspace`: how it was named. */
export function backtestTable(report: BacktestReport, workspace: string, style: TableStyle): string {
  const { colour } = style;
  const width = Math.min(style.width, WIDTH_MAX);
  const paint: Paint = (text, code) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const clock = clockOf(report.timezone);
  const { decisions, campaigns } = report;
  const sections: (readonly string[])[] = [heading(report, workspace, clock, width)];
  const differing = campaigns.filter(differs);
  if (differing.length === 0) sections.push([paint(sameText(report), 32)]);
  else {
    sections.push(campaignTable(differing, report, paint), ...explained(differing, paint, width));
    const same = campaigns.filter((campaign) => !differs(campaign));
    if (same.length > 0)
      sections.push(wrap('', `As before: ${same.map(({ campaign }) => campaign).join(', ')}`, '', width));
    if (decisions.gained + decisions.lost + decisions.changed > 0) sections.push(channelTable(report, paint));
  }
  sections.push(...unitsTables(report.units, clock, paint));
  if (report.notes.length > 0) sections.push(report.notes.flatMap((note) => wrap('', note, '', width)));
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function heading(
  { from, to, historyFrom, timezone, events, seconds, eventsPerSecond, decisions }: BacktestReport,
  workspace: string,
  clock: (time: string) => string,
  width: number,
): string[] {
  const range = from === null || to === null ? 'over nothing' : `from ${clock(from)} to ${clock(to)} (${timezone})`;
  const reach =
    historyFrom === null ? 'history is kept from its beginning' : `history goes back to ${clock(historyFrom)}`;
  const pace = `${number(events)} events replayed in ${seconds.toFixed(1)} s (${number(eventsPerSecond)} events/s)`;
  return [
    `${workspace} ${range}`,
    ...wrap('', `${pace}; ${reach}`, '', width),
    `decisions  ${fromTo(decisions)}   kept ${number(decisions.kept)}, changed ${number(decisions.changed)}, gained ${number(decisions.gained)}, lost ${number(decisions.lost)}`,
  ];
}

function sameText({ decisions }: BacktestReport): string {
  if (decisions.before === 0) return 'Nothing was decided, before or after.';
  const each = decisions.before === 1 ? 'the one decision' : `each of the ${number(decisions.before)} decisions`;
  return `Nothing differs: ${each} is made again as it was.`;
}

function differs({ gained, lost, changed, matched }: CampaignComparison): boolean {
  return gained + lost + changed > 0 || matched.before !== matched.after;
}

function campaignTable(campaigns: readonly CampaignComparison[], report: BacktestReport, paint: Paint): string[] {
  const sorted = [...campaigns].sort(
    (a, b) => b.gained + b.lost + b.changed - (a.gained + a.lost + a.changed) || (a.campaign < b.campaign ? -1 : 1),
  );
  const rows = sorted.map(({ campaign, status, matched, decisions, ...counts }) => [
    named(campaign) + statusText(status),
    fromTo(matched),
    fromTo(decisions),
    percent(decisions),
    ...countCells(counts),
  ]);
  const { decisions } = report;
  rows.push(['all campaigns', '', fromTo(decisions), percent(decisions), ...countCells(decisions)]);
  const head = ['campaign', 'matched', 'decisions', '', 'kept', 'changed', 'gained', 'lost'];
  const lines = aligned(withoutIdle([head, ...rows], { changed: '·' }));
  return [paint(lines[0] as string, 1), ...lines.slice(1, -1), paint(lines.at(-1) as string, 1)];
}

function countCells({
  kept,
  changed,
  gained,
  lost,
}: Pick<CampaignComparison, 'kept' | 'changed' | 'gained' | 'lost'>): string[] {
  return [number(kept), signed(changed, ''), signed(gained, '+'), signed(lost, '−')];
}

function statusText({ before, after }: BeforeAfter<string | null>): string {
  if (before === after) return '';
  if (before === null) return ' (new)';
  return after === null ? ' (removed)' : ` (${before} → ${after})`;
}

/** Why decisions were lost, and to whom; and what of others changed. */
function explained(campaigns: readonly CampaignComparison[], paint: Paint, width: number): string[][] {
  const nameWidth = Math.min(NAME_LENGTH_MAX, Math.max(...campaigns.map(({ campaign }) => campaign.length)));
  const line = (campaign: string, count: number, text: string): string[] => [
    ...wrap(
      `${named(campaign).padEnd(nameWidth)}  ${number(count).padStart(7)}  `,
      text,
      ' '.repeat(nameWidth + 11),
      width,
    ),
  ];
  const sections: string[][] = [];
  const lost = campaigns.filter((campaign) => campaign.lost > 0);
  if (lost.length > 0)
    sections.push([
      paint('why decisions were lost', 1),
      ...lost.flatMap(({ campaign, status, lost: count, lostBy, displacedBy }) => {
        const reasons = list(lostBy, (reason) => reasonText(reason, status.after));
        const winners = list(displacedBy, (name) => name);
        return line(campaign, count, reasons + (winners === '' ? '' : `; displaced by ${winners}`));
      }),
    ]);
  const changed = campaigns.filter((campaign) => campaign.changed > 0);
  if (changed.length > 0)
    sections.push([
      paint('what changed in others', 1),
      ...changed.flatMap(({ campaign, changed: count, changes }) =>
        line(
          campaign,
          count,
          list(changes, (name) => name),
        ),
      ),
    ]);
  return sections;
}

function channelTable({ channels }: BacktestReport, paint: Paint): string[] {
  const rows = Object.entries(channels).map(([name, counts]) => [name, fromTo(counts), percent(counts)]);
  const lines = aligned([['channel', 'decisions', ''], ...rows]);
  return [paint(lines[0] as string, 1), ...lines.slice(1)];
}

function unitsTables(units: readonly UnitsCourse[], clock: (time: string) => string, paint: Paint): string[][] {
  if (units.length === 0) return [];
  const rows = units.map((course) => [
    `${named(course.id)} (${course.of})`,
    limitText(course),
    fromTo(course.used),
    fromTo(course.returned),
    fromTo(course.refused),
    exhaustion(course, clock),
  ]);
  const head = ['budgets and limits', 'limit', 'used', 'returned', 'refused', 'first refused'];
  const lines = aligned(withoutIdle([head, ...rows], { returned: '0', 'first refused': 'never' }));
  const sections = [[paint(lines[0] as string, 1), ...lines.slice(1)]];
  // Day by day only where it ran out: of the others the sum says enough.
  const moved = units.filter(
    ({ refused, days }) =>
      refused.before + refused.after > 0 &&
      days.some(({ used, returned }) => used.before - returned.before !== used.after - returned.after),
  );
  for (let i = 0; i < moved.length; i += UNITS_PER_TABLE)
    sections.push(courseTable(moved.slice(i, i + UNITS_PER_TABLE), paint));
  return sections;
}

/** In use at the end of each day, or week, beside what was when it began. */
function courseTable(units: readonly UnitsCourse[], paint: Paint): string[] {
  const days = [...new Set(units.flatMap((course) => course.days.map(({ day }) => day)))].sort();
  const step = days.length > DAYS_SHOWN_MAX ? 7 : 1;
  const shown = days.filter((_, index) => (index + 1) % step === 0 || index === days.length - 1);
  const rows = shown.map((until) => [
    dayText(until),
    ...units.map(({ days }) => {
      const upTo = days.filter(({ day }) => day <= until);
      const inUse = (world: keyof BeforeAfter): number =>
        upTo.reduce((total, { used, returned }) => total + used[world] - returned[world], 0);
      return fromTo({ before: inUse('before'), after: inUse('after') });
    }),
  ]);
  const lines = aligned([['used less returned, up to', ...units.map(({ id }) => named(id))], ...rows]);
  return [paint(lines[0] as string, 1), ...lines.slice(1)];
}

function limitText({ total, perDay }: UnitsCourse): string {
  const texts = [limited(total, ''), limited(perDay, ' a day')].filter((text) => text !== '');
  return texts.join(', ');
}

function limited({ before, after }: BeforeAfter<number | null>, unit: string): string {
  if (before === null && after === null) return '';
  const text = (limit: number | null): string => (limit === null ? 'none' : number(limit));
  return `${before === after ? text(after) : `${text(before)} → ${text(after)}`}${unit}`;
}

function exhaustion({ firstRefused }: UnitsCourse, clock: (time: string) => string): string {
  const text = (time: string | null): string => (time === null ? 'never' : clock(time));
  const { before, after } = firstRefused;
  return before === after ? text(after) : `${text(before)} → ${text(after)}`;
}

/** `status` in the workspace that decides; null: it does not have the campaign. */
function reasonText(reason: string, status: string | null): string {
  const notLive = reason !== 'unmatched' ? undefined : status === null ? 'the campaign is gone' : NOT_LIVE[status];
  return notLive ?? REASONS[reason] ?? reason;
}

/** `cap 40, outranked 10` */
function list(counts: Readonly<Record<string, number>>, name: (key: string) => string): string {
  return Object.entries(counts)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([key, count]) => `${name(key)} ${number(count)}`)
    .join(', ');
}

function fromTo({ before, after }: BeforeAfter): string {
  return before === after ? number(after) : `${number(before)} → ${number(after)}`;
}

function percent({ before, after }: BeforeAfter): string {
  if (before === after || before === 0) return '';
  const share = ((after - before) / before) * 100;
  const rounded = Math.abs(share) < 9.95 ? Math.abs(share).toFixed(1) : Math.abs(share).toFixed(0);
  return `${share < 0 ? '−' : '+'}${rounded} %`;
}

function signed(count: number, sign: string): string {
  return count === 0 ? '·' : `${sign}${number(count)}`;
}

function named(id: string): string {
  return id.length <= NAME_LENGTH_MAX ? id : `${id.slice(0, NAME_LENGTH_MAX - 1)}…`;
}

/** Leaves out the columns of these heads in which every row says that nothing happened. */
function withoutIdle(rows: readonly (readonly string[])[], idle: Readonly<Record<string, string>>): string[][] {
  const [head = [], ...others] = rows;
  const told = head.map((name, column) => idle[name] === undefined || others.some((row) => row[column] !== idle[name]));
  return rows.map((row) => row.filter((_, column) => told[column]));
}

/** The first column to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] as readonly string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** Local times such as `24 Dec 2010, 13:05`. */
function clockOf(timeZone: string): (time: string) => string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  });
  return (time) => format.format(new Date(time));
}

/** `2010-12-24` → `Fri 24 Dec 2010` */
function dayText(day: string): string {
  const format = { timeZone: 'UTC', weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' } as const;
  return new Intl.DateTimeFormat('en-GB', format).format(new Date(`${day}T00:00:00Z`)).replace(',', '');
}

function number(value: number): string {
  return value.toLocaleString('en-GB');
}
