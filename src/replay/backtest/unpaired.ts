/** What waits for its counterpart, by key: of equal keys the first one first. Bounded: the oldest leave. */
export class Unpaired<Item> {
  readonly #items = new Map<string, Item[]>();
  readonly #max: number;
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Returns what had to leave for it. */
  add(key: string, item: Item): Item | undefined {
    const items = this.#items.get(key);
    if (items === undefined) this.#items.set(key, [item]);
    else items.push(item);
    if (++this.#size <= this.#max) return undefined;
    const [oldest = key] = this.#items.keys();
    return this.take(oldest);
  }

  peek(key: string): Item | undefined {
    return this.#items.get(key)?.[0];
  }

  take(key: string): Item | undefined {
    const items = this.#items.get(key);
    if (items === undefined) return undefined;
    const item = items.shift();
    if (items.length === 0) this.#items.delete(key);
    this.#size--;
    return item;
  }

  /** False: it is not there (any more). */
  remove(key: string, item: Item): boolean {
    const items = this.#items.get(key);
    const place = items?.indexOf(item) ?? -1;
    if (items === undefined || place < 0) return false;
    items.splice(place, 1);
    if (items.length === 0) this.#items.delete(key);
    this.#size--;
    return true;
  }

  /** Takes all, in the order of their keys' first. */
  drain(): Item[] {
    const items = [...this.#items.values()].flat();
    this.#items.clear();
    this.#size = 0;
    return items;
  }
}
