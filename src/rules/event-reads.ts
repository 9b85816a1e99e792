/** Which texts of an event programs read: a decoder may leave out the rest, of which only `present` is looked at. */
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
  const reads = { id: false, fields: new Set<number>(), columns: new Set<string>() };
  const visit = (ir: Ir): void => {
    if (ir.op === 'slot' && ir.from === 'event' && ir.rep === 'string') reads.fields.add(ir.slot);
    else if (ir.op === 'column' && ir.rep === 'string') reads.columns.add(columnKey(ir.list, ir.column));
    else if (ir.op === 'eventList' && ir.column === 'string') reads.columns.add(columnKey(ir.list, 0));
    else if (ir.op === 'loop' && ir.range.over === 'scalars' && ir.range.rep === 'string')
      reads.columns.add(columnKey(ir.range.list, 0));
    else if (ir.op === 'hasId' || (ir.op === 'meta' && ir.field === 'id')) reads.id = true;
    for (const child of childrenOf(ir)) visit(child);
  };
  for (const program of programs) visit(program.ir);
  return reads;
}
