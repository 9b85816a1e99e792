/** From where to where the history of each partition of a data folder reaches. */
import { nodeFileSystem } from '../../storage/node-file-system.ts';
import { History } from '../history.ts';

export interface HistoryBeginning {
  /** Log time at which it begins, as HistoryReach has it, epoch ms. */
  readonly logTime: number;
  /** Log time of the newest snapshot; that at which it begins, where there is none. */
  readonly lastTime: number;
  /** It reaches back to the first record of the log. */
  readonly isLogStart: boolean;
}

/** By partition; null: nothing ever happened there. */
export function historyBeginnings(dataDirectory: string): (HistoryBeginning | null)[] {
  const history = History.open(nodeFileSystem, dataDirectory);
  try {
    return Array.from({ length: history.identity.partitions }, (_, partition) => {
      const reach = history.reach(partition);
      if (reach === null) return null;
      const { seq, logTime } = reach;
      const lastTime = history.snapshots(partition).at(-1)?.logTime ?? logTime;
      return { logTime, lastTime, isLogStart: seq === 1 };
    });
  } finally {
    history.close();
  }
}
