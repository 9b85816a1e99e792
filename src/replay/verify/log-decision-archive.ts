/** The decisions of an embedded data folder, from its decision logs. */
import type { EncodedDecision } from '../../protocol/decision.ts';
import { decodeDecisionEntry } from '../../storage/decision-entry.ts';
import { type NumberedRange, numberedLogRange } from '../../storage/numbered-log-range.ts';
import { NumberedLogReader } from '../../storage/numbered-log-reader.ts';
import type { History } from '../history.ts';
import type { DecisionArchive } from './verify.ts';

export class LogDecisionArchive implements DecisionArchive {
  readonly exclusive = true;
  readonly #history: History;
  readonly #readers = new Map<number, NumberedLogReader>();

  constructor(history: History) {
    this.#history = history;
  }

  async range(partition: number): Promise<NumberedRange> {
    return numberedLogRange(this.#history.fs, this.#history.paths.decisions(partition));
  }

  async read(partition: number, from: number, next: number, bytesMax: number): Promise<readonly EncodedDecision[]> {
    let reader = this.#readers.get(partition);
    if (reader === undefined) {
      reader = new NumberedLogReader(this.#history.paths.decisions(partition));
      this.#readers.set(partition, reader);
    }
    const entries = await reader.read(from, next, bytesMax);
    return entries.map(({ number, bytes }) => decodeDecisionEntry(number, bytes));
  }
}
