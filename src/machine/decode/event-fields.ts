/**
 * Fills an event's frame from its decoded `data`, guided by the schema: declared fields are type-checked and stored in
 * their slots, undeclared ones are passed over (and only checked for depth), null is the same as absent. One instance
 * per event type, built when a workspace is activated.
 */
import { EVENT_DEPTH_MAX, EVENT_LIST_LENGTH_MAX, EVENT_STRING_LENGTH_MAX } from '../../constants.ts';
import { type EventFrame, growListColumn, type ListFrame } from '../../protocol/frame.ts';
import { RejectReason } from '../../protocol/rejection.ts';
import type { EventList, EventSchema, ListField, ScalarType } from '../../protocol/schema.ts';
import { describeValue, type Fault, quoted } from '../fault.ts';
import { parseRfc3339, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from './rfc3339.ts';

/** What a key of `data` stands for: a scalar's slot, a list, or an object whose keys go on. */
interface FieldNode {
  readonly type: ScalarType | null;
  readonly slot: number;
  readonly list: EventList | null;
  readonly columns: Map<string, ListField>;
  readonly children: Map<string, FieldNode>;
}

/** Where #scalar leaves what it read. */
class Scalar {
  number = 0;
  text = '';
}

export class EventFields {
  readonly #root: Map<string, FieldNode>;
  readonly #fault: Fault;
  readonly #scalar = new Scalar();

  constructor(event: EventSchema, fault: Fault) {
    this.#root = buildTree(event);
    this.#fault = fault;
  }

  /** False: the fault says which field is wrong; the frame is then half filled. */
  fill(data: object, frame: EventFrame): boolean {
    frame.present.fill(0);
    frame.listPresent.fill(0);
    for (const list of frame.lists) list.length = 0;
    return this.#object(data, this.#root, frame, 2, '');
  }

  /**
   * `depth` is that of `object` in the event: the event is 1, its data 2. `parent` is the path so far, with a dot
   * behind it.
   */
  #object(object: object, nodes: Map<string, FieldNode>, frame: EventFrame, depth: number, parent: string): boolean {
    const record = object as Record<string, unknown>;
    for (const key in record) {
      const value = record[key];
      const node = nodes.get(key);
      if (node === undefined) {
        if (!checkUndeclared(key, value, depth, this.#fault)) return false;
        continue;
      }
      if (value === null || value === undefined) continue;
      if (node.type !== null) {
        const slot = node.slot;
        if (!readScalar(value, node.type, this.#scalar)) return this.#refuse(value, node.type, parent + key);
        if (node.type === 'string') frame.text[slot] = this.#scalar.text;
        else frame.number[slot] = this.#scalar.number;
        frame.present[slot] = 1;
      } else if (node.list !== null) {
        if (!this.#list(value, node, frame, depth, parent + key)) return false;
      } else if (typeof value !== 'object' || Array.isArray(value)) {
        return this.#fault.set(
          RejectReason.fieldType,
          `data.${parent}${key}: expected object, got ${describeValue(value)}`,
        );
      } else if (!this.#object(value, node.children, frame, depth + 1, parent + key + '.')) {
        return false;
      }
    }
    return true;
  }

  #list(value: unknown, node: FieldNode, frame: EventFrame, depth: number, path: string): boolean {
    const list = node.list as EventList;
    if (!Array.isArray(value))
      return this.#fault.set(RejectReason.fieldType, `data.${path}: expected list, got ${describeValue(value)}`);
    const length = value.length;
    if (length > EVENT_LIST_LENGTH_MAX) {
      return this.#fault.set(
        RejectReason.tooLong,
        `data.${path}: the list has ${length} elements, ${EVENT_LIST_LENGTH_MAX} are allowed`,
      );
    }
    const into = frame.lists[list.list] as ListFrame;
    for (const column of into.columns) {
      if (length > 0) growListColumn(column, length - 1);
      column.present.fill(0, 0, length);
    }
    for (let i = 0; i < length; i++) {
      const element: unknown = value[i];
      const good = list.ofObjects
        ? this.#element(element, node, into, i, depth + 2, path)
        : this.#scalarElement(element, list, into, i, path);
      if (!good) return false;
    }
    into.length = length;
    frame.listPresent[list.list] = 1;
    return true;
  }

  #scalarElement(element: unknown, list: EventList, into: ListFrame, index: number, path: string): boolean {
    const field = list.columns[0] as ListField;
    if (!readScalar(element, field.type, this.#scalar)) return this.#refuse(element, field.type, `${path}[${index}]`);
    this.#store(field, into, index);
    return true;
  }

  #element(element: unknown, node: FieldNode, into: ListFrame, index: number, depth: number, path: string): boolean {
    if (typeof element !== 'object' || element === null || Array.isArray(element)) {
      return this.#fault.set(
        RejectReason.fieldType,
        `data.${path}[${index}]: expected object, got ${describeValue(element)}`,
      );
    }
    const record = element as Record<string, unknown>;
    for (const key in record) {
      const value = record[key];
      const field = node.columns.get(key);
      if (field === undefined) {
        if (!checkUndeclared(key, value, depth, this.#fault)) return false;
        continue;
      }
      if (value === null || value === undefined) continue;
      if (!readScalar(value, field.type, this.#scalar))
        return this.#refuse(value, field.type, `${path}[${index}].${key}`);
      this.#store(field, into, index);
    }
    return true;
  }

  #store(field: ListField, into: ListFrame, index: number): void {
    const column = into.columns[field.column];
    if (column === undefined) return;
    if (field.type === 'string') column.text[index] = this.#scalar.text;
    else column.number[index] = this.#scalar.number;
    column.present[index] = 1;
  }

  #refuse(value: unknown, type: ScalarType, path: string): false {
    return refuseScalar(value, type, `data.${path}`, this.#fault);
  }
}

/**
 * Reads one scalar of a declared type; false: it is none, `refuseScalar` says why. bool as 0/1, timestamp as epoch ms.
 */
export function readScalar(value: unknown, type: ScalarType, into: { number: number; text: string }): boolean {
  switch (type) {
    case 'string':
      if (typeof value !== 'string' || value.length > EVENT_STRING_LENGTH_MAX || !isWellFormed(value)) return false;
      into.text = value;
      return true;
    case 'double':
      if (typeof value !== 'number' || !Number.isFinite(value)) return false;
      into.number = value;
      return true;
    case 'int':
      if (!Number.isSafeInteger(value)) return false;
      into.number = (value as number) + 0;
      return true;
    case 'bool':
      if (typeof value !== 'boolean') return false;
      into.number = value ? 1 : 0;
      return true;
    case 'timestamp': {
      const ms = typeof value === 'string' ? parseRfc3339(value) : value;
      if (!Number.isSafeInteger(ms) || (ms as number) < TIMESTAMP_MS_MIN || (ms as number) > TIMESTAMP_MS_MAX)
        return false;
      into.number = (ms as number) + 0;
      return true;
    }
  }
}

/** Always false; says what `readScalar` did not like about a value. `place` is the path in the event. */
export function refuseScalar(value: unknown, type: ScalarType, place: string, fault: Fault): false {
  if (type === 'string' && typeof value === 'string') {
    if (isWellFormed(value)) {
      return fault.set(
        RejectReason.tooLong,
        `${place}: the string has ${value.length} characters, ${EVENT_STRING_LENGTH_MAX} are allowed`,
      );
    }
    return fault.set(RejectReason.syntax, `${place}: the string has half a surrogate pair: ${quoted(value)}`);
  }
  if (type === 'int' && typeof value === 'number' && Number.isInteger(value)) {
    return fault.set(RejectReason.fieldType, `${place}: expected int within ±(2^53 − 1), got ${value}`);
  }
  if (type === 'timestamp' && (typeof value === 'string' || typeof value === 'number')) {
    return fault.set(
      RejectReason.timestamp,
      `${place}: expected an RFC 3339 timestamp or epoch milliseconds, got ${describeValue(value)}`,
    );
  }
  return fault.set(RejectReason.fieldType, `${place}: expected ${type}, got ${describeValue(value)}`);
}

/**
 * Nobody reads an undeclared value, but nothing deeper than the limit passes, and no key that could reach a prototype.
 */
export function checkUndeclared(key: string, value: unknown, depth: number, fault: Fault): boolean {
  if (key === '__proto__') return fault.set(RejectReason.syntax, 'the key "__proto__" is not allowed');
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= EVENT_DEPTH_MAX) return fault.set(RejectReason.tooDeep, `nested deeper than ${EVENT_DEPTH_MAX} levels`);
  const record = value as Record<string, unknown>;
  for (const inner in record) if (!checkUndeclared(inner, record[inner], depth + 1, fault)) return false;
  return true;
}

/**
 * No lone surrogates. In V8 constant for strings without characters beyond Latin-1. Node 20 has it; the ES2023 library
 * does not declare it.
 */
export function isWellFormed(text: string): boolean {
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed();
}

function emptyNode(): FieldNode {
  return { type: null, slot: -1, list: null, columns: new Map(), children: new Map() };
}

function buildTree(event: EventSchema): Map<string, FieldNode> {
  const root = new Map<string, FieldNode>();
  for (const field of event.fields) {
    const { parent, key } = openPath(root, field.path);
    parent.set(key, { ...emptyNode(), type: field.type, slot: field.slot });
  }
  for (const list of event.lists) {
    const { parent, key } = openPath(root, list.path);
    const columns = new Map(list.columns.map((column) => [column.name, column]));
    parent.set(key, { ...emptyNode(), list, columns });
  }
  return root;
}

/** The map that holds the last key of a dotted path, with the objects on the way made. */
function openPath(root: Map<string, FieldNode>, path: string): { parent: Map<string, FieldNode>; key: string } {
  const keys = path.split('.');
  let parent = root;
  for (let i = 0; i < keys.length - 1; i++) {
    const key = keys[i] as string;
    let node = parent.get(key);
    if (node === undefined) {
      node = emptyNode();
      parent.set(key, node);
    }
    parent = node.children;
  }
  return { parent, key: keys[keys.length - 1] as string };
}
