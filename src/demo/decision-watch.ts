/** Listens to the decision stream, as a channel gateway would: counts what comes, and makes sure that nothing comes twice. */
import { WebSocket } from 'ws';

/** What the demo reads of a decision. */
export interface SeenDecision {
  readonly id: string;
  readonly ts: string;
  readonly customer: string | null;
  readonly campaign: string;
  readonly variant: string | null;
  readonly offer: string | null;
  readonly channel: string;
  readonly message: Readonly<Record<string, string>> | null;
  readonly event: { readonly id: string | null; readonly type: string };
  readonly slot: string | null;
  /** The decision on the channel before it, of a cascade. */
  readonly follows: string | null;
}

type ChannelCounts = Map<string, Map<string, number>>;

export class DecisionWatch {
  readonly #socket: WebSocket;
  readonly #ids = new Set<string>();
  #unanswered: SeenDecision[] = [];
  /** campaign → channel → decisions that follow no other. */
  readonly counts: ChannelCounts = new Map();
  /** campaign → channel → decisions that follow another. */
  readonly followUps: ChannelCounts = new Map();
  readonly perCustomer = new Map<string, number>();
  repeated = 0;
  problem: string | null = null;
  #wake: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get received(): number {
    return this.#ids.size;
  }

  static async open(url: string, onDecision: (decision: SeenDecision) => void): Promise<DecisionWatch> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/decisions?from=earliest`);
    const watch = new DecisionWatch(socket);
    socket.on('message', (data) => watch.#take(String(data), onDecision));
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', (error) => reject(new Error(`the decision stream cannot be opened: ${error.message}`)));
    });
    socket.on('error', (error) => watch.#fail(error.message));
    socket.on('close', (code, reason) => watch.#fail(`closed with ${code} ${reason}`));
    return watch;
  }

  /** Waits until `count` decisions have come, at most `waitMs`. */
  async until(count: number, waitMs: number): Promise<void> {
    const giveUpAt = performance.now() + waitMs;
    while (this.received < count && this.problem === null && performance.now() < giveUpAt) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, giveUpAt - performance.now()).unref();
      });
    }
  }

  /** What has come since this was asked last, by partition and number: in that order it is the same on every run. */
  takeUnanswered(): readonly SeenDecision[] {
    const taken = this.#unanswered.map((decision) => ({ decision, place: decision.id.split('-').map(Number) }));
    this.#unanswered = [];
    taken.sort((a, b) => (a.place[0] ?? 0) - (b.place[0] ?? 0) || (a.place[1] ?? 0) - (b.place[1] ?? 0));
    return taken.map(({ decision }) => decision);
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.close();
  }

  #take(text: string, onDecision: (decision: SeenDecision) => void): void {
    const { decision, ...other } = JSON.parse(text) as { decision?: SeenDecision };
    if (!decision) {
      this.#fail(JSON.stringify(other));
      return;
    }
    if (this.#ids.has(decision.id)) this.repeated++;
    this.#ids.add(decision.id);
    this.#unanswered.push(decision);
    const counts = decision.follows === null ? this.counts : this.followUps;
    const channels = counts.get(decision.campaign) ?? new Map<string, number>();
    counts.set(decision.campaign, channels.set(decision.channel, (channels.get(decision.channel) ?? 0) + 1));
    if (decision.customer !== null)
      this.perCustomer.set(decision.customer, (this.perCustomer.get(decision.customer) ?? 0) + 1);
    onDecision(decision);
    this.#wake();
  }

  #fail(problem: string): void {
    this.problem ??= problem;
    this.#wake();
  }
}
