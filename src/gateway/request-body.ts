/**
 * Takes a request's body off the wire, within the bound on one body and the bound on all bodies together. A body that came in one piece is not
 * copied: it is valid only until the handler first awaits.
 */
import type { Exchange } from './exchange.ts';
import type { GatewayLimits } from './limits.ts';
import { overloaded, type Problem } from './problem.ts';

/** Bytes of bodies that were received and not let go of yet. */
export class BodyBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }
  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

export class RequestBody {
  /** Taken from the budget; the caller gives them back when it is done with the request. */
  bytesTaken = 0;
  readonly #exchange: Exchange;
  readonly #limits: GatewayLimits;
  readonly #budget: BodyBudget;
  #buffer: Buffer | null = null;
  #length = 0;

  constructor(exchange: Exchange, limits: GatewayLimits, budget: BodyBudget) {
    this.#exchange = exchange;
    this.#limits = limits;
    this.#budget = budget;
  }

  /** Must be called within the route's callback. Answers by itself if the body is refused; `onBody` is called at most once, for a whole body. */
  receive(onBody: (body: Buffer) => void): void {
    const { contentLength } = this.#exchange.head;
    if (contentLength !== null && contentLength > this.#limits.bodyBytesMax) {
      this.#exchange.problem(tooLarge(this.#limits, contentLength));
      return;
    }
    this.#exchange.response?.onData((chunk, isLast) => {
      if (!this.#exchange.open) return;
      const problem = this.#refuse(chunk.byteLength);
      if (problem !== null) {
        this.#buffer = null;
        this.#exchange.problem(problem);
        return;
      }
      if (isLast && this.#buffer === null) {
        onBody(Buffer.from(chunk));
        return;
      }
      this.#append(chunk);
      if (isLast) onBody((this.#buffer as Buffer).subarray(0, this.#length));
    });
  }

  #refuse(bytes: number): Problem | null {
    if (this.#length + bytes > this.#limits.bodyBytesMax) return tooLarge(this.#limits, null);
    if (this.#budget.take(bytes)) {
      this.bytesTaken += bytes;
      return null;
    }
    return overloaded(
      'the bodies of requests that are not answered yet fill the memory set aside for them: send again a little later',
      this.#limits.retryAfterSeconds,
    );
  }

  #append(chunk: ArrayBuffer): void {
    const need = this.#length + chunk.byteLength;
    if (this.#buffer === null || this.#buffer.length < need) {
      // Not what Content-Length claims: claims are free, memory is not.
      const grown = Buffer.allocUnsafe(need * 2);
      this.#buffer?.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#buffer.set(new Uint8Array(chunk), this.#length);
    this.#length = need;
  }
}

function tooLarge(limits: GatewayLimits, contentLength: number | null): Problem {
  const size = contentLength === null ? 'more' : `${contentLength}`;
  return {
    status: 413,
    type: 'body-too-large',
    title: 'The body is too large',
    detail: `a body may have ${limits.bodyBytesMax} bytes, this one has ${size}: nothing of it was taken; send it as several requests`,
    close: contentLength === null || contentLength > limits.discardBytesMax,
  };
}
