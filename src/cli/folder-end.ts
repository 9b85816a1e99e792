/**
 * Where a data folder ends that is read without its node. On NATS an event is acknowledged when its stream has it, and the folder follows: what is told of the folder alone may lack the
 * last of it, and says so.
 */
import type { History } from '../replay/history.ts';

/** null: the folder is the log, and nothing was acknowledged that it does not hold. */
export function folderEndText(history: History): string | null {
  if (history.identity.log === 'embedded') return null;
  return `${history.paths.root} follows the streams of a node on NATS: what was acknowledged last may not be in it yet`;
}

/** For what a node can be asked, too. */
export function sayFolderEnd(history: History, stderr: NodeJS.WritableStream): void {
  const text = folderEndText(history);
  if (text !== null) stderr.write(`${text}; --node URL asks its node, which waits for it\n`);
}
