/**
 * An Engine in memory for tests of the gateway, under the test's control: it can be slow (hold), overloaded, failing, not ready, and its decision
 * streams can be filled, forgotten and read slowly. Events need a `type`; one whose data has `decide: [{channel, campaign}]` makes those decisions.
 */
import { unpack } from 'msgpackr';
import type {
  BacktestStart,
  CampaignCounts,
  Engine,
  EngineBacktests,
  EngineIssue,
  PublishOutcome,
  PublishPreview,
  WorkspaceSources,
} from '../../src/gateway/engine.ts';
import type { Audience, AudienceCount, AudienceRequest } from '../../src/protocol/audience.ts';
import type { BacktestRequest, BacktestStatus } from '../../src/protocol/backtest.ts';
import type { EncodedDecision } from '../../src/protocol/decision.ts';
import type { DecisionSource } from '../../src/protocol/decision-source.ts';
import type { BatchOutcome, DecideOutcome, EventBatch } from '../../src/protocol/ingest.ts';
import type { Rejection } from '../../src/protocol/rejection.ts';
import type { WaitingList } from '../../src/protocol/waiting.ts';
import type { WhyFormat, WhyOutcome, WhyQuestion } from '../../src/protocol/why.ts';

export interface FakeEvent {
  readonly id?: string;
  readonly type: string;
  readonly customer?: string;
  readonly data?: {
    readonly decide?: readonly { readonly channel: string; readonly campaign: string }[];
    /** Campaigns that the answer names as still waiting for units. */
    readonly waiting?: readonly string[];
  };
}

export class FakeDecisions implements DecisionSource {
  readonly identity: string;
  readonly #stored: EncodedDecision[][];
  readonly #first: number[];
  readonly #next: number[];
  readonly #listeners = new Set<(partition: number, decisions: readonly EncodedDecision[]) => void>();
  reads = 0;
  readsInFlight = 0;
  readsInFlightMax = 0;
  /** How long a reading takes. */
  readDelay: () => Promise<void> = () => Promise.resolve();
  readFailure: Error | null = null;
  /** Decisions are stored, but not announced until announce(): the record that made them is not durable yet. */
  quiet = false;

  constructor(partitions: number, identity: string) {
    this.identity = identity;
    this.#stored = Array.from({ length: partitions }, () => []);
    this.#first = this.#stored.map(() => 1);
    this.#next = this.#stored.map(() => 1);
  }

  positions(): { first: readonly number[]; next: readonly number[] } {
    return { first: [...this.#first], next: [...this.#next] };
  }

  subscribe(listener: (partition: number, decisions: readonly EncodedDecision[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async read(partition: number, from: number, bytesMax: number): Promise<readonly EncodedDecision[]> {
    this.reads++;
    this.readsInFlight++;
    this.readsInFlightMax = Math.max(this.readsInFlightMax, this.readsInFlight);
    await this.readDelay();
    this.readsInFlight--;
    if (this.readFailure !== null) throw this.readFailure;
    const found: EncodedDecision[] = [];
    let bytes = 0;
    const start = Math.max(from, this.#first[partition] as number) - 1;
    for (const decision of this.#stored[partition]?.slice(start) ?? []) {
      found.push(decision);
      bytes += decision.json.length;
      if (bytes >= bytesMax) break;
    }
    return found;
  }

  /** Stores and announces one decision; returns its id. */
  append(partition: number, channel = 'push', campaign = 'hearts', padding = 0): string {
    return this.appendAll(partition, [{ channel, campaign }], padding)[0] as string;
  }

  appendAll(
    partition: number,
    targets: readonly { readonly channel: string; readonly campaign: string }[],
    padding = 0,
    event: FakeEvent | null = null,
  ): string[] {
    const stored = this.#stored[partition] as EncodedDecision[];
    const decisions = targets.map(({ channel, campaign }, i): EncodedDecision => {
      const number = stored.length + 1 + i;
      const decision = {
        id: `${partition}-${number}`,
        ts: '2010-12-01T08:26:00.000Z',
        customer: event?.customer ?? 'Zoë',
        campaign,
        variant: null,
        offer: null,
        channel,
        message: padding === 0 ? null : { text: 'x'.repeat(padding) },
        value: 6.9,
        expires: null,
        event: { id: event?.id ?? null, type: event?.type ?? 'receipt' },
        workspace: 1,
      };
      return { number, channel, campaign, json: Buffer.from(JSON.stringify(decision)) };
    });
    stored.push(...decisions);
    if (!this.quiet) this.announce();
    return decisions.map((decision) => `${partition}-${decision.number}`);
  }

  announce(): void {
    this.#stored.forEach((stored, partition) => {
      const decisions = stored.slice((this.#next[partition] as number) - 1);
      this.#next[partition] = stored.length + 1;
      if (decisions.length > 0) for (const listener of this.#listeners) listener(partition, decisions);
    });
  }

  /** Retention: the decisions before this number are gone. */
  forget(partition: number, before: number): void {
    this.#first[partition] = before;
  }

  json(partition: number, number: number): Uint8Array {
    const stored = this.#stored[partition] as EncodedDecision[];
    return (stored[number - 1] as EncodedDecision).json;
  }
}

const UNKNOWN_NAME = { issues: [{ file: 'where', line: 1, column: 9, message: 'unknown name `spent`' }] };
const AUDIENCE = { count: 12, customers: 34, ms: 0.5, asOf: '2010-12-01T08:26:00.000Z' };

const BACKTEST: BacktestStatus = {
  id: '1',
  status: 'running',
  progress: 0.25,
  started: '2010-12-01T08:26:00.000Z',
  ended: null,
  error: null,
  report: null,
};

export class FakeEngine implements Engine {
  readonly partitions: number;
  readonly decisions: FakeDecisions;
  /** Accepted events, in the order in which they were applied. */
  readonly applied: { readonly partition: number; readonly event: FakeEvent }[] = [];
  /** Payloads in which nothing could be parsed. */
  readonly unreadable: { readonly partition: number; readonly payload: Uint8Array }[] = [];
  readonly submitted: EventBatch[] = [];
  overloaded = false;
  /** Thrown by whatever is called next. */
  failure: Error | null = null;
  ready = true;
  sources: WorkspaceSources | null = { version: 1, files: { 'workspace.yaml': 'name: retail\n' } };
  readonly customers = new Map<string, object>();
  readonly waitingFor = new Map<string, WaitingList>();
  /** What was asked why; what is answered, null: an explanation. */
  readonly whyQuestions: WhyQuestion[] = [];
  /** Of those who asked: aborted once they have gone. */
  readonly whySignals: AbortSignal[] = [];
  whyOutcome: WhyOutcome | null = null;
  /** What was asked of audiences; one member each; thrown behind the last of them; how many are not closed. */
  readonly audienceRequests: AudienceRequest[] = [];
  audienceChunks: readonly string[] = ['{"id":"a"}\n', '{"id":"b"}\n'];
  audienceFailure: Error | null = null;
  audiencesOpen = 0;
  counts: readonly CampaignCounts[] = [];
  /** What was asked of backtests, and whether one is running. */
  readonly backtestRequests: BacktestRequest[] = [];
  backtesting = false;
  readonly backtests: EngineBacktests = {
    start: (request) => {
      this.backtestRequests.push(request);
      return this.backtesting ? null : { id: '1', started: this.#startBacktest(request) };
    },
    list: () => [BACKTEST],
    find: (id) => (id === BACKTEST.id ? BACKTEST : null),
    remove: (id) => {
      this.backtestsRemoved.push(id);
      this.#endBacktest();
      return id === BACKTEST.id;
    },
  };
  readonly backtestsRemoved: string[] = [];
  #endBacktest: () => void = () => {};
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};
  readonly #decided = new Map<string, Uint8Array[]>();

  constructor(partitions = 4, identity = 'test-streams') {
    this.partitions = partitions;
    this.decisions = new FakeDecisions(partitions, identity);
  }

  async #startBacktest({ files, live }: BacktestRequest): Promise<BacktestStart> {
    const [path = ''] = Object.keys(files);
    if (live.includes('nobody')) return { refused: 'there is no campaign "nobody"' };
    if (path === 'bad.yaml') return UNKNOWN_NAME;
    // Begins for as long as nobody ends it.
    if (path !== 'endless.yaml') return { id: '1' };
    await new Promise<void>((resolve) => {
      this.#endBacktest = resolve;
    });
    return { cancelled: true };
  }

  /** From now on nothing is answered until release(). */
  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }
  release(): void {
    this.#open();
    this.#gate = Promise.resolve();
  }

  submit(batches: readonly EventBatch[]): Promise<readonly BatchOutcome[]> | null {
    if (this.overloaded) return null;
    this.submitted.push(...batches);
    return this.#later(() => batches.map((batch) => this.#apply(batch)));
  }

  decide(batch: EventBatch): Promise<DecideOutcome> | null {
    if (this.overloaded) return null;
    this.submitted.push(batch);
    return this.#later(() => {
      const [event] = decodePayload(batch.payload) ?? [];
      const outcome = this.#apply(batch);
      const decisions = this.#decided.get(keyOf(event)) ?? [];
      return {
        rejection: outcome.rejections[0] ?? null,
        repeated: outcome.repeated > 0,
        decisions,
        waiting: event?.data?.waiting ?? [],
      };
    });
  }

  customer(id: string): Promise<object | null> {
    return this.#later(() => this.customers.get(id) ?? null);
  }
  campaigns(): Promise<readonly CampaignCounts[]> {
    return this.#later(() => this.counts);
  }
  waiting(campaign: string, limit: number): Promise<WaitingList | null> {
    return this.#later(() => {
      const list = this.waitingFor.get(campaign);
      return list === undefined ? null : { ...list, customers: list.customers.slice(0, limit) };
    });
  }
  /** Of the customer `endless` nothing ever comes. */
  why(question: WhyQuestion, format: WhyFormat, signal: AbortSignal): Promise<WhyOutcome> | null {
    if (this.overloaded) return null;
    this.whyQuestions.push(question);
    this.whySignals.push(signal);
    if (question.customer === 'endless') return new Promise(() => {});
    return this.#later(() => this.whyOutcome ?? { body: format === 'json' ? '{"moments":[]}' : 'nothing happened\n' });
  }
  countAudience(where: string): Promise<AudienceCount | { readonly issues: readonly EngineIssue[] }> | null {
    if (this.overloaded) return null;
    return this.#later(() => (where.includes('spent') ? UNKNOWN_NAME : AUDIENCE));
  }
  openAudience(request: AudienceRequest): Promise<Audience | { readonly issues: readonly EngineIssue[] }> | null {
    if (this.overloaded) return null;
    this.audienceRequests.push(request);
    const chunks = this.audienceChunks;
    const failure = this.audienceFailure;
    const close = (): void => {
      this.audiencesOpen--;
    };
    async function* read(limit: number): AsyncGenerator<Uint8Array, void, undefined> {
      for (let i = 0; i < Math.min(limit, chunks.length); i++) yield Buffer.from(chunks[i] as string);
      if (failure !== null) throw failure;
    }
    return this.#later(() => {
      if (request.where.includes('spent')) return UNKNOWN_NAME;
      this.audiencesOpen++;
      return { ...AUDIENCE, members: chunks.length, read, close };
    });
  }
  workspace(): WorkspaceSources | null {
    return this.sources;
  }
  publish(
    files: Readonly<Record<string, string>>,
    basedOn: number | null,
    _history: 'fill' | 'skip',
    _key: string | null,
  ): Promise<PublishOutcome> | null {
    if (this.overloaded) return null;
    return this.#later((): PublishOutcome => {
      const active = this.sources?.version ?? 0;
      if (basedOn !== null && basedOn !== active) return { conflict: active };
      const bad = Object.keys(files).find((path) => files[path]?.includes('bad'));
      if (bad !== undefined) return { issues: [{ file: bad, line: 3, column: 7, message: 'no such event `bad`' }] };
      this.sources = { version: (this.sources?.version ?? 0) + 1, files };
      return { version: this.sources.version, changed: true, filled: [] };
    });
  }
  preview(files: Readonly<Record<string, string>>): Promise<PublishPreview> | null {
    if (this.overloaded) return null;
    return this.#later((): PublishPreview => {
      const bad = Object.keys(files).find((path) => files[path]?.includes('bad'));
      if (bad !== undefined)
        return { issues: [{ file: bad, line: 3, column: 7, message: 'no such event `bad`' }], warnings: [] };
      const filled = [{ aggregate: 'spend', changed: false, since: '2026-01-01T00:00:00.000Z', complete: true }];
      return { active: this.sources?.version ?? 0, filled, warnings: [] };
    });
  }
  metrics(): Promise<{ readonly contentType: string; readonly body: string }> {
    return this.#later(() => ({ contentType: 'text/plain; version=0.0.4', body: 'beckon_subscribers 0\n' }));
  }
  readiness(): { readonly ready: boolean; readonly detail: string } {
    return { ready: this.ready, detail: this.ready ? 'ready' : 'partition 3 is still reading its log' };
  }

  async #later<T>(work: () => T): Promise<T> {
    const { failure } = this;
    await this.#gate;
    if (failure !== null) throw failure;
    return work();
  }

  #apply(batch: EventBatch): BatchOutcome {
    const events = decodePayload(batch.payload);
    if (events === null) {
      this.unreadable.push(batch);
      return {
        accepted: 0,
        repeated: 0,
        rejections: [{ index: 0, reason: 'syntax', error: 'not JSON: it ends too early' }],
      };
    }
    const rejections: Rejection[] = [];
    let repeated = 0;
    events.forEach((event, index) => {
      const rejection = check(event, index);
      if (rejection !== null) {
        rejections.push(rejection);
      } else if (event.id !== undefined && this.#decided.has(keyOf(event))) {
        repeated++;
      } else {
        this.applied.push({ partition: batch.partition, event });
        this.#decide(batch.partition, event);
      }
    });
    return { accepted: events.length - rejections.length, repeated, rejections };
  }

  #decide(partition: number, event: FakeEvent): void {
    const ids = this.decisions.appendAll(partition, event.data?.decide ?? [], 0, event);
    this.#decided.set(
      keyOf(event),
      ids.map((id) => this.decisions.json(partition, Number(id.split('-')[1]))),
    );
  }
}

function keyOf(event: FakeEvent | undefined): string {
  return `${event?.customer} ${event?.type} ${event?.id}`;
}

function check(event: unknown, index: number): Rejection | null {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    return { index, reason: 'field_type', error: 'an event is an object' };
  }
  const { type } = event as { type?: unknown };
  if (typeof type !== 'string') return { index, reason: 'missing_field', error: 'type: missing' };
  if (type.startsWith('unknown')) return { index, reason: 'unknown_type', error: `type: no event type "${type}"` };
  return null;
}

/** null: not readable. */
export function decodePayload(payload: Uint8Array): FakeEvent[] | null {
  try {
    const binary = (payload[0] as number) >= 0x80;
    const value: unknown = binary ? unpack(payload) : JSON.parse(new TextDecoder().decode(payload));
    return (Array.isArray(value) ? value : [value]) as FakeEvent[];
  } catch {
    return null;
  }
}
