/**
 * Step 6, arbitrate: who wins an event. Candidates are ranked by score, then priority, value and campaign id; the first
 * `pick` win. After each winner the next in rank is checked again with that winner among the contacts (it may move to
 * another channel, or lose under the reason that now holds), and the ones behind it move up.
 */
import type { ActiveCampaign } from '../active-campaign.ts';
import type { Trigger } from '../time/trigger.ts';

/** Candidates of one event that passed policy, in parallel arrays that grow to the most ever seen and are reused. */
export class Candidates {
  count = 0;
  readonly campaigns: ActiveCampaign[] = [];
  readonly #triggers: Trigger[] = [];
  #places = new Int32Array(16);
  #scores = new Float64Array(16);
  #values = new Float64Array(16);
  #rank = new Int32Array(16);
  readonly #compare = (a: number, b: number): number => this.#order(a, b);

  clear(): void {
    this.count = 0;
  }

  /** `place` is that of the channel that policy chose; score and value, what the campaign is worth, are finite numbers. */
  add(campaign: ActiveCampaign, trigger: Trigger, place: number, score: number, value: number): void {
    const at = this.count++;
    if (at === this.#places.length) this.#grow();
    this.campaigns[at] = campaign;
    this.#triggers[at] = trigger;
    this.#places[at] = place;
    this.#scores[at] = score;
    this.#values[at] = value;
  }

  /** Puts them in rank; afterwards `campaign(0)` is the best. */
  rank(): void {
    for (let i = 0; i < this.count; i++) this.#rank[i] = i;
    if (this.count > 1) this.#rank.subarray(0, this.count).sort(this.#compare);
  }

  campaign(rank: number): ActiveCampaign {
    return this.campaigns[this.#rank[rank] as number] as ActiveCampaign;
  }
  trigger(rank: number): Trigger {
    return this.#triggers[this.#rank[rank] as number] as Trigger;
  }
  place(rank: number): number {
    return this.#places[this.#rank[rank] as number] as number;
  }
  score(rank: number): number {
    return this.#scores[this.#rank[rank] as number] as number;
  }
  value(rank: number): number {
    return this.#values[this.#rank[rank] as number] as number;
  }

  /** A total order: ids differ, and a campaign's index follows them; two of one campaign go as they were added. */
  #order(a: number, b: number): number {
    const left = this.campaigns[a] as ActiveCampaign;
    const right = this.campaigns[b] as ActiveCampaign;
    const leftScore = this.#scores[a] as number;
    const rightScore = this.#scores[b] as number;
    if (leftScore !== rightScore) return leftScore > rightScore ? -1 : 1;
    if (left.priority !== right.priority) return left.priority > right.priority ? -1 : 1;
    const leftValue = this.#values[a] as number;
    const rightValue = this.#values[b] as number;
    if (leftValue !== rightValue) return leftValue > rightValue ? -1 : 1;
    return left.index === right.index ? a - b : left.index - right.index;
  }

  #grow(): void {
    const size = this.#places.length * 2;
    const places = new Int32Array(size);
    places.set(this.#places);
    this.#places = places;
    const scores = new Float64Array(size);
    scores.set(this.#scores);
    this.#scores = scores;
    const values = new Float64Array(size);
    values.set(this.#values);
    this.#values = values;
    this.#rank = new Int32Array(size);
  }
}
