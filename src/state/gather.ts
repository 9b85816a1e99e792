/**
 * Reading a fixed list of profile slots, in one function that is made for them: see observations.ts.
 */
import type { ProfileFrame } from '../protocol/frame.ts';

/** Writes the slots it was compiled for, of a row as of logTime, into the frame; as PartitionState.gather. */
export type Gather = (row: number, logTime: number, into: ProfileFrame) => void;

/** What stands behind a slot. */
export interface SlotReader {
  read(row: number, slot: number, logTime: number, into: ProfileFrame): void;
}

export function compileGather(slots: ArrayLike<number>, readerOf: (slot: number) => SlotReader): Gather {
  const list = Array.from(slots);
  const lines = list.map((slot, i) => `reader${i}.read(row, ${slot}, logTime, into);`);
  const parameters = list.map((_, i) => `reader${i}`);
  const make = new Function(...parameters, `return function gather(row, logTime, into) {\n${lines.join('\n')}\n};`);
  return make(...list.map(readerOf)) as Gather;
}
