/** Beckon's names: `event.…`, `profile.…`, `segment.…` and `now`, bound to slots of the frames. */
import type { EventList, EventSchema, ScalarType, Schema, ValueType } from '../protocol/schema.ts';
import type { Environment } from './environment.ts';
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

export class FrameEnvironment implements Environment {
  readonly mode = 'strict';
  readonly refusesBadLiterals = true;
  readonly prefixes = [''];
  readonly roots = ['event', 'profile', 'segment', 'now'];
  readonly #bindings = new Map<string, Binding>();
  readonly #event: EventSchema | null;

  constructor(schema: Schema, event: EventSchema | null) {
    this.#event = event;
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
    if (event !== null) this.#bindEvent(event);
  }

  #bindEvent(event: EventSchema): void {
    const meta = (field: 'id' | 'type' | 'ts', type: CelType, rep: Rep, has: Ir | null): void => {
      this.#bindings.set(`event.${field}`, { type, read: { op: 'meta', field, rep }, has });
    };
    meta('id', STRING, 'string', { op: 'hasId' });
    meta('type', STRING, 'string', null);
    meta('ts', TIMESTAMP, 'ms', null);
    for (const { path, type, slot } of event.fields) {
      this.#bindings.set(`event.${path}`, {
        type: TYPES[type],
        read: { op: 'slot', from: 'event', slot, rep: REPS[type], sure: false },
        has: { op: 'has', from: 'event', slot },
      });
    }
    for (const list of event.lists) this.#bindings.set(`event.${list.path}`, listBinding(list));
  }

  resolve(name: string): Binding | null {
    return this.#bindings.get(name) ?? null;
  }

  explain(name: string): string {
    const parts = name.split('.');
    const [root, first] = parts;
    if (root === 'event' && this.#event === null)
      return '"event" is not available here: this expression is about the profile only';
    if (root !== 'event' && root !== 'profile' && root !== 'segment') {
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

  #lacks(root: 'event' | 'profile' | 'segment'): string {
    if (root === 'event') return `event "${this.#event?.type}" has no field`;
    return root === 'profile' ? 'the profile has no attribute or aggregate' : 'there is no segment';
  }

  #below(prefix: string): string[] {
    const start = `${prefix}.`;
    return [...this.#bindings.keys()].filter((name) => name.startsWith(start)).map((name) => name.slice(start.length));
  }

  #anyField(root: string): string {
    return this.#below(root)[root === 'event' ? 3 : 0] ?? this.#below(root)[0] ?? 'name';
  }

  #list(list: number): EventList {
    return this.#event?.lists[list] as EventList;
  }

  field(list: number, name: string): { type: CelType; column: number } | null {
    const found = this.#list(list).columns.find((column) => column.name === name);
    return found === undefined ? null : { type: TYPES[found.type], column: found.column };
  }

  explainField(list: number, name: string): string {
    const names = this.#list(list).columns.map((column) => column.name);
    return `an element of event.${this.#list(list).path} has no field "${name}"${didYouMean(name, names)}`;
  }
}

function listBinding(list: EventList): Binding {
  const has: Ir = { op: 'hasList', list: list.list };
  if (list.ofObjects) {
    return {
      type: listOf({ kind: 'object', list: list.list }),
      read: { op: 'eventList', list: list.list, column: null, rep: 'elements' },
      has,
    };
  }
  const type = list.columns[0]?.type ?? 'string';
  return {
    type: listOf(TYPES[type]),
    read: { op: 'eventList', list: list.list, column: REPS[type], rep: 'list' },
    has,
  };
}
