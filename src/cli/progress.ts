/** One line on a terminal that says how far a long piece of work is; nothing where the output is no terminal. */
const SHOWN_EVERY_MS = 200;

export class Progress {
  readonly #out: NodeJS.WritableStream & { readonly isTTY?: boolean };
  #shownMs = 0;

  constructor(out: NodeJS.WritableStream & { readonly isTTY?: boolean }) {
    this.#out = out;
  }

  /** `share` from 0 to 1. */
  show(share: number, what: string): void {
    const nowMs = performance.now();
    if (!this.#out.isTTY || nowMs - this.#shownMs < SHOWN_EVERY_MS) return;
    this.#shownMs = nowMs;
    this.#out.write(`\r\x1b[K${Math.floor(share * 100)} %  ${what}`);
  }

  clear(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }
}
