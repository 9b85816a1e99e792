/**
 * Which fields of an event somebody may still read after it was applied: what is stored of it. By slots of its frame;
 * a field of which only its presence is asked for counts as well.
 */
import type { Ir } from '../rules/ir.ts';
import { childrenOf } from '../rules/ir-traits.ts';
import type { Program } from '../rules/program.ts';

export class KeptFields {
  #all = false;
  readonly #fields = new Set<number>();
  /** Columns by list; a list whose length only is read has none. */
  readonly #lists = new Map<number, Set<number>>();

  /** A template may read the whole event. */
  addAll(): void {
    this.#all = true;
  }

  /** What a program reads whose slots and lists from `firstSlot` and `firstList` up to the ends belong to the event. */
  add({ ir }: Program, firstSlot = 0, firstList = 0, slotsEnd = Infinity, listsEnd = Infinity): void {
    const visit = (node: Ir): void => {
      if ((node.op === 'slot' || node.op === 'has') && node.from === 'event') {
        if (node.slot >= firstSlot && node.slot < slotsEnd) this.#fields.add(node.slot - firstSlot);
      }
      const list = listOf(node);
      if (list >= firstList && list < listsEnd) {
        const columns = this.#columnsOf(list - firstList);
        if (node.op === 'column' || node.op === 'hasColumn') columns.add(node.column);
        else if (isOfScalars(node)) columns.add(0);
      }
      for (const child of childrenOf(node)) visit(child);
    };
    visit(ir);
  }

  field(slot: number): boolean {
    return this.#all || this.#fields.has(slot);
  }
  list(list: number): boolean {
    return this.#all || this.#lists.has(list);
  }
  column(list: number, column: number): boolean {
    return this.#all || this.#lists.get(list)?.has(column) === true;
  }

  #columnsOf(list: number): Set<number> {
    const found = this.#lists.get(list);
    if (found !== undefined) return found;
    const columns = new Set<number>();
    this.#lists.set(list, columns);
    return columns;
  }
}

/** -1: the node reads no list of the event itself. */
function listOf(node: Ir): number {
  if (node.op === 'loop') return node.range.over === 'objects' || node.range.over === 'scalars' ? node.range.list : -1;
  return 'list' in node && typeof node.list === 'number' ? node.list : -1;
}

function isOfScalars(node: Ir): boolean {
  return (
    (node.op === 'eventList' && node.column !== null) ||
    // The length of a list of scalars needs its elements: a list of objects keeps empty ones.
    node.op === 'listLength' ||
    (node.op === 'loop' && node.range.over === 'scalars')
  );
}
