/**
 * Work that reads history and takes as long as it takes (reasons, the filling of new aggregates), in threads that give way to everything else: the shards' and the main thread's
 * work comes first, whatever is asked for here.
 *
 * A kind of work is a module beside this one with a default export, `(input) => output`, named by a `backgroundTask`. Each kind has one thread, which starts when there is work and ends when there
 * has been none for a while: what takes a second does not wait behind what takes an hour, and of one kind one thing is done after another. Whoever asks bounds how much waits.
 */
import { Piscina } from 'piscina';
import { TASK_POOL_IDLE_MS } from '../constants.ts';

declare const carries: unique symbol;

export interface BackgroundTask<Input, Output> {
  /** Of its module, without the ending. */
  readonly name: string;
  readonly [carries]?: (input: Input) => Output;
}

/** `input` and `output` cross threads: plain data and shared memory. */
export function backgroundTask<Input, Output>(name: string): BackgroundTask<Input, Output> {
  return { name };
}

/** What the thread is sent. */
export interface BackgroundWork {
  readonly module: string;
  readonly input: unknown;
}

/** The node is stopping. */
export class BackgroundClosedError extends Error {
  override readonly name = 'BackgroundClosedError';

  constructor() {
    super('the node is stopping: nothing goes on in the background any more');
  }
}

const ENDING = import.meta.url.slice(-3);

export class BackgroundPool {
  readonly #threads = new Map<string, Piscina>();
  #closed = false;

  /** Rejects with what the task threw; with an AbortError once `signal` is aborted: its thread is ended, in the midst of what it does. */
  async run<Input, Output>(task: BackgroundTask<Input, Output>, input: Input, signal?: AbortSignal): Promise<Output> {
    // A pool of threads that was destroyed would start another one.
    if (this.#closed) throw new BackgroundClosedError();
    let thread = this.#threads.get(task.name);
    if (thread === undefined) {
      thread = new Piscina({
        filename: new URL(`./background-thread${ENDING}`, import.meta.url).href,
        minThreads: 0,
        maxThreads: 1,
        idleTimeout: TASK_POOL_IDLE_MS,
      });
      this.#threads.set(task.name, thread);
    }
    const module = new URL(`./${task.name}${ENDING}`, import.meta.url).href;
    const work: BackgroundWork = { module, input };
    try {
      return (await thread.run(work, signal === undefined ? {} : { signal })) as Output;
    } catch (error) {
      throw this.#closed ? new BackgroundClosedError() : error;
    }
  }

  /** What is under way is ended and rejects with BackgroundClosedError, and so does whatever is asked for from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads.values()].map((thread) => thread.destroy()));
  }
}
