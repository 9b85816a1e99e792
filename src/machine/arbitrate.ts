/**
 * Step 6, arbitrate: who wins an event. Candidates are ranked by priority, then value, then campaign id; the first
 * `pick` win. After each winner the next in rank is checked again with that winner among the contacts (it may move to
 * another channel, or lose under the reason that now holds), and the ones behind it move up.
 */
import type { ActiveCampaign } from './active-workspace.ts';
import type { Trigger } from './trigger.ts';

/** Candidates of one event that passed policy, in parallel arrays that grow to the most ever seen and are reused. */
export class Candidates {
  count = 0;
  readonly campaigns: ActiveCampaign[] = [];
  readonly #triggers: Trigger[] = [];
  #channels = new Int32Array(16);
  #values = new Float64Array(16);
  #rank = new Int32Array(16);
  readonly #compare = (a: number, b: number): number => this.#order(a, b);

  clear(): void {
    this.count = 0;
  }

  /** `channel` is the one that policy chose, `value` what the campaign is worth: a finite number. */
  add(campaign: ActiveCampaign, trigger: Trigger, channel: number, value: number): void {
    const at = this.count++;
    if (at === this.#channels.length) this.#grow();
    this.campaigns[at] = campaign;
    this.#triggers[at] = trigger;
    this.#channels[at] = channel;
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
  channel(rank: number): number {
    return this.#channels[this.#rank[rank] as number] as number;
  }
  value(rank: number): number {
    return this.#values[this.#rank[rank] as number] as number;
  }

  /** A total order: ids differ, and a campaign's index follows them; two of one campaign go as they were added. */
  #order(a: number, b: number): number {
    const left = this.campaigns[a] as ActiveCampaign;
    const right = this.campaigns[b] as ActiveCampaign;
    if (left.priority !== right.priority) return left.priority > right.priority ? -1 : 1;
    const leftValue = this.#values[a] as number;
    const rightValue = this.#values[b] as number;
    if (leftValue !== rightValue) return leftValue > rightValue ? -1 : 1;
    return left.index === right.index ? a - b : left.index - right.index;
  }

  #grow(): void {
    const size = this.#channels.length * 2;
    const channels = new Int32Array(size);
    channels.set(this.#channels);
    this.#channels = channels;
    const values = new Float64Array(size);
    values.set(this.#values);
    this.#values = values;
    this.#rank = new Int32Array(size);
  }
}
