/** The end of the demo in numbers: what happened, and whether it adds up. summary-text.ts says it in words. */
import type { DecisionWatch } from './decision-watch.ts';

type Counts = Readonly<Record<string, number>>;

interface Arm {
  readonly exposed: number;
  readonly converted: number;
}

/** Of a campaign with a goal: who was contacted against who was held out. lift: 0.1 is ten per cent more; null where there is too little to compare. */
export interface Goal {
  readonly treated: Arm;
  readonly held: Arm;
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** What the demo reads of a row of GET /v1/campaigns. */
export interface CampaignRow {
  readonly id: string;
  readonly status: string;
  readonly matched: number;
  readonly decided: Counts;
  readonly suppressed: Counts;
  readonly waiting: number;
  readonly followUps: { readonly decided: Counts; readonly suppressed: Counts };
  /** By channel, variant and outcome. */
  readonly feedback: Readonly<Record<string, Readonly<Record<string, Counts>>>>;
  readonly goal: Goal;
}

export interface Summary {
  readonly events: number;
  /** Feedback events that the gateways sent. */
  readonly answers: number;
  readonly rejected: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly decisions: number;
  readonly byCampaign: Counts;
  readonly byChannel: Counts;
  readonly suppressed: Counts;
  /** Matches of events that came too late to act on. */
  readonly late: number;
  readonly waiting: number;
  /** Decisions of cascades, by channel: beside `decisions`. */
  readonly followUps: Counts;
  /** Cascades that ended without one, by reason. */
  readonly followUpsSuppressed: Counts;
  /** By outcome. */
  readonly feedback: Counts;
  /** By campaign, of those whose goal somebody was watched for. */
  readonly goals: Readonly<Record<string, Goal>>;
  /** Every campaign: matched = decided + suppressed + waiting, and what was decided is what came over the stream, each once; follow-ups likewise. */
  readonly balanced: boolean;
}

export interface Sent {
  readonly accepted: number;
  readonly answers: number;
  readonly rejected: number;
  /** Until the events were acknowledged; without the evenings, when the gateways answer. */
  readonly seconds: number;
}

export function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

/** All that must come over the stream. */
export function decisionsOf(campaigns: readonly CampaignRow[]): number {
  return sum(
    campaigns.flatMap(({ decided, followUps }) => [...Object.values(decided), ...Object.values(followUps.decided)]),
  );
}

function addUp(all: Iterable<Counts>): Record<string, number> {
  const total: Record<string, number> = {};
  for (const counts of all)
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
  return total;
}

export function summarize(sent: Sent, campaigns: readonly CampaignRow[], watch: DecisionWatch): Summary {
  const byCampaign = Object.fromEntries(campaigns.map(({ id, decided }) => [id, sum(Object.values(decided))]));
  const suppressed = addUp(campaigns.map((row) => row.suppressed));
  const feedback = campaigns.flatMap((row) =>
    Object.values(row.feedback).flatMap((variants) => Object.values(variants)),
  );
  return {
    events: sent.accepted,
    answers: sent.answers,
    rejected: sent.rejected,
    seconds: Math.round(sent.seconds * 1000) / 1000,
    eventsPerSecond: Math.round(sent.accepted / sent.seconds),
    decisions: sum(Object.values(byCampaign)),
    byCampaign,
    byChannel: addUp(campaigns.map(({ decided }) => decided)),
    suppressed,
    late: suppressed['late'] ?? 0,
    waiting: sum(campaigns.map(({ waiting }) => waiting)),
    followUps: addUp(campaigns.map(({ followUps }) => followUps.decided)),
    followUpsSuppressed: addUp(campaigns.map(({ followUps }) => followUps.suppressed)),
    feedback: addUp(feedback),
    goals: Object.fromEntries(
      campaigns.flatMap(({ id, goal }) => (goal.treated.exposed + goal.held.exposed > 0 ? [[id, goal]] : [])),
    ),
    balanced:
      watch.problem === null &&
      watch.repeated === 0 &&
      watch.received === decisionsOf(campaigns) &&
      campaigns.every((row) => isBalanced(row, watch)),
  };
}

export function isBalanced(row: CampaignRow, watch: Pick<DecisionWatch, 'counts' | 'followUps'>): boolean {
  const accounted = sum(Object.values(row.decided)) + sum(Object.values(row.suppressed)) + row.waiting;
  return (
    row.matched === accounted &&
    isSame(row.decided, watch.counts.get(row.id)) &&
    isSame(row.followUps.decided, watch.followUps.get(row.id))
  );
}

function isSame(counted: Counts, streamed: ReadonlyMap<string, number> | undefined): boolean {
  return (
    sum(streamed?.values() ?? []) === sum(Object.values(counted)) &&
    Object.entries(counted).every(([channel, count]) => (streamed?.get(channel) ?? 0) === count)
  );
}
