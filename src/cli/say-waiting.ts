/** Tells on stderr that a node is waited for: why, and for how long; each reason once. */
import { type NodeClientOptions, secondsText } from './node-client.ts';

export function sayWaiting(stderr: NodeJS.WritableStream): NonNullable<NodeClientOptions['onRetry']> {
  const said = new Set<string>();
  return (why, _waitMs, giveUpMs) => {
    if (said.has(why)) return;
    said.add(why);
    stderr.write(`${why}: waiting for up to ${secondsText(giveUpMs)}\n`);
  };
}
