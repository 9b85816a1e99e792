/** Background task: from where to where the history of a data folder reaches, by partition. */
import { type HistoryBeginning, historyBeginnings } from '../replay/fill/history-beginning.ts';
import { backgroundTask } from './background-pool.ts';

export const HISTORY_BEGINNINGS = backgroundTask<string, (HistoryBeginning | null)[]>('history-beginnings-task');

export default historyBeginnings;
