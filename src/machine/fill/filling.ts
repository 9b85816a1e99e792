/**
 * Filling new aggregates from history while the partition goes on (README, *Warm publishing*). Three phases, each begun by a record:
 *
 *   history  (begin)  the aggregates have columns behind those of the active version, which nothing reads. What events add to them goes to a journal, and records of images, made
 *                     elsewhere by replaying the history before the begin record, are put into the columns.
 *   filled   (end)    every image is there, and the journal has been added behind them, a part with each end record until it is empty: the columns hold what they would, had the aggregates been there all
 *                     along. Events add to them directly.
 *   over              a `workspace` record whose version has the aggregates takes the columns over, by name and signature; any other, a cancellation or a failure drops them.
 *
 * Laws: *what fills an aggregate is in the log*, so that replay derives the same; *nothing else changes meanwhile*: no decision, no event that is refused, no schedule, lease or wait. Where something has no room, the filling fails,
 * and never the event. A failed filling leaves with the record after the one that it failed in, because columns do not move in the midst of one.
 *
 * No snapshot is taken while `busy`: phase, journal and the meaning of the columns are no part of it, and recovery finds them by replaying from the begin record on.
 */
import { FILL_JOURNAL_DRAINED_MAX, FILL_MS_MAX } from '../../constants.ts';
import type { EventFrame } from '../../protocol/frame.ts';
import type { LogRecord } from '../../protocol/record.ts';
import { allReads, type EventReads, readsOf } from '../../rules/event-reads.ts';
import { ImageOutcome } from '../../state/aggregate-image.ts';
import type { AggregateImages } from '../../state/aggregate-images.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import { assert } from '../../stdx/assert.ts';
import type { ByteReader } from '../../stdx/bytes.ts';
import { checkedAggregates } from '../../workspace/compiled-check.ts';
import type { Aggregate, Workspace } from '../../workspace/workspace.ts';
import { type ActiveAggregate, type ActiveWorkspace, activateAggregate } from '../active-workspace.ts';
import type { Effects } from '../effects.ts';
import { evaluateObservation, Observation } from '../observation.ts';
import { FillJournal } from './fill-journal.ts';
import { FillStep, readBegin, readFillRecord } from './fill-record.ts';

/** How the last filling that began here stands. */
export interface FillStatus {
  readonly id: string;
  /** Sequence of its begin record: history up to the record before it is what fills it. */
  readonly seq: number;
  readonly phase: 'history' | 'filled' | 'done' | 'failed';
  /** Why it failed; null otherwise. */
  readonly why: string | null;
}

interface Filled {
  readonly index: number;
  readonly active: ActiveAggregate;
}

export class Filling {
  readonly #state: PartitionState;
  /** Called before the columns of the state move. */
  beforeLayout: () => void = () => {};
  #status: FillStatus | null = null;
  /** Its columns are in the state. */
  #busy = false;
  #beganTs = 0;
  #active: ActiveWorkspace | null = null;
  #aggregates: readonly Aggregate[] = [];
  #byType: readonly (readonly Filled[])[] = [];
  #images: AggregateImages | null = null;
  #journal: FillJournal | null = null;
  /** Records of images that were taken. */
  #taken = 0;
  /** Of the record that is being applied. */
  #effects: Effects | null = null;
  readonly #number = new Float64Array(1);
  readonly #text = [''];

  constructor(state: PartitionState) {
    this.#state = state;
  }

  /** null: none ever began since the partition was restored. */
  get status(): FillStatus | null {
    return this.#status;
  }

  /** How many began: the fast way asks whether it has to read more of events than before. */
  begun = 0;

  /** No snapshot may begin. */
  get busy(): boolean {
    return this.#busy;
  }

  /** What else of an event's texts is read while it lasts. */
  reads(type: number, reads: EventReads): EventReads {
    const programs = (this.#byType[type] ?? []).flatMap(({ index }) => {
      const { value, when } = this.#aggregates[index] as Aggregate;
      return [value, when].filter((program) => program !== null);
    });
    return programs.length === 0 ? reads : allReads([reads, readsOf(programs)]);
  }

  /** At the beginning of every record: one that failed leaves, and one that lasts too long fails. */
  open(ts: number, effects: Effects): void {
    this.#effects = effects;
    if (!this.#busy) return;
    if (ts - this.#beganTs > FILL_MS_MAX) this.#fail(`history was not there within ${FILL_MS_MAX / 60_000} minutes`);
    if (this.#status?.phase === 'failed') this.#leave();
  }

  /**
   * A record of kind fill, with the version that is active. False: it cannot be read. Total over payloads; what does not belong to the filling under way changes nothing, nor
   * does its beginning once more.
   */
  take({ payload, seq, ts }: LogRecord, active: ActiveWorkspace | null, logTime: number): boolean {
    let isOwn = false;
    try {
      const { step, id, rest } = readFillRecord(payload);
      isOwn = this.#busy && this.#status?.id === id;
      if (step < FillStep.begin || step > FillStep.cancel) return false;
      if (isOwn) this.#goOn(step, rest, logTime);
      else if (step === FillStep.begin) this.#begin(id, rest, seq, ts, active);
      return true;
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError)) throw error;
      if (isOwn) this.#fail('a record of it cannot be read');
      return false;
    }
  }

  /** Folds an event that was accepted into the aggregates that are being filled. */
  observe(event: EventFrame, row: number, logTime: number): void {
    const filled = this.#byType[event.type];
    // An anonymous event leaves nothing behind.
    if (filled === undefined || row === this.#state.anonymousRow || this.#active === null) return;
    for (const each of filled) {
      const fault = this.#take(each, this.#active, event, row, logTime);
      if (fault === null) continue;
      this.#fail(fault);
      return;
    }
  }

  /** A version is about to take over the columns: of a filling that is not filled it must not find any. */
  beforeVersion(): void {
    if (this.#busy && this.#status?.phase !== 'filled') {
      this.#fail('another version was published');
      this.#leave();
    }
    this.beforeLayout();
  }

  /** It has taken them over. */
  activated({ version, aggregates }: Workspace): void {
    if (!this.#busy) return;
    const lost = this.#aggregates.some(({ name, signature }) =>
      aggregates.every((other) => other.name !== name || other.signature !== signature),
    );
    if (lost) this.#fail(`version ${version} does not have what was filled`);
    else this.#tell('done', null);
    this.#forget();
  }

  #begin(id: string, rest: ByteReader, seq: number, ts: number, active: ActiveWorkspace | null): void {
    const { version, aggregates } = readBegin(rest);
    if (this.#busy) this.#leave();
    this.#status = { id, seq, phase: 'history', why: null };
    this.#beganTs = ts;
    this.begun++;
    const refused = this.#prepare(version, aggregates, active);
    if (refused !== null) this.#fail(refused);
  }

  #goOn(step: number, rest: ByteReader, logTime: number): void {
    if (step === FillStep.cancel) this.#fail('it was given up');
    else if (step === FillStep.begin || this.#status?.phase !== 'history') return;
    else if (step === FillStep.images) this.#takeImages(rest, logTime);
    else this.#end(rest.u32());
  }

  /** A text says why it cannot begin; nothing of the state has changed then. */
  #prepare(version: number, aggregates: readonly Aggregate[], active: ActiveWorkspace | null): string | null {
    if (active === null || active.workspace.version !== version)
      return `version ${version} is not the one that is active`;
    const { workspace } = active;
    const first = workspace.schema.profile.length;
    let added: Aggregate[];
    let byType: Filled[][];
    try {
      added = checkedAggregates(aggregates, workspace.schema).map((each, i) => ({ ...each, slot: first + i }));
      byType = workspace.schema.events.map(({ index: type }) =>
        added.flatMap((each, index) => (each.event === type ? [{ index, active: activateAggregate(each) }] : [])),
      );
    } catch (error) {
      // Whatever the compilers dislike is in the record: it is data.
      return `it cannot be compiled: ${error instanceof Error ? error.message : String(error)}`;
    }
    const held = added.find(({ name, signature }) =>
      workspace.aggregates.some((other) => other.name === name && other.signature === signature),
    );
    if (held !== undefined) return `version ${version} has ${held.name} already`;
    this.beforeLayout();
    const layout = { attributes: workspace.attributes, aggregates: [...workspace.aggregates, ...added] };
    const refused = this.#state.configure(layout);
    if (refused !== null) return refused;
    this.#busy = true;
    this.#active = active;
    this.#aggregates = added;
    this.#byType = byType;
    this.#images = this.#state.aggregateImages(added.map(({ slot }) => slot));
    this.#journal = new FillJournal();
    this.#taken = 0;
    return null;
  }

  #takeImages(rest: ByteReader, logTime: number): void {
    const number = rest.u32();
    // It came again.
    if (number < this.#taken) return;
    const fault =
      number > this.#taken ? `images ${number} do not follow ${this.#taken - 1}` : this.#read(rest, logTime);
    if (fault === null) this.#taken++;
    else this.#fail(fault);
  }

  /** A text says what is wrong. */
  #read(rest: ByteReader, logTime: number): string | null {
    const images = this.#images as AggregateImages;
    while (rest.remaining > 0) {
      const row = this.#state.find(rest.text());
      if (row < 0) return 'history has a customer who is not known here';
      const outcome = images.read(row, logTime, rest);
      if (outcome !== ImageOutcome.stored)
        return outcome === ImageOutcome.full ? NO_MEMORY : 'an image of it cannot be read';
    }
    return null;
  }

  #end(records: number): void {
    if (records !== this.#taken) {
      this.#fail(`${this.#taken} of ${records} records of images came`);
      return;
    }
    const journal = this.#journal as FillJournal;
    const stored = journal.drain(FILL_JOURNAL_DRAINED_MAX, (index, row, time, logTime, number, text) => {
      this.#state.beginChange(row);
      return this.#observeNow(index, row, time, logTime, number, text);
    });
    if (!stored) this.#fail(NO_MEMORY);
    else if (journal.drained) {
      this.#journal = null;
      this.#tell('filled', null);
    }
  }

  /** A text says why it cannot be kept. */
  #take(
    { index, active }: Filled,
    { profile }: ActiveWorkspace,
    event: EventFrame,
    row: number,
    logTime: number,
  ): string | null {
    try {
      const outcome = evaluateObservation(active, event, profile, logTime, 0, this.#number, this.#text);
      if (outcome !== Observation.take) return null;
    } catch (error) {
      // Nobody has checked the programs of a record against the schema.
      return `it cannot be evaluated: ${error instanceof Error ? error.message : String(error)}`;
    }
    const number = active.isText ? 0 : (this.#number[0] as number);
    const text: unknown = active.isText ? this.#text[0] : '';
    if (typeof text !== 'string') return 'it cannot be evaluated: what is no text was taken for one';
    if (this.#journal === null) return this.#observeNow(index, row, event.ts, logTime, number, text) ? null : NO_MEMORY;
    const added = this.#journal.add(index, row, event.ts, logTime, number, active.isText ? text : null);
    return added ? null : 'too many events came while history was being read';
  }

  #observeNow(index: number, row: number, time: number, logTime: number, number: number, text: string): boolean {
    return (this.#images as AggregateImages).observe(index, row, time, logTime, number, text);
  }

  #fail(why: string): void {
    this.#tell('failed', why);
    if (this.#effects !== null) this.#effects.fillError = why;
    this.#journal = null;
    this.#byType = [];
  }

  #tell(phase: FillStatus['phase'], why: string | null): void {
    this.#status = { ...(this.#status as FillStatus), phase, why };
  }

  /** Its columns go. */
  #leave(): void {
    const { attributes, aggregates } = (this.#active as ActiveWorkspace).workspace;
    this.beforeLayout();
    const refused = this.#state.configure({ attributes, aggregates });
    assert(refused === null, 'a layout with less in it always fits');
    this.#forget();
  }

  #forget(): void {
    this.#busy = false;
    this.#active = null;
    this.#aggregates = [];
    this.#byType = [];
    this.#images = null;
    this.#journal = null;
  }
}

const NO_MEMORY = 'the partition has no memory left for it';
