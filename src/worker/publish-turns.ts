/**
 * Who publishes when. One at a time, in the order in which they were asked for, which is law: the last word wins.
 *
 * Whoever asks for what is asked for already is answered with that, where it comes to the same: it says by its key that it is the same request, sent again because the answer takes long; or nothing else was
 * asked for since; or it is based on a version, of which only the first can be published. Otherwise it is another word: one that waits still moves to the end, and beside one that is under way it is done once more.
 * So what is published stays bounded by what is different, however often it is sent.
 */
import { PUBLICATION_KEYS_MAX, PUBLICATIONS_MAX } from '../constants.ts';

export interface PublishRequest {
  /** What is asked for: equal where it is the same. */
  readonly content: string;
  /** The same where a request is sent again; null: it does not say. */
  readonly key: string | null;
  /** It is based on a version. */
  readonly based: boolean;
}

interface Turn<Result> {
  readonly content: string;
  /** Of all that it answers, as far as they have any. */
  readonly keys: Set<string>;
  readonly begin: () => void;
  readonly answer: Promise<Result>;
}

export class PublishTurns<Result> {
  #running: Turn<Result> | null = null;
  readonly #waiting: Turn<Result>[] = [];

  /** `work` is given the keys of all whom it answers. null: as many as may be wait already. */
  take(request: PublishRequest, work: (keys: ReadonlySet<string>) => Promise<Result>): Promise<Result> | null {
    const turn = this.#sameAs(request) ?? this.#add(request.content, work);
    if (turn === null) return null;
    if (request.key !== null && turn.keys.size < PUBLICATION_KEYS_MAX) turn.keys.add(request.key);
    if (this.#running === null) this.#next();
    return turn.answer;
  }

  #sameAs({ content, key, based }: PublishRequest): Turn<Result> | null {
    const pending = [...(this.#running === null ? [] : [this.#running]), ...this.#waiting];
    const same = pending.filter((turn) => turn.content === content);
    const repeated = same.find(({ keys }) => key !== null && keys.has(key));
    if (repeated !== undefined) return repeated;
    const last = same.at(-1);
    if (last === undefined || based || last === pending.at(-1)) return last ?? null;
    const place = this.#waiting.indexOf(last);
    if (place < 0) return null;
    this.#waiting.splice(place, 1);
    this.#waiting.push(last);
    return last;
  }

  #add(content: string, work: (keys: ReadonlySet<string>) => Promise<Result>): Turn<Result> | null {
    if (this.#waiting.length + (this.#running === null ? 0 : 1) >= PUBLICATIONS_MAX) return null;
    const keys = new Set<string>();
    let begin: () => void = () => {};
    const answer = new Promise<Result>((resolve, reject) => {
      // Whoever is answered finds the room free again.
      begin = () =>
        void work(keys)
          .finally(() => this.#next())
          .then(resolve, reject);
    });
    const turn: Turn<Result> = { content, keys, begin, answer };
    this.#waiting.push(turn);
    return turn;
  }

  #next(): void {
    this.#running = this.#waiting.shift() ?? null;
    this.#running?.begin();
  }
}
