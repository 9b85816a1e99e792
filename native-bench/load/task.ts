/**
 * A load generator or a measuring client in a thread of its own: it shares no event loop with what it measures. It gets ready (connects, builds its requests),
 * waits for the word, does its work and answers.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';

const READY_MS_MAX = 60_000;
const RESULT_MS_MAX = 180_000;

type FromTask<Result> = { readonly ready: true } | { readonly result: Result };

export class Task<Go, Result> {
  readonly #module: string;
  readonly #worker: Worker;
  readonly result: Promise<Result>;

  private constructor(module: string, worker: Worker, result: Promise<Result>) {
    this.#module = module;
    this.#worker = worker;
    this.result = result;
  }

  /** Runs a module of this folder, by its name. Resolves when it is ready. */
  static start<Go, Result>(module: string, data: object): Promise<Task<Go, Result>> {
    const worker = new Worker(new URL(`./${module}${import.meta.url.slice(-3)}`, import.meta.url), {
      workerData: data,
      name: module,
    });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${module} was not ready within ${READY_MS_MAX} ms`)),
        READY_MS_MAX,
      );
      const result = new Promise<Result>((done, failed) => {
        worker.on('message', (message: FromTask<Result>) => {
          if ('result' in message) done(message.result);
          else {
            clearTimeout(timer);
            resolve(new Task<Go, Result>(module, worker, result));
          }
        });
        worker.on('error', failed);
        worker.on('exit', (code) => failed(new Error(`${module} ended with ${code}`)));
      });
      result.catch((error: unknown) => {
        clearTimeout(timer);
        reject(error);
      });
    });
  }

  /** Rejects if there is no result within RESULT_MS_MAX: what hangs must not hang the benchmark. */
  go(message: Go): Promise<Result> {
    this.#worker.postMessage(message);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${this.#module} had no result within ${RESULT_MS_MAX} ms`));
        void this.end();
      }, RESULT_MS_MAX);
      this.result.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  /** A second word to a task that listens for it. */
  tell(message: unknown): void {
    this.#worker.postMessage(message);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** The body of such a module: `prepare` resolves when ready, with what to do at the word. */
export async function runTask<Data, Go, Result>(
  prepare: (data: Data) => Promise<(go: Go) => Promise<Result>>,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('this module runs as a task of the load benchmarks');
  const work = await prepare(workerData as Data);
  port.once('message', (go: Go) => {
    void work(go).then((result) => port.postMessage({ result }));
  });
  port.postMessage({ ready: true });
}
