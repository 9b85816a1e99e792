/** Which partitions have not yet applied what was in their streams when the node started, and which cannot. */
export class CatchingUp {
  /** Resolves when every partition has caught up or halted. */
  readonly done: Promise<void>;
  readonly #missing: Set<number>;
  readonly #halted = new Map<number, string>();
  #finish: () => void = () => {};

  /** `partitions`: how many read from streams; 0 where the log is embedded, and recovery is all. */
  constructor(partitions: number) {
    this.#missing = new Set(Array.from({ length: partitions }, (_, partition) => partition));
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    if (partitions === 0) this.#finish();
  }

  caughtUp(partition: number): void {
    this.#missing.delete(partition);
    if (this.#missing.size === 0) this.#finish();
  }

  halted(partition: number, reason: string): void {
    this.#halted.set(partition, reason);
    this.caughtUp(partition);
  }

  /** What keeps the node from being ready; null: nothing. */
  detail(): string | null {
    if (this.#missing.size > 0) return `partitions ${list(this.#missing)} have not caught up with their streams`;
    const first = [...this.#halted.values()][0];
    return first === undefined ? null : `partitions ${list(this.#halted.keys())} have halted: ${first}`;
  }
}

function list(partitions: Iterable<number>): string {
  return [...partitions].sort((a, b) => a - b).join(', ');
}
