/**
 * Step 3, profile: what an event changes about its customer. Attributes and consent follow the log's order; aggregates
 * count an event in the bucket of its own time.
 *
 * All or nothing: every step is `plan…`, which reads, checks and reserves and may refuse the event, followed by
 * `store…`, which cannot fail. Programs are evaluated and types checked while planning; strings that will be kept are
 * put into the dictionary then (an entry that nothing refers to is not part of the state's content); and blocks must be
 * left for the most that the event could need. Where that much is not left the event is rejected, the same at every
 * replay.
 */
import { CONSENT_CHANNELS_MAX, LIST_ATTRIBUTE_LENGTH_MAX } from '../constants.ts';
import type { EventFrame } from '../protocol/frame.ts';
import { RejectReason } from '../protocol/rejection.ts';
import type { Observations } from '../state/observations.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { assert } from '../stdx/assert.ts';
import type { Attribute } from '../workspace/workspace.ts';
import type { ActiveAggregate, ActiveEvent, ActiveWorkspace } from './active-workspace.ts';
import { ConsentState } from './decide/policy.ts';
import { checkUndeclared, readScalar, refuseScalar } from './decode/event-fields.ts';
import { describeValue, type Fault, quoted } from './fault.ts';
import type { Filling } from './fill/filling.ts';
import { evaluateObservation, Observation } from './observation.ts';

/** An attribute that is going to be stored. Reused. */
class Change {
  slot = 0;
  kind: 'unset' | 'number' | 'text' | 'list' = 'unset';
  number = 0;
  text = '';
  list: readonly string[] = [];
}

export class ProfileStep {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #fault: Fault;
  readonly #filling: Filling;
  readonly #attributes: ReadonlyMap<string, Attribute>;
  readonly #scalar = { number: 0, text: '' };
  /** Planned attributes: the first `#changeCount`. */
  readonly #changes: Change[] = [];
  #changeCount = 0;
  #consentCode = 0;
  /** Room that was asked for last, in stores. */
  #asked = 0;
  #consentState = 0;
  /** Planned observations, by place in the event type's list of aggregates. */
  readonly #outcomes: Uint8Array;
  readonly #numbers: Float64Array;
  readonly #texts: string[];
  /** By event type. */
  readonly #stores: readonly Observations[];
  /** Observations left out because `when` or `value` ended in an error or beyond what it takes. The owner reads and zeroes it. */
  observationErrors = 0;

  constructor(state: PartitionState, active: ActiveWorkspace, fault: Fault, filling: Filling) {
    this.#state = state;
    this.#active = active;
    this.#fault = fault;
    this.#filling = filling;
    this.#attributes = new Map(active.workspace.attributes.map((attribute) => [attribute.name, attribute]));
    const most = active.events.reduce((max, event) => Math.max(max, event.aggregates.length), 0);
    this.#outcomes = new Uint8Array(most);
    this.#numbers = new Float64Array(most);
    this.#texts = new Array<string>(most).fill('');
    this.#stores = active.events.map(({ aggregates }) => state.compileObservations(aggregates.map(({ slot }) => slot)));
  }

  /** Evaluates what an event adds to the aggregates of its type. False: see the fault. Ask for room next. */
  planAggregates(active: ActiveEvent, event: EventFrame, logTime: number): boolean {
    const { aggregates } = active;
    const { profile } = this.#active;
    for (let i = 0; i < aggregates.length; i++) {
      const aggregate = aggregates[i] as ActiveAggregate;
      const outcome = evaluateObservation(aggregate, event, profile, logTime, i, this.#numbers, this.#texts);
      this.#outcomes[i] = outcome;
      if (outcome === Observation.take && aggregate.keepsText && !this.#keepText(this.#texts[i] as string))
        return false;
    }
    return true;
  }

  /** Whether there is room for what an event of this type adds, at most. */
  hasRoom({ blockStores }: ActiveEvent): boolean {
    return blockStores === 0 || this.#state.hasRoom(blockStores);
  }

  /** As `hasRoom`, but reclaims first where there is none: once for each event. False: see the fault. */
  makeRoom({ blockStores }: ActiveEvent): boolean {
    return this.#makeRoom(blockStores);
  }

  /** As `makeRoom` or the plan before it, once more: something else may have taken the room. False: see the fault. */
  makeRoomAgain(): boolean {
    return this.#makeRoom(this.#asked);
  }

  /** An event that stores nothing: `makeRoomAgain` has nothing to ask for. */
  planNothing(): void {
    this.#asked = 0;
  }

  storeAggregates(active: ActiveEvent, event: EventFrame, row: number, logTime: number): void {
    const { length } = active.aggregates;
    for (let i = 0; i < length; i++) if (this.#outcomes[i] === Observation.error) this.observationErrors++;
    const observations = this.#stores[event.type] as Observations;
    const stored = observations.store(row, event.ts, logTime, this.#outcomes, this.#numbers, this.#texts);
    assert(stored, 'room for observations was left when they were planned');
    if (this.#filling.busy) this.#filling.observe(event, row, logTime);
  }

  /** `$profile`: data sets attributes by name, null unsets; undeclared names are passed over. False: see the fault. */
  planProfile(data: object): boolean {
    this.#changeCount = 0;
    const record = data as Record<string, unknown>;
    for (const name in record) {
      const value = record[name];
      const attribute = this.#attributes.get(name);
      if (attribute === undefined) {
        if (!checkUndeclared(name, value, 2, this.#fault)) return false;
      } else if (!this.#planAttribute(attribute, value, `data.${name}`)) {
        return false;
      }
    }
    let lists = 0;
    for (let i = 0; i < this.#changeCount; i++) {
      const change = this.#changes[i] as Change;
      if (change.kind === 'text' && !this.#keepText(change.text)) return false;
      if (change.kind !== 'list') continue;
      lists++;
      for (const text of change.list) if (!this.#keepText(text)) return false;
    }
    return this.#makeRoom(lists);
  }

  storeProfile(row: number): void {
    const state = this.#state;
    for (let i = 0; i < this.#changeCount; i++) {
      const change = this.#changes[i] as Change;
      let stored = true;
      if (change.kind === 'unset') state.unset(change.slot, row);
      else if (change.kind === 'number') state.setNumber(change.slot, row, change.number);
      else if (change.kind === 'text') stored = state.setText(change.slot, row, change.text);
      else stored = state.setList(change.slot, row, change.list);
      assert(stored, 'room for an attribute was left when it was planned');
    }
  }

  /** `$consent`: data names a channel of the workspace and a state. False: see the fault. */
  planConsent(data: object): boolean {
    const { channel, state } = data as { channel?: unknown; state?: unknown };
    this.#asked = 0;
    for (const key in data) {
      const value = (data as Record<string, unknown>)[key];
      if (key !== 'channel' && key !== 'state' && !checkUndeclared(key, value, 2, this.#fault)) return false;
    }
    const place =
      channel === undefined || channel === null
        ? 'data.channel'
        : state === undefined || state === null
          ? 'data.state'
          : '';
    if (place !== '') return this.#fault.set(RejectReason.missingField, `${place}: missing`);
    if (typeof channel !== 'string')
      return this.#fault.set(RejectReason.fieldType, `data.channel: expected string, got ${describeValue(channel)}`);
    const index = this.#active.channelIndex.get(channel);
    if (index === undefined) {
      const known = this.#active.workspace.channels.join(', ');
      return this.#fault.set(
        RejectReason.fieldType,
        `data.channel: ${quoted(channel)} is not a channel of the workspace (${known})`,
      );
    }
    if (state !== 'granted' && state !== 'denied') {
      return this.#fault.set(
        RejectReason.fieldType,
        `data.state: expected "granted" or "denied", got ${describeValue(state)}`,
      );
    }
    this.#consentCode = this.#active.channelCodes[index] as number;
    this.#consentState = state === 'granted' ? ConsentState.granted : ConsentState.denied;
    // Setting nothing on the scratch row finds out whether the channel has a place, and takes it.
    if (this.#state.setConsent(this.#state.anonymousRow, this.#consentCode, ConsentState.unset)) return true;
    return this.#fault.set(
      RejectReason.memoryFull,
      `data.channel: consent is kept for ${CONSENT_CHANNELS_MAX} channel names at most`,
    );
  }

  storeConsent(row: number): void {
    const stored = this.#state.setConsent(row, this.#consentCode, this.#consentState);
    assert(stored, 'a place for the channel was taken when it was planned');
  }

  #planAttribute(attribute: Attribute, value: unknown, place: string): boolean {
    const change = this.#nextChange(attribute.slot);
    if (value === null || value === undefined) {
      change.kind = 'unset';
      return true;
    }
    if (attribute.type === 'list<string>') return this.#planList(change, value, place);
    if (!readScalar(value, attribute.type, this.#scalar))
      return refuseScalar(value, attribute.type, place, this.#fault);
    change.kind = attribute.type === 'string' ? 'text' : 'number';
    change.text = this.#scalar.text;
    change.number = this.#scalar.number;
    return true;
  }

  #planList(change: Change, value: unknown, place: string): boolean {
    if (!Array.isArray(value))
      return this.#fault.set(RejectReason.fieldType, `${place}: expected list, got ${describeValue(value)}`);
    if (value.length > LIST_ATTRIBUTE_LENGTH_MAX) {
      return this.#fault.set(
        RejectReason.tooLong,
        `${place}: the list has ${value.length} elements, ${LIST_ATTRIBUTE_LENGTH_MAX} are allowed`,
      );
    }
    for (let i = 0; i < value.length; i++) {
      if (!readScalar(value[i], 'string', this.#scalar))
        return refuseScalar(value[i], 'string', `${place}[${i}]`, this.#fault);
    }
    change.kind = 'list';
    change.list = value as string[];
    return true;
  }

  #nextChange(slot: number): Change {
    const at = this.#changeCount++;
    let change = this.#changes[at];
    if (change === undefined) {
      change = new Change();
      this.#changes[at] = change;
    }
    change.slot = slot;
    return change;
  }

  #keepText(text: string): boolean {
    if (this.#state.intern(text) >= 0) return true;
    return this.#fault.set(
      RejectReason.dictionaryFull,
      'the partition has no room for more distinct strings in profiles',
    );
  }

  #makeRoom(stores: number): boolean {
    this.#asked = stores;
    if (stores === 0 || this.#state.makeRoom(stores)) return true;
    return this.#fault.set(RejectReason.memoryFull, 'the partition has no memory left for windows and lists');
  }
}
