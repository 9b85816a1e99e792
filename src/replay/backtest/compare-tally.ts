/** Counts of a comparison: by campaign, and over all of them. */
import type { ChangedField, Comparison, LostReason } from '../../protocol/backtest.ts';

/** Counts by name. */
export class Counts<Name extends string = string> {
  readonly #counts = new Map<Name, number>();

  add(name: Name, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  get(name: Name): number {
    return this.#counts.get(name) ?? 0;
  }

  get names(): readonly Name[] {
    return [...this.#counts.keys()];
  }

  /** The greatest first, equal ones by name. */
  object(): Record<Name, number> {
    const sorted = [...this.#counts]
      .filter(([, count]) => count !== 0)
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    return Object.fromEntries(sorted) as Record<Name, number>;
  }
}

/** Decisions of one world. */
export class Made {
  decisions = 0;
  readonly channels = new Counts();

  add(channel: string): void {
    this.decisions++;
    this.channels.add(channel);
  }
}

export class CampaignTally {
  readonly before = new Made();
  readonly after = new Made();
  kept = 0;
  changed = 0;
  gained = 0;
  lost = 0;
  readonly changes = new Counts<ChangedField>();
  readonly lostBy = new Counts<LostReason>();
  readonly displacedBy = new Counts();
}

export class CompareTally {
  readonly #campaigns = new Map<string, CampaignTally>();

  of(campaign: string): CampaignTally {
    let tally = this.#campaigns.get(campaign);
    if (tally === undefined) {
      tally = new CampaignTally();
      this.#campaigns.set(campaign, tally);
    }
    return tally;
  }

  get ids(): readonly string[] {
    return [...this.#campaigns.keys()];
  }

  sum(): Comparison {
    const sum = { kept: 0, changed: 0, gained: 0, lost: 0 };
    for (const tally of this.#campaigns.values()) {
      sum.kept += tally.kept;
      sum.changed += tally.changed;
      sum.gained += tally.gained;
      sum.lost += tally.lost;
    }
    return sum;
  }
}
