/** Which texts of an event programs read: a decoder may leave out the rest, of which only `present` is looked at. */
import type { EventSchema } from '../protocol/schema.ts';
import { eventPair } from './event-pair.ts';
import type { Ir } from './ir.ts';
import { childrenOf } from './ir-traits.ts';
import type { Program } from './program.ts';

export interface EventReads {
  /** Event.id, or whether it is there. */
  readonly id: boolean;
  /** Slots of fields whose text is read. */
  readonly fields: ReadonlySet<number>;
  /** Columns of lists whose text is read, by columnKey. */
  readonly columns: ReadonlySet<string>;
}

/** `list` is the index of the list, `column` that of the field in its elements; a list of scalars has column 0 only. */
export function columnKey(list: number, column: number): string {
  return `${list}:${column}`;
}

export function readsOf(programs: readonly Program[]): EventReads {
  const reads = new CollectedReads();
  for (const program of programs)
    visitReads(program.ir, {
      id: () => reads.readId(),
      field: (slot) => reads.fields.add(slot),
      has: () => undefined,
      column: (list, column) => reads.columns.add(columnKey(list, column)),
    });
  return reads;
}

/** The same of a program over two events, for each of them by its own slots. */
export function readsOfPair(
  { ir }: Program,
  event: EventSchema,
  trigger: EventSchema,
): { readonly event: EventReads; readonly trigger: EventReads } {
  const { firstSlot, firstList, idSlot, typeSlot } = eventPair(event, trigger);
  const reads = { event: new CollectedReads(), trigger: new CollectedReads() };
  visitReads(ir, {
    id: () => reads.event.readId(),
    field: (slot) => {
      if (slot < firstSlot) reads.event.fields.add(slot);
      else if (slot < idSlot) reads.trigger.fields.add(slot - firstSlot);
      else if (slot < typeSlot) reads.trigger.readId();
    },
    // The id is a field there, which is only there if somebody wrote it down.
    has: (slot) => {
      if (slot === idSlot) reads.trigger.readId();
    },
    column: (list, column) => {
      if (list < firstList) reads.event.columns.add(columnKey(list, column));
      else reads.trigger.columns.add(columnKey(list - firstList, column));
    },
  });
  return reads;
}

/** What any of them reads. */
export function allReads(parts: readonly EventReads[]): EventReads {
  return {
    id: parts.some(({ id }) => id),
    fields: new Set(parts.flatMap(({ fields }) => [...fields])),
    columns: new Set(parts.flatMap(({ columns }) => [...columns])),
  };
}

class CollectedReads implements EventReads {
  id = false;
  readonly fields = new Set<number>();
  readonly columns = new Set<string>();

  readId(): void {
    this.id = true;
  }
}

interface ReadVisitor {
  id(): void;
  field(slot: number): void;
  has(slot: number): void;
  column(list: number, column: number): void;
}

function visitReads(ir: Ir, visitor: ReadVisitor): void {
  if (ir.op === 'slot' && ir.from === 'event' && ir.rep === 'string') visitor.field(ir.slot);
  else if (ir.op === 'has' && ir.from === 'event') visitor.has(ir.slot);
  else if (ir.op === 'column' && ir.rep === 'string') visitor.column(ir.list, ir.column);
  else if (ir.op === 'eventList' && ir.column === 'string') visitor.column(ir.list, 0);
  else if (ir.op === 'loop' && ir.range.over === 'scalars' && ir.range.rep === 'string')
    visitor.column(ir.range.list, 0);
  else if (ir.op === 'hasId' || (ir.op === 'meta' && ir.field === 'id')) visitor.id();
  for (const child of childrenOf(ir)) visitReads(child, visitor);
}
