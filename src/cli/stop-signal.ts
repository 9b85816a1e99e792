/**
 * How a program is asked to stop: SIGINT or SIGTERM. One Ctrl-C arrives twice under npm, which passes on what the terminal sends to everybody: only what comes a
 * while after the first is a person who does not want to wait.
 */
type StopSignal = 'SIGINT' | 'SIGTERM';

/** npm passes a signal on within milliseconds; a loaded machine takes longer. */
const SAME_PRESS_MS = 1_000;
/** As shells have it: 128 and the signal's number. */
export const STOPPED_BY: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143 };

/** Resolves with the first; `again` is called at one that comes later. To be called once in a process: it listens until `over`. */
export function stopSignal(
  again: (signal: StopSignal) => void = (signal) => process.exit(STOPPED_BY[signal]),
  over?: AbortSignal,
): Promise<StopSignal> {
  return new Promise((resolve) => {
    let firstAt: number | null = null;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (firstAt !== null && performance.now() - firstAt > SAME_PRESS_MS) again(signal as StopSignal);
      firstAt ??= performance.now();
      resolve(signal as StopSignal);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, onSignal);
      over?.addEventListener('abort', () => process.off(signal, onSignal), { once: true });
    }
  });
}
