/**
 * The engine behind the gateway's routes: what the gateway's interface asks for, put together from the shards, the ingest, the publication and the decision
 * streams of this node. The same for both kinds of log.
 */
import { NO_RESPONSES } from '../machine/aftermath/campaign-responses.ts';
import type { Audience, AudienceCount, AudienceRequest } from '../protocol/audience.ts';
import type { DecisionGroups } from '../protocol/decision-group.ts';
import type { DecisionSource } from '../protocol/decision-source.ts';
import type { BatchOutcome, DecideOutcome, EventBatch } from '../protocol/ingest.ts';
import type { WaitingList } from '../protocol/waiting.ts';
import type { WhyFormat, WhyOutcome, WhyQuestion } from '../protocol/why.ts';
import { partitionOf } from '../stdx/hash.ts';
import type { MetricsExposition } from '../telemetry/metrics-exposition.ts';
import type { AudienceRefusal, Audiences } from './audiences.ts';
import type { Backtests } from './backtests.ts';
import type { Ingest } from './ingest.ts';
import { type Lift, liftOf } from './lift.ts';
import type { CampaignTally } from './messages.ts';
import type { Publication, PublishPreview, PublishResult } from './publication.ts';
import type { Reasons } from './reasons.ts';
import type { Shards } from './shards.ts';

export interface EngineParts {
  readonly partitions: number;
  readonly shards: Shards;
  readonly ingest: Ingest;
  readonly publication: Publication;
  readonly audiences: Audiences;
  readonly reasons: Reasons;
  readonly backtests: Backtests;
  readonly decisions: DecisionSource;
  /** null: durable groups need streams that nodes share. */
  readonly groups: DecisionGroups | null;
  readonly exposition: MetricsExposition;
  /** What keeps the node from being ready besides a missing workspace; null: nothing. */
  readonly unready: () => string | null;
  /** Called before each scrape, to bring what is counted elsewhere up to date. */
  readonly beforeScrape: () => Promise<void>;
}

export class NodeEngine {
  readonly partitions: number;
  readonly decisions: DecisionSource;
  readonly groups?: DecisionGroups;
  readonly backtests: Backtests;
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.partitions = parts.partitions;
    this.decisions = parts.decisions;
    this.backtests = parts.backtests;
    if (parts.groups !== null) this.groups = parts.groups;
    this.#parts = parts;
  }

  submit(batches: readonly EventBatch[]): Promise<readonly BatchOutcome[]> | null {
    return this.#parts.ingest.submit(batches);
  }

  decide(batch: EventBatch): Promise<DecideOutcome> | null {
    return this.#parts.ingest.decide(batch);
  }

  customer(id: string): Promise<object | null> {
    return this.#parts.shards.customer(partitionOf(id, this.partitions), id);
  }

  why(question: WhyQuestion, format: WhyFormat, signal: AbortSignal): Promise<WhyOutcome> | null {
    return this.#parts.reasons.why(question, format, signal);
  }

  /** Every campaign of the active version, with its counts; and those that earlier versions had, as `removed`. */
  async campaigns(): Promise<readonly CampaignView[]> {
    const tallies = new Map((await this.#parts.shards.campaigns()).map((tally) => [tally.id, tally]));
    const active = this.#parts.publication.current?.campaigns ?? [];
    const status = new Map(active.map((campaign) => [campaign.id, campaign.status]));
    const ids = [...new Set([...status.keys(), ...tallies.keys()])].sort();
    return ids.map((id) => viewOf(tallies.get(id) ?? emptyTally(id), status.get(id) ?? 'removed'));
  }

  async waiting(campaign: string, limit: number): Promise<WaitingList | null> {
    const list = await this.#parts.shards.waiting(campaign, limit);
    const known = list.total > 0 || (await this.campaigns()).some(({ id }) => id === campaign);
    return known ? list : null;
  }

  countAudience(where: string): Promise<AudienceCount | AudienceRefusal> | null {
    return this.#parts.audiences.count(where);
  }

  openAudience(request: AudienceRequest): Promise<Audience | AudienceRefusal> | null {
    return this.#parts.audiences.open(request);
  }

  workspace(): { version: number; files: Readonly<Record<string, string>> } | null {
    const current = this.#parts.publication.current;
    return current === null ? null : { version: current.version, files: current.files };
  }

  publish(
    files: Readonly<Record<string, string>>,
    basedOn: number | null,
    history: 'fill' | 'skip',
    key: string | null,
  ): Promise<PublishResult> | null {
    return this.#parts.publication.publish(files, { basedOn, folderHash: null, history, key });
  }

  preview(files: Readonly<Record<string, string>>): Promise<PublishPreview> | null {
    return this.#parts.publication.preview(files);
  }

  async metrics(): Promise<{ contentType: string; body: string }> {
    await this.#parts.beforeScrape();
    return this.#parts.exposition.scrape();
  }

  readiness(): { ready: boolean; detail: string } {
    const detail = this.#parts.unready() ?? (this.#parts.publication.current === null ? NO_WORKSPACE : null);
    return { ready: detail === null, detail: detail ?? 'ready' };
  }
}

const NO_WORKSPACE = 'no workspace is active: publish one with `beckon publish DIR`, or start with --workspace DIR';

/** A campaign's counts as people see them. */
export interface CampaignView extends CampaignTally {
  readonly status: string;
  readonly goal: CampaignTally['goal'] & Lift;
}

function viewOf(tally: CampaignTally, status: string): CampaignView {
  return { ...tally, status, goal: { ...tally.goal, ...liftOf(tally.goal) } };
}

function emptyTally(id: string): CampaignTally {
  const errors = { errors: 0, valueErrors: 0, messageErrors: 0 };
  const books = { matched: 0, decided: {}, suppressed: {}, waiting: 0, outrankedBy: {}, skippedRuns: 0 };
  return { id, ...books, shadow: { decided: {}, displaced: {} }, ...errors, ...NO_RESPONSES };
}
