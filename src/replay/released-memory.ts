/**
 * Partitions that are replayed one after another must not add up. Their memory is shared WebAssembly memory, which goes only when garbage is collected, and which V8 does not
 * reckon with when it decides whether to: so it is told. Called in threads of their own and commands, never where a partition is live: a collection takes some 20 ms.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { REPLAY_CLOSED_BYTES } from '../constants.ts';

let released = 0;
let collect: (() => void) | null = null;

/** These bytes are garbage, or will be as soon as whoever still holds the replay lets go of it. */
export function memoryReleased(bytes: number): void {
  released += bytes;
}

/** Before another partition's memory is taken. */
export function collectReleasedMemory(): void {
  if (released < REPLAY_CLOSED_BYTES) return;
  released = 0;
  if (collect === null) {
    // The collector is handed out to contexts that are made from here on only.
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
  }
  collect();
}
