/** What stands behind a profile slot, as readers see it. */
import type { ProfileFrame } from '../protocol/frame.ts';
import type { TouchedValues } from './column.ts';

export interface SlotReader {
  /** Writes the value at logTime into the frame's slot. Changes nothing. */
  read(row: number, slot: number, logTime: number, into: ProfileFrame): void;
  /** Where the value itself stands, by row; null: not in one column. */
  readonly touchedValues: TouchedValues | null;
}
