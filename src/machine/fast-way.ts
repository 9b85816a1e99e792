/**
 * The fast way of a message's events: decoded in batches straight into frames, found and counted by the bytes of their ids, without an object or a
 * string per event. It does what the thorough way in machine.ts does, for events that nothing is wrong with: at the first that needs more (a type of the
 * engine's, an id that is not ASCII, anything that must be refused and explained) it stops without having changed anything for it, and the thorough way
 * takes that event and all behind it. A property test holds the two ways to the same state and effects.
 *
 * Customers of a batch are looked up together, because the loads of many lookups overlap while those of one wait for each other.
 */
import { BATCH_EVENTS } from '../constants.ts';
import type { EventFrame } from '../protocol/frame.ts';
import type { LogRecord } from '../protocol/record.ts';
import { columnKey, type EventReads } from '../rules/event-reads.ts';
import type { IdSeed, PartitionState } from '../state/partition-state.ts';
import { fnv1a32Bytes } from '../stdx/hash.ts';
import type { ActiveEvent, ActiveWorkspace } from './active-workspace.ts';
import { BatchDecoder } from './decode/batch-decoder.ts';
import { EventBatch } from './decode/event-batch.ts';
import { asciiText } from './decode/input-bytes.ts';
import type { WantedText } from './decode/wanted-text.ts';
import { ACCEPTED, type Effects, REPEATED } from './effects.ts';
import type { Filling } from './fill/filling.ts';
import type { Globals, MachineIdentity } from './globals.ts';
import type { UnitsStep } from './leases/units-step.ts';
import { acceptedTime } from './log-time.ts';
import type { Steps } from './steps.ts';
import type { Tracer } from './trace/tracer.ts';

export class FastWay {
  readonly #identity: MachineIdentity;
  readonly #state: PartitionState;
  readonly #globals: Globals;
  readonly #steps: Steps;
  readonly #units: UnitsStep;
  readonly #tracer: Tracer | null;
  #decoder: BatchDecoder;
  readonly #batch = new EventBatch();
  /** By place in the batch: the customer's row; -1 where there was none when the batch began. */
  readonly #rows = new Int32Array(BATCH_EVENTS);
  /** By place in the batch. */
  readonly #seeds: IdSeed[] = [];
  /** Whether an event of the batch made a customer. */
  #rowsMade = false;
  /** By event type. */
  readonly #seedOfType: readonly IdSeed[];
  readonly #filling: Filling;
  /** By event type, of the fillings so far. */
  #reads: readonly EventReads[];
  #fillings: number;
  readonly #accepted: Uint32Array;
  readonly #repeated: Uint32Array;

  constructor(
    identity: MachineIdentity,
    state: PartitionState,
    globals: Globals,
    steps: Steps,
    units: UnitsStep,
    tracer: Tracer | null,
  ) {
    this.#units = units;
    this.#tracer = tracer;
    this.#identity = identity;
    this.#state = state;
    this.#globals = globals;
    this.#steps = steps;
    const { events } = steps.active.workspace.schema;
    this.#filling = steps.filling;
    this.#fillings = this.#filling.begun;
    this.#reads = this.#readsNow();
    this.#decoder = this.#newDecoder();
    this.#seedOfType = events.map((event) => state.idSeed(event.type));
    this.#accepted = new Uint32Array(events.length);
    this.#repeated = new Uint32Array(events.length);
  }

  /** Applies events up to the first that it must leave; returns the index of that one, -1 if it took them all. */
  apply(record: LogRecord, effects: Effects): number {
    if (this.#fillings !== this.#filling.begun) this.#readMore();
    const decoder = this.#decoder;
    const batch = this.#batch;
    decoder.open(record.payload);
    let left = -1;
    while (left < 0 && decoder.next(batch) > 0) left = this.#applyBatch(record.ts, effects);
    this.#tell(effects);
    if (left >= 0) return left;
    return decoder.blocked ? decoder.decoded : -1;
  }

  /** Aggregates that are being filled read other fields of events than the version does. */
  #readMore(): void {
    this.#fillings = this.#filling.begun;
    this.#reads = this.#readsNow();
    this.#decoder = this.#newDecoder();
  }

  #readsNow(): EventReads[] {
    return this.#steps.active.events.map(({ reads }, type) => this.#filling.reads(type, reads));
  }

  #newDecoder(): BatchDecoder {
    const { active } = this.#steps;
    return new BatchDecoder(active.workspace.schema, wantedText(active, this.#reads));
  }

  #applyBatch(recordTs: number, effects: Effects): number {
    const batch = this.#batch;
    const state = this.#state;
    const rows = this.#rows;
    const { bytes, count } = batch;
    this.#rowsMade = false;
    for (let place = 0; place < count; place++)
      this.#seeds[place] = this.#seedOfType[batch.type[place] as number] as IdSeed;
    state.findBatch(bytes, batch.customerStart, batch.customerEnd, count, rows);
    state.touchRows(rows, count);
    // Nearly always all events of a message are of one type.
    this.#steps.match.touch(batch.type[0] as number, rows, count);
    state.prepareIds(rows, this.#seeds, bytes, batch.idStart, batch.idEnd, count);
    const end = this.#tracer === null ? count : this.#explainedFrom(this.#tracer);
    for (let place = 0; place < end; place++) {
      if (!this.#applyEvent(place, recordTs, effects)) return batch.index[place] as number;
    }
    return end < count ? (batch.index[end] as number) : -1;
  }

  /** The first place whose event is to be explained: the thorough way does that. The batch's count if none is. */
  #explainedFrom(tracer: Tracer): number {
    const { bytes, count, customerStart, customerEnd } = this.#batch;
    for (let place = 0; place < count; place++) {
      if (tracer.explains(asciiText(bytes, customerStart[place] as number, customerEnd[place] as number))) return place;
    }
    return count;
  }

  /** The steps of Machine.#applyEvent, in their order. False: the event needs the thorough way, and nothing has changed. */
  #applyEvent(place: number, recordTs: number, effects: Effects): boolean {
    const batch = this.#batch;
    const state = this.#state;
    const globals = this.#globals;
    const { bytes } = batch;
    const customerStart = batch.customerStart[place] as number;
    const customerEnd = batch.customerEnd[place] as number;
    const idStart = batch.idStart[place] as number;
    const idEnd = batch.idEnd[place] as number;
    const type = batch.type[place] as number;
    if (!this.#belongsHere(bytes, customerStart, customerEnd)) return false;
    let row = this.#rows[place] as number;
    if (row < 0 && this.#rowsMade) row = state.findBytes(bytes, customerStart, customerEnd);
    const known = idEnd > idStart && row >= 0 ? state.recallPrepared(place, row) : -1;
    if (known >= 0) {
      this.#repeat(type, batch.index[place] as number, known, effects);
      return true;
    }
    const givenTs = batch.givenTs[place] as number;
    const logTime = acceptedTime(this.#identity.clock, globals.logTime, givenTs, recordTs);
    if (logTime < 0) return false;

    const { active, profile, match, matched, waits, aftermath, sequences, timers, shadow } = this.#steps;
    const activeEvent = active.events[type] as ActiveEvent;
    const event = batch.frame(place);
    event.ts = Number.isNaN(givenTs) ? logTime : Math.min(givenTs, logTime);
    if ((this.#reads[type] as EventReads).id) this.#spellIds(place, event);
    if (!profile.planAggregates(activeEvent, event, logTime) || !profile.hasRoom(activeEvent)) return false;
    // Asked first: campaigns in shadow may be due where those that are live have had their turns.
    if (row > 0 && timers.isBehind(logTime)) {
      timers.fireOf(row, logTime, effects);
      if (!profile.hasRoom(activeEvent)) return false;
    } else if (timers.isDue(logTime)) {
      if (row < 0 && !state.hasRoomFor(asciiText(bytes, customerStart, customerEnd))) return false;
      timers.fire(logTime, effects);
      if (!profile.hasRoom(activeEvent)) return false;
    }
    if (customerEnd === customerStart) {
      state.clearAnonymous();
    } else {
      if (row < 0) {
        row = state.ensureBytes(bytes, customerStart, customerEnd);
        if (row < 0) return false;
        this.#rowsMade = true;
      }
      state.beginChange(row);
    }
    profile.storeAggregates(activeEvent, event, row, logTime);
    if (state.pending.has(row)) {
      aftermath.meet(event, row, logTime);
      waits.meet(event, row, logTime);
    }
    if (shadow !== null) shadow.meet(event, row, logTime);
    const before = globals.decisionCount;
    const count = match.run(activeEvent, event, row, logTime);
    const shadows = shadow === null ? 0 : shadow.match(activeEvent, event, row, logTime);
    if (count + shadows > 0) {
      this.#spellIds(place, event);
      matched.run(activeEvent, count, shadows, event, row, logTime, batch.index[place] as number, effects);
    }
    if (activeEvent.remembered !== null) sequences.remember(activeEvent, activeEvent.schema, event, row, logTime);
    if (shadow !== null) shadow.remember(activeEvent, event, row, logTime);
    globals.logTime = logTime;
    const made = globals.decisionCount - before;
    if (idEnd > idStart) state.rememberPrepared(place, row, made === 0 ? 0 : before + 1, made);
    globals.accepted++;
    this.#accepted[type] = (this.#accepted[type] as number) + 1;
    if (this.#units.hasAnswers) this.#units.settle(logTime, effects);
    return true;
  }

  #belongsHere(bytes: Uint8Array, start: number, end: number): boolean {
    const { partition, partitions } = this.#identity;
    return partitions === 1 || start === end || fnv1a32Bytes(bytes, start, end) % partitions === partition;
  }

  #repeat(type: number, index: number, entry: number, effects: Effects): void {
    const { first, count } = this.#state.recalledDecision(entry);
    this.#globals.repeated++;
    this.#repeated[type] = (this.#repeated[type] as number) + 1;
    effects.repeated++;
    effects.repeatedOf.push({ index, first, count });
  }

  /** Gives the frame its ids as strings: only decisions, and rules that name event.id, look at them. */
  #spellIds(place: number, event: EventFrame): void {
    const { bytes, customerStart, customerEnd, idStart, idEnd } = this.#batch;
    event.customer = asciiText(bytes, customerStart[place] as number, customerEnd[place] as number);
    event.id = asciiText(bytes, idStart[place] as number, idEnd[place] as number);
  }

  /** Counts by type are told once per message. */
  #tell(effects: Effects): void {
    const { events } = this.#steps.active.workspace.schema;
    for (let type = 0; type < events.length; type++) {
      const accepted = this.#accepted[type] as number;
      const repeated = this.#repeated[type] as number;
      const name = events[type]?.type as string;
      if (accepted > 0) effects.eventCounts.add(name, ACCEPTED, accepted);
      if (repeated > 0) effects.eventCounts.add(name, REPEATED, repeated);
      effects.accepted += accepted;
      this.#accepted[type] = 0;
      this.#repeated[type] = 0;
    }
  }
}

function wantedText({ events }: ActiveWorkspace, reads: readonly EventReads[]): WantedText {
  const all = (type: number): boolean => (events[type] as ActiveEvent).readsAll;
  const of = (type: number): EventReads => reads[type] as EventReads;
  return {
    field: (type, slot) => all(type) || of(type).fields.has(slot),
    column: (type, list, column) => all(type) || of(type).columns.has(columnKey(list, column)),
  };
}
