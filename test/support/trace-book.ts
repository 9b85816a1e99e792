/** A trace that keeps all it is told, and adds it up as the books do. */
import { expect } from 'vitest';
import type { CampaignRow } from '../../src/machine/accounting.ts';
import type { Outcome, Trace } from '../../src/machine/trace/trace.ts';
import type { ExplainedMoment } from '../../src/protocol/explanation.ts';
import type { MachineFixture } from './machine-fixture.ts';

interface Sums {
  readonly decided: number;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly outrankedBy: Readonly<Record<string, number>>;
}

export class TraceBook implements Trace {
  readonly outcomes: Outcome[] = [];
  readonly moments: ExplainedMoment[] = [];
  readonly explains: (customer: string) => boolean;

  constructor(explains: (customer: string) => boolean = () => false) {
    this.explains = explains;
  }

  readonly outcome = (outcome: Outcome): void => {
    this.outcomes.push(outcome);
  };

  explained(moment: ExplainedMoment): void {
    this.moments.push(moment);
  }

  /** What was told so far is what the machine counted, campaign by campaign and reason by reason. */
  expectBooksOf({ machine, decisions }: MachineFixture): void {
    const booked = machine.campaigns().filter(({ matched }) => matched > 0);
    expect(Object.fromEntries(this.#sums())).toEqual(Object.fromEntries(booked.map((row) => [row.id, sumsOf(row)])));
    const made = decisions.filter(({ decision }) => decision.follows === null);
    expect(this.outcomes.filter(({ result }) => result === 'decided')).toMatchObject(
      made.map(({ number, decision }) => ({
        decision: number,
        campaign: decision.campaign,
        customer: decision.customer ?? '',
        eventId: decision.event.id ?? '',
        eventType: decision.event.type,
        now: Date.parse(decision.ts),
      })),
    );
  }

  #sums(): Map<string, Sums> {
    const sums = new Map<
      string,
      { decided: number; suppressed: Record<string, number>; outrankedBy: Record<string, number> }
    >();
    for (const { campaign, result, winner } of this.outcomes) {
      const own = sums.get(campaign) ?? { decided: 0, suppressed: {}, outrankedBy: {} };
      sums.set(campaign, own);
      if (result === 'decided') own.decided++;
      else if (result !== 'waiting') own.suppressed[result] = (own.suppressed[result] ?? 0) + 1;
      if (winner !== null) own.outrankedBy[winner] = (own.outrankedBy[winner] ?? 0) + 1;
    }
    return sums;
  }
}

function sumsOf({ decided, suppressed, outrankedBy }: CampaignRow): Sums {
  return { decided: Object.values(decided).reduce((a, b) => a + b, 0), suppressed, outrankedBy };
}
