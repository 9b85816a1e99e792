/** Where history ends, told without replaying it: by the newest snapshots, and the times in the records behind them. */
import type { History } from '../history.ts';
import { RecordClock } from '../record-clock.ts';

/** Log time at the end of these partitions, epoch ms (an event that was refused counts as well); null: it is `ms` or later. */
export function endBefore(history: History, partitions: readonly number[], ms: number): number | null {
  const clock = new RecordClock(history.identity.clock);
  let end = 0;
  for (const partition of partitions) {
    const newest = history.snapshots(partition).at(-1);
    end = Math.max(end, newest?.logTime ?? 0);
    const reader = history.readFrom(partition, (newest?.seq ?? 0) + 1);
    try {
      while (end < ms && reader.next()) end = Math.max(end, clock.ends(reader));
    } finally {
      history.release(reader);
    }
    if (end >= ms) return null;
  }
  return end;
}
