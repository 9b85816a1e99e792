/** Beckon's names: `event.…`, `trigger.…`, `profile.…`, `segment.…` and `now`, bound to slots of the frames. */
import type { EventList, EventSchema, ScalarType, Schema, ValueType } from '../protocol/schema.ts';
import type { Environment } from './environment.ts';
import { eventPair } from './event-pair.ts';
import type { Ir, Rep } from './ir.ts';
import { didYouMean } from './suggest.ts';
import type { Binding } from './typed.ts';
import { BOOL, type CelType, DOUBLE, INT, listOf, STRING, TIMESTAMP } from './types.ts';

const TYPES: Readonly<Record<ValueType, CelType>> = {
  bool: BOOL,
  int: INT,
  double: DOUBLE,
  string: STRING,
  timestamp: TIMESTAMP,
  'list<string>': listOf(STRING),
};

const REPS: Readonly<Record<ValueType, Rep>> = {
  bool: 'bool',
  int: 'int',
  double: 'double',
  string: 'string',
  timestamp: 'ms',
  'list<string>': 'list',
};

export function scalarRep(type: ScalarType): Rep {
  return REPS[type];
}

export function valueRep(type: ValueType): Rep {
  return REPS[type];
}

type EventRoot = 'event' | 'trigger';

/** What expressions may name. */
export interface RuleScope {
  readonly schema: Schema;
  /** null: the expression is about the profile only (segments, audiences), and `event` is not available. */
  readonly event: EventSchema | null;
  /**
   * The second of two events (event-pair.ts), called `trigger`. undefined: there is one event, and both names mean it. null: there is one, and `trigger` is not available.
   */
  readonly trigger?: EventSchema | null | undefined;
}

export class FrameEnvironment implements Environment {
  readonly mode = 'strict';
  readonly refusesBadLiterals = true;
  readonly prefixes = [''];
  readonly roots = ['event', 'trigger', 'profile', 'segment', 'now'];
  readonly #bindings = new Map<string, Binding>();
  readonly #events: Readonly<Record<EventRoot, EventSchema | null>>;
  /** Of the frame: the event's, and behind them those of a second event. */
  readonly #lists: readonly { readonly root: EventRoot; readonly list: EventList }[];

  constructor({ schema, event, trigger }: RuleScope) {
    this.#events = { event, trigger: trigger === undefined ? event : trigger };
    this.#lists = [
      ...(event?.lists ?? []).map((list) => ({ root: 'event' as const, list })),
      ...(trigger?.lists ?? []).map((list) => ({ root: 'trigger' as const, list })),
    ];
    this.#bindings.set('now', { type: TIMESTAMP, read: { op: 'now', rep: 'ms' }, has: null });
    for (const field of schema.profile) {
      const { slot, optional } = field;
      this.#bindings.set(`profile.${field.name}`, {
        type: TYPES[field.type],
        read: { op: 'slot', from: 'profile', slot, rep: REPS[field.type], sure: !optional },
        has: optional ? { op: 'has', from: 'profile', slot } : null,
      });
    }
    schema.segments.forEach((name, index) => {
      this.#bindings.set(`segment.${name}`, { type: BOOL, read: { op: 'segment', index }, has: null });
    });
    if (event === null) return;
    this.#bindEnvelope('event');
    this.#bindData('event', event, 0, 0);
    if (trigger === undefined) {
      this.#bindEnvelope('trigger');
      this.#bindData('trigger', event, 0, 0);
    } else if (trigger !== null) this.#bindTrigger(event, trigger);
  }

  /** id, type and ts of the frame's own event. */
  #bindEnvelope(root: EventRoot): void {
    const meta = (field: 'id' | 'type' | 'ts', type: CelType, rep: Rep, has: Ir | null): void => {
      this.#bindings.set(`${root}.${field}`, { type, read: { op: 'meta', field, rep }, has });
    };
    meta('id', STRING, 'string', { op: 'hasId' });
    meta('type', STRING, 'string', null);
    meta('ts', TIMESTAMP, 'ms', null);
  }

  #bindTrigger(event: EventSchema, trigger: EventSchema): void {
    const { firstSlot, firstList, idSlot, typeSlot, tsSlot } = eventPair(event, trigger);
    this.#bindings.set('trigger.id', eventSlot(idSlot, 'string'));
    this.#bindings.set('trigger.type', { type: STRING, read: sureSlot(typeSlot, 'string'), has: null });
    this.#bindings.set('trigger.ts', { type: TIMESTAMP, read: sureSlot(tsSlot, 'ms'), has: null });
    this.#bindData('trigger', trigger, firstSlot, firstList);
  }

  #bindData(root: EventRoot, { fields, lists }: EventSchema, firstSlot: number, firstList: number): void {
    for (const { path, type, slot } of fields) this.#bindings.set(`${root}.${path}`, eventSlot(firstSlot + slot, type));
    for (const list of lists) this.#bindings.set(`${root}.${list.path}`, listBinding(list, firstList + list.list));
  }

  resolve(name: string): Binding | null {
    return this.#bindings.get(name) ?? null;
  }

  explain(name: string): string {
    const parts = name.split('.');
    const [root, first] = parts;
    if ((root === 'event' || root === 'trigger') && this.#events[root] === null)
      return `"${root}" is not available here: ${this.#events.event === null ? 'this expression is about the profile only' : 'this expression is about `event` alone'}`;
    if (root !== 'event' && root !== 'trigger' && root !== 'profile' && root !== 'segment') {
      return `unknown name "${root}"${didYouMean(root as string, this.roots)}`;
    }
    if (first === undefined)
      return `"${root}" has no value of its own: name one of its fields, as in ${root}.${this.#anyField(root)}`;
    for (let length = parts.length; length > 0; length--) {
      const prefix = parts.slice(0, length).join('.');
      if (this.#bindings.has(prefix)) return `"${prefix}" has no fields`;
      if (length > 1 && this.#below(prefix).length > 0) {
        const rest = parts.slice(length).join('.');
        if (rest === '')
          return `"${prefix}" is an object: name one of its fields, as in ${prefix}.${this.#below(prefix)[0]}`;
        return `${prefix} has no field "${rest}"${didYouMean(rest, this.#below(prefix))}`;
      }
    }
    const rest = parts.slice(1).join('.');
    return `${this.#lacks(root)} "${rest}"${didYouMean(rest, this.#below(root))}`;
  }

  #lacks(root: EventRoot | 'profile' | 'segment'): string {
    if (root === 'event') return `event "${this.#events.event?.type}" has no field`;
    if (root === 'trigger') return `trigger "${this.#events.trigger?.type}" has no field`;
    return root === 'profile' ? 'the profile has no attribute or aggregate' : 'there is no segment';
  }

  #below(prefix: string): string[] {
    const start = `${prefix}.`;
    return [...this.#bindings.keys()].filter((name) => name.startsWith(start)).map((name) => name.slice(start.length));
  }

  #anyField(root: string): string {
    // Behind id, type and ts.
    return this.#below(root)[root === 'event' || root === 'trigger' ? 3 : 0] ?? this.#below(root)[0] ?? 'name';
  }

  field(list: number, name: string): { type: CelType; column: number } | null {
    const found = this.#lists[list]?.list.columns.find((column) => column.name === name);
    return found === undefined ? null : { type: TYPES[found.type], column: found.column };
  }

  explainField(list: number, name: string): string {
    const { root, list: found } = this.#lists[list] as { root: EventRoot; list: EventList };
    const names = found.columns.map((column) => column.name);
    return `an element of ${root}.${found.path} has no field "${name}"${didYouMean(name, names)}`;
  }
}

function eventSlot(slot: number, type: ScalarType): Binding {
  return {
    type: TYPES[type],
    read: { op: 'slot', from: 'event', slot, rep: REPS[type], sure: false },
    has: { op: 'has', from: 'event', slot },
  };
}

/** Of what a filled frame always has. */
function sureSlot(slot: number, rep: Rep): Ir {
  return { op: 'slot', from: 'event', slot, rep, sure: true };
}

/** `number`: the list's, in the frame. */
function listBinding(list: EventList, number: number): Binding {
  const has: Ir = { op: 'hasList', list: number };
  if (list.ofObjects) {
    return {
      type: listOf({ kind: 'object', list: number }),
      read: { op: 'eventList', list: number, column: null, rep: 'elements' },
      has,
    };
  }
  const type = list.columns[0]?.type ?? 'string';
  return {
    type: listOf(TYPES[type]),
    read: { op: 'eventList', list: number, column: REPS[type], rep: 'list' },
    has,
  };
}
