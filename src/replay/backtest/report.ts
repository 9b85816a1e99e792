/** Gathers what a backtest reports: the comparison's counts, the campaigns' books from beginning to end, and what must be said about them. */
import type { CampaignRow } from '../../machine/accounting.ts';
import type { Effects } from '../../machine/effects.ts';
import type { BacktestReport, BeforeAfter, CampaignComparison } from '../../protocol/backtest.ts';
import { assert } from '../../stdx/assert.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import { eventsOf } from '../events-of.ts';
import { type CampaignTally, CompareTally, Counts } from './compare-tally.ts';
import type { BacktestPartition } from './partition.ts';
import { UnitsTally } from './units-tally.ts';

/** A campaign's books, over all partitions, from where the candidate began. */
class Books {
  matched = 0;
  waiting = 0;
  readonly suppressed = new Counts();

  add(row: CampaignRow, sign: 1 | -1): void {
    this.matched += sign * row.matched;
    // What waits at the end, whenever it began.
    if (sign > 0) this.waiting += row.waiting;
    for (const [reason, count] of Object.entries(row.suppressed)) this.suppressed.add(reason, sign * count);
  }
}

type WorldBooks = Map<string, Books>;

export class BacktestReporter {
  readonly #candidate: Workspace;
  readonly #monotonicMs: () => number;
  readonly #startedMs: number;
  readonly #tally = new CompareTally();
  readonly #units: UnitsTally;
  readonly #books: BeforeAfter<WorldBooks> = { before: new Map(), after: new Map() };
  readonly #incomplete = new Map<string, number>();
  readonly #missing = new Map<string, string>();
  #records = 0;
  #events = 0;
  #accepted = 0;
  #acceptedAfter = 0;
  #replayedEvents = 0;
  #fromMs = Number.POSITIVE_INFINITY;
  #toMs = 0;
  #parted = false;
  /** The one that was active in the end, before. */
  #last: Workspace | null = null;
  readonly #versions = new Set<number>();

  constructor(candidate: Workspace, monotonicMs: () => number) {
    this.#candidate = candidate;
    this.#monotonicMs = monotonicMs;
    this.#startedMs = monotonicMs();
    this.#units = new UnitsTally(candidate);
  }

  get hasRecords(): boolean {
    return this.#records > 0;
  }

  /** An aggregate of the candidate lacks what came before history. */
  isIncomplete(name: string, sinceMs: number): void {
    this.#incomplete.set(name, sinceMs);
  }

  /** An aggregate of the candidate could not be filled under a version of the log. */
  isMissing(name: string, why: string): void {
    this.#missing.set(name, why);
  }

  /** A record was replayed, of the prefix or behind it. */
  replayed(effects: Effects): void {
    this.#replayedEvents += eventsOf(effects);
  }

  /** Both worlds are the same here. */
  begin(partition: BacktestPartition): void {
    partition.compare(this.#tally, this.#units);
    const rows = partition.before.machine.campaigns();
    addBooks(this.#books.before, rows, -1);
    addBooks(this.#books.after, rows, -1);
  }

  /** `beginsMs`: log time with which the record begins; null: it does not say. */
  record({ before, workspace }: BacktestPartition, beginsMs: number | null): void {
    const { effects, machine } = before;
    this.#records++;
    if (beginsMs !== null) this.#fromMs = Math.min(this.#fromMs, beginsMs);
    this.#events += eventsOf(effects);
    this.#accepted += effects.accepted;
    this.#toMs = Math.max(this.#toMs, machine.logTime);
    if (workspace === null || workspace === this.#last) return;
    this.#versions.add(workspace.version);
    if (workspace.version >= (this.#last?.version ?? 0)) this.#last = workspace;
  }

  end({ before, after, accepted }: BacktestPartition): void {
    this.#acceptedAfter += accepted;
    addBooks(this.#books.before, before.machine.campaigns(), 1);
    addBooks(this.#books.after, after.machine.campaigns(), 1);
  }

  /** What one partition told another differed. */
  parted(): void {
    this.#parted = true;
  }

  /** `startMs`: where the candidate began, `sinceMs`: where history does; null: with the first record. */
  report(startMs: number | null, sinceMs: number | null): BacktestReport {
    const seconds = (this.#monotonicMs() - this.#startedMs) / 1000;
    const campaigns = this.#campaigns();
    const sum = (pick: (campaign: CampaignComparison) => number): number =>
      campaigns.reduce((total, campaign) => total + pick(campaign), 0);
    return {
      from: startMs !== null ? timeText(startMs) : Number.isFinite(this.#fromMs) ? timeText(this.#fromMs) : null,
      to: this.#toMs === 0 ? null : timeText(this.#toMs),
      historyFrom: sinceMs === null ? null : timeText(sinceMs),
      timezone: this.#candidate.timezone,
      records: this.#records,
      events: this.#events,
      accepted: { before: this.#accepted, after: this.#acceptedAfter },
      seconds: Math.round(seconds * 1000) / 1000,
      eventsPerSecond: seconds === 0 ? 0 : Math.round(this.#replayedEvents / seconds),
      decisions: {
        before: sum(({ decisions }) => decisions.before),
        after: sum(({ decisions }) => decisions.after),
        ...this.#tally.sum(),
      },
      channels: this.#channels(campaigns),
      campaigns,
      units: this.#units.courses({ before: this.#last, after: this.#candidate }),
      notes: this.#notes(startMs, sinceMs),
    };
  }

  #campaigns(): CampaignComparison[] {
    const { before, after } = this.#books;
    const ids = new Set([...before.keys(), ...after.keys(), ...this.#tally.ids]);
    return [...ids]
      .sort()
      .map((id) => this.#campaign(id))
      .filter(
        ({ matched, decisions, waiting }) =>
          matched.before + matched.after + decisions.before + decisions.after + waiting.before + waiting.after > 0,
      );
  }

  #campaign(id: string): CampaignComparison {
    const tally = this.#tally.of(id);
    const books = {
      before: this.#books.before.get(id) ?? new Books(),
      after: this.#books.after.get(id) ?? new Books(),
    };
    const { kept, changed, gained, lost } = tally;
    assertBalanced(id, tally);
    return {
      campaign: id,
      status: { before: statusIn(this.#last, id), after: statusIn(this.#candidate, id) },
      matched: { before: books.before.matched, after: books.after.matched },
      decisions: { before: tally.before.decisions, after: tally.after.decisions },
      channels: channelsOf([tally], this.#candidate),
      suppressed: { before: books.before.suppressed.object(), after: books.after.suppressed.object() },
      waiting: { before: books.before.waiting, after: books.after.waiting },
      kept,
      changed,
      gained,
      lost,
      changes: tally.changes.object(),
      lostBy: tally.lostBy.object(),
      displacedBy: tally.displacedBy.object(),
    };
  }

  #channels(campaigns: readonly CampaignComparison[]): Record<string, BeforeAfter> {
    return channelsOf(
      campaigns.map(({ campaign }) => this.#tally.of(campaign)),
      this.#candidate,
    );
  }

  #notes(startMs: number | null, sinceMs: number | null): string[] {
    const notes: string[] = [];
    if (startMs !== null && startMs === sinceMs)
      notes.push(`Nothing before ${timeText(startMs)} is kept: the comparison begins there.`);
    for (const [name, ms] of this.#incomplete)
      notes.push(`profile.${name} is new, and holds nothing of what came before ${timeText(ms)}.`);
    for (const [name, why] of this.#missing) notes.push(`profile.${name} is new, and was not filled: ${why}.`);
    if (this.#versions.size > 1)
      notes.push(
        `Before, versions ${[...this.#versions].sort((a, b) => a - b).join(', ')} of the workspace followed one another; after, this one decides all along.`,
      );
    if (this.#accepted !== this.#acceptedAfter)
      notes.push(
        `Of the events ${this.#accepted} were accepted before, ${this.#acceptedAfter} after: the workspaces declare different fields.`,
      );
    if (this.#parted) notes.push('Budgets and limits are dealt out to the partitions otherwise than they were.');
    notes.push(...this.#silent());
    if (this.#tally.sum().gained > 0)
      notes.push(
        'Nobody answered decisions that were not sent: gained ones have no feedback, clicks or goals of theirs.',
      );
    return notes;
  }

  /** Campaigns of the candidate that decide nothing, whoever asked for them. */
  #silent(): string[] {
    const notes: string[] = [];
    const { campaigns } = this.#candidate;
    const drafts = campaigns.filter(({ status }) => status === 'draft').map(({ id }) => id);
    const [one] = drafts;
    if (drafts.length === 1) notes.push(`${one} is a draft, and decides nothing: \`--live ${one}\` takes it as live.`);
    else if (one !== undefined)
      notes.push(`Drafts decide nothing (\`--live ${one}\` takes one as live): ${drafts.join(', ')}.`);
    for (const { id, status } of campaigns) {
      if (status !== 'shadow') continue;
      const count = this.#books.after.get(id)?.suppressed.get('shadow') ?? 0;
      notes.push(`${id} is in shadow: it would have sent ${count}, and sends nothing.`);
    }
    return notes;
  }
}

function addBooks(books: WorldBooks, rows: readonly CampaignRow[], sign: 1 | -1): void {
  for (const row of rows) {
    let own = books.get(row.id);
    if (own === undefined) {
      own = new Books();
      books.set(row.id, own);
    }
    own.add(row, sign);
  }
}

function statusIn(workspace: Workspace | null, campaign: string): string | null {
  return workspace?.campaigns.find(({ id }) => id === campaign)?.status ?? null;
}

/** In the order of the workspace, those that it does not have behind; none where nothing was sent. */
function channelsOf(tallies: readonly CampaignTally[], { channels }: Workspace): Record<string, BeforeAfter> {
  const names = new Set([
    ...channels,
    ...tallies.flatMap(({ before, after }) => [...before.channels.names, ...after.channels.names]),
  ]);
  const entries = [...names].map((name) => {
    const before = tallies.reduce((sum, tally) => sum + tally.before.channels.get(name), 0);
    const after = tallies.reduce((sum, tally) => sum + tally.after.channels.get(name), 0);
    return [name, { before, after }] as const;
  });
  return Object.fromEntries(entries.filter(([, { before, after }]) => before + after > 0));
}

function assertBalanced(id: string, { before, after, kept, changed, gained, lost }: CampaignTally): void {
  assert(before.decisions === kept + changed + lost, `${id}: every decision before is kept, changed or lost`);
  assert(after.decisions === kept + changed + gained, `${id}: every decision after is kept, changed or gained`);
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
