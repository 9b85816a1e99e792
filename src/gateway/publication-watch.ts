/**
 * Who waits for a publication: it may read history for an hour, and clients go before. It goes on without them; their bodies must not take the room of others' for so long, once for each time that they asked. Why nothing
 * was published is their answer; where nobody is left to hear it, it is in the log, once.
 */
import type { PublishOutcome } from './engine.ts';
import type { Exchange } from './exchange.ts';
import type { GatewayLogger } from './logger.ts';
import type { Problem } from './problem.ts';

/** How many clients wait for a publication. */
interface Waiting {
  clients: number;
}

export class PublicationWatch {
  readonly #logger: GatewayLogger;
  readonly #draining: () => boolean;
  /** Who asks for the same is given the same promise. */
  readonly #waiting = new WeakMap<Promise<PublishOutcome>, Waiting>();

  constructor(logger: GatewayLogger, draining: () => boolean) {
    this.#logger = logger;
    this.#draining = draining;
  }

  /** null: the client has gone. */
  wait(
    exchange: Exchange,
    pending: Promise<PublishOutcome>,
    refusalOf: (outcome: PublishOutcome) => Problem | null,
  ): Promise<PublishOutcome | null> {
    const waiting = this.#waiting.get(pending) ?? this.#watch(pending, refusalOf);
    waiting.clients++;
    exchange.onEnd(() => {
      waiting.clients--;
    });
    return exchange.whileOpen(pending);
  }

  #watch(pending: Promise<PublishOutcome>, refusalOf: (outcome: PublishOutcome) => Problem | null): Waiting {
    const waiting = { clients: 0 };
    this.#waiting.set(pending, waiting);
    pending.then(
      (outcome) => {
        if (waiting.clients === 0) this.#logRefusal(refusalOf(outcome));
      },
      (error: unknown) => {
        if (waiting.clients === 0) this.#logFailure(error);
      },
    );
    return waiting;
  }

  #logRefusal(problem: Problem | null): void {
    if (problem === null) return;
    const fields = { status: problem.status, problem: `${problem.title}: ${problem.detail}` };
    this.#logger.warn(fields, 'a workspace was not published, and nobody waits for the answer any more');
  }

  #logFailure(error: unknown): void {
    const nobody = 'and nobody waits for the answer any more: publish it again';
    if (this.#draining())
      this.#logger.warn({ err: error }, `publishing a workspace was given up, ${nobody} once the node is back`);
    else this.#logger.error({ err: error }, `publishing a workspace failed, ${nobody}`);
  }
}
