/**
 * What the batch decoders look for, made from the schema when a workspace is activated: per object (the event itself,
 * its data, an object inside it, an element of a list) the keys that mean something, and what they mean. Both formats
 * are decoded by the same plans.
 *
 * A key is found by guessing first: producers write their keys in the same order again and again, so the key that last
 * followed the one before is compared, and only if it is another one is it looked up by its hash.
 */
import type { EventField, EventList, EventSchema, ScalarType, Schema } from '../../protocol/schema.ts';
import { hashRange, PADDING, sameRange } from './input-bytes.ts';
import type { WantedText } from './wanted-text.ts';

export const KeyKind = {
  // Scalars of data, first.
  double: 0,
  int: 1,
  bool: 2,
  timestamp: 3,
  text: 4,
  /** A string that nobody reads. */
  unreadText: 5,
  list: 6,
  object: 7,
  // The envelope's.
  type: 8,
  id: 9,
  customer: 10,
  ts: 11,
  data: 12,
  /** Nobody asks for it. */
  undeclared: 13,
  /** An event that has it needs the thorough decoder. */
  refused: 14,
} as const;
export type KeyKind = (typeof KeyKind)[keyof typeof KeyKind];

/** The last kind that is a scalar of data. */
export const LAST_SCALAR_KIND = KeyKind.unreadText;

const encoder = new TextEncoder();
/** Words are read whole, also at the end of a name. */
const WORD = 4;
/** A guess is compared where less of the message may be left than the name is long: what is read must lie in the padding. */
const GUESSED_BYTES_MAX = PADDING - WORD;

export class KeyPlan {
  readonly kind: KeyKind;
  /** Of a scalar: its slot or column; of a list: its place in the frame. */
  readonly slot: number;
  readonly object: ObjectPlan | null;
  readonly list: ListPlan | null;
  /** The name's bytes. */
  readonly length: number;
  readonly view: DataView;
  /** MessagePack's type byte of the name; -1 for a name that needs more than one byte for its length. */
  readonly token: number;
  /** The quote before the name in JSON; -1 for a name that JSON writes with escapes, or that is too long to be guessed. */
  readonly quote: number;
  /** The name's first and last four bytes; of a shorter name `head` has all, and zeros. */
  readonly head: number;
  readonly headMask: number;
  readonly tail: number;
  /** The key that came behind this one the last time. */
  follower: KeyPlan = this;

  constructor(
    name: string | null,
    kind: KeyKind,
    slot = 0,
    object: ObjectPlan | null = null,
    list: ListPlan | null = null,
  ) {
    const bytes = encoder.encode(name ?? '');
    const padded = new Uint8Array(bytes.length + WORD);
    padded.set(bytes);
    const view = new DataView(padded.buffer);
    this.kind = kind;
    this.slot = slot;
    this.object = object;
    this.list = list;
    this.length = bytes.length;
    this.view = view;
    this.token = name !== null && bytes.length < 32 ? 0xa0 | bytes.length : -1;
    const guessed = bytes.length <= GUESSED_BYTES_MAX;
    this.quote = name !== null && guessed && JSON.stringify(name) === `"${name}"` ? 0x22 : -1;
    this.head = view.getInt32(0, true);
    this.headMask = bytes.length >= WORD ? -1 : (1 << (8 * bytes.length)) - 1;
    this.tail = bytes.length >= WORD ? view.getInt32(bytes.length - WORD, true) : this.head;
  }

  /** Whether the name stands at `at` of a padded buffer. */
  isAt(view: DataView, at: number): boolean {
    if ((view.getInt32(at, true) & this.headMask) !== this.head) return false;
    const { length } = this;
    if (length <= 4) return true;
    if (view.getInt32(at + length - 4, true) !== this.tail) return false;
    return length <= 8 || sameRange(view, at + 4, this.view, 4, length - 8);
  }
}

/** Stands for every key that no plan knows. */
export const UNDECLARED = new KeyPlan(null, KeyKind.undeclared);

export class ObjectPlan {
  /** Distinct among all objects of a schema. */
  readonly id: number;
  /** Its follower is the key to guess first. */
  readonly head = new KeyPlan(null, KeyKind.undeclared);
  #places: KeyPlan[] = new Array<KeyPlan>(4).fill(UNDECLARED);
  #count = 0;

  constructor(id: number) {
    this.id = id;
    this.add(new KeyPlan('__proto__', KeyKind.refused));
  }

  add(key: KeyPlan): void {
    if (this.#count++ === 1) this.head.follower = key;
    const keys = this.#places.filter((known) => known !== UNDECLARED);
    const room = this.#count * 2 > this.#places.length ? this.#places.length * 2 : this.#places.length;
    this.#places = new Array<KeyPlan>(room).fill(UNDECLARED);
    for (const known of [...keys, key]) {
      let place = hashRange(known.view, 0, known.length) & (room - 1);
      while (this.#places[place] !== UNDECLARED) place = (place + 1) & (room - 1);
      this.#places[place] = known;
    }
  }

  /** The key of this name in a padded buffer; UNDECLARED if there is none. */
  find(view: DataView, start: number, end: number): KeyPlan {
    const places = this.#places;
    const mask = places.length - 1;
    for (let place = hashRange(view, start, end) & mask; ; place = (place + 1) & mask) {
      const key = places[place] as KeyPlan;
      if (key === UNDECLARED || (key.length === end - start && key.isAt(view, start))) return key;
    }
  }
}

export class ListPlan {
  /** Of the elements, which are objects; null for scalars, then `kind` is theirs. */
  readonly element: ObjectPlan | null;
  readonly kind: KeyKind;

  constructor(element: ObjectPlan | null, kind: KeyKind) {
    this.element = element;
    this.kind = kind;
  }
}

/** One event type. */
export interface EventPlan {
  readonly event: EventSchema;
  readonly data: ObjectPlan;
}

export class EventPlans {
  readonly envelope: ObjectPlan;
  /** Event types as keys; `slot` is the type's index. Engine types are not among them. */
  readonly types: ObjectPlan;
  /** By index of the type. */
  readonly events: readonly EventPlan[];
  /** Objects that are not the data itself nor in lists: each may come once per event. */
  readonly innerCount: number;
  #objects = 0;
  #inner = 0;

  constructor(schema: Schema, wanted: WantedText | null) {
    this.envelope = this.#object();
    for (const name of ['id', 'type', 'ts', 'customer', 'data'] as const)
      this.envelope.add(new KeyPlan(name, KeyKind[name]));
    this.envelope.add(new KeyPlan('ids', KeyKind.refused));
    this.types = this.#object();
    for (const event of schema.events)
      if (!event.type.startsWith('$')) this.types.add(new KeyPlan(event.type, KeyKind.type, event.index));
    this.events = schema.events.map((event) => ({ event, data: this.#data(event, wanted) }));
    this.innerCount = this.#inner;
  }

  #object(): ObjectPlan {
    return new ObjectPlan(this.#objects++);
  }

  #data(event: EventSchema, wanted: WantedText | null): ObjectPlan {
    const root = this.#object();
    const inner = new Map<string, ObjectPlan>([['', root]]);
    for (const field of event.fields) {
      const kind = kindOf(field.type, wanted === null || wanted.field(event.index, field.slot));
      const { parent, name } = this.#open(field, inner);
      parent.add(new KeyPlan(name, kind, field.slot));
    }
    for (const list of event.lists) {
      const { parent, name } = this.#open(list, inner);
      parent.add(new KeyPlan(name, KeyKind.list, list.list, null, this.#list(event.index, list, wanted)));
    }
    return root;
  }

  #list(event: number, list: EventList, wanted: WantedText | null): ListPlan {
    const kinds = list.columns.map(({ type, column }) =>
      kindOf(type, wanted === null || wanted.column(event, list.list, column)),
    );
    if (!list.ofObjects) return new ListPlan(null, kinds[0] as KeyKind);
    const element = this.#object();
    list.columns.forEach(({ name, column }, i) => {
      element.add(new KeyPlan(name, kinds[i] as KeyKind, column));
    });
    return new ListPlan(element, KeyKind.object);
  }

  /** The object that holds the last name of a dotted path, with the objects on the way made. */
  #open({ path }: EventField | EventList, inner: Map<string, ObjectPlan>): { parent: ObjectPlan; name: string } {
    const names = path.split('.');
    let parent = inner.get('') as ObjectPlan;
    let open = '';
    for (let i = 0; i < names.length - 1; i++) {
      open += '.' + (names[i] as string);
      let object = inner.get(open);
      if (object === undefined) {
        object = this.#object();
        inner.set(open, object);
        parent.add(new KeyPlan(names[i] as string, KeyKind.object, this.#inner++, object));
      }
      parent = object;
    }
    return { parent, name: names[names.length - 1] as string };
  }
}

function kindOf(type: ScalarType, wanted: boolean): KeyKind {
  return type === 'string' ? (wanted ? KeyKind.text : KeyKind.unreadText) : KeyKind[type];
}
