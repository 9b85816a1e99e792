/**
 * What came after a campaign's decisions: follow-ups of its cascade, feedback, and its goal. Counted beside the books of
 * matches: none of this is matched = decided + suppressed + waiting.
 */
import { FeedbackOutcome, type FeedbackOutcome as Outcome } from '../../workspace/workspace.ts';

/** In the order of strength, `failed` last. */
export const FEEDBACK_OUTCOMES: readonly Outcome[] = Object.values(FeedbackOutcome);

/** Customers whose goal was watched, and those of them that met it. */
export interface GoalArm {
  readonly exposed: number;
  readonly converted: number;
}

export interface FollowUpCounts {
  /** By channel. */
  readonly decided: Readonly<Record<string, number>>;
  /** By reason: entries of the cascade that ended without a decision. */
  readonly suppressed: Readonly<Record<string, number>>;
}

/** By channel, variant (`''` where there is none) and outcome. */
export type FeedbackCounts = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>;

/** What users see of it. */
export interface ResponseCounts {
  readonly followUps: FollowUpCounts;
  readonly feedback: FeedbackCounts;
  /** Zeros where the campaign has no goal. */
  readonly goal: { readonly treated: GoalArm; readonly held: GoalArm };
}

/** Of a campaign that nobody has seen yet. */
export const NO_RESPONSES: ResponseCounts = {
  followUps: { decided: {}, suppressed: {} },
  feedback: {},
  goal: { treated: { exposed: 0, converted: 0 }, held: { exposed: 0, converted: 0 } },
};

export class CampaignResponses {
  readonly #followUps = new Map<string, number>();
  readonly #suppressed = new Map<string, number>();
  /** By channel, then variant: counts by place in FEEDBACK_OUTCOMES. */
  readonly #feedback = new Map<string, Map<string, Float64Array>>();
  readonly treated = { exposed: 0, converted: 0 };
  readonly held = { exposed: 0, converted: 0 };

  followUp(channel: string): void {
    this.#followUps.set(channel, (this.#followUps.get(channel) ?? 0) + 1);
  }

  /** A cascade that ended for a reason, by the reason's name. */
  suppressFollowUp(reason: string): void {
    this.#suppressed.set(reason, (this.#suppressed.get(reason) ?? 0) + 1);
  }

  /** `variant` is '' where there is none. */
  addFeedback(channel: string, variant: string, outcome: Outcome): void {
    this.#add(channel, variant, FEEDBACK_OUTCOMES.indexOf(outcome), 1);
  }

  /** Names in order, so that equal counts read the same. */
  counts(): ResponseCounts {
    const channels = [...this.#feedback].sort(byName).map(([channel, variants]) => {
      const inOrder = [...variants].sort(byName);
      return [channel, Object.fromEntries(inOrder.map(([variant, counts]) => [variant, outcomes(counts)]))] as const;
    });
    return {
      followUps: {
        decided: Object.fromEntries([...this.#followUps].sort(byName)),
        suppressed: Object.fromEntries([...this.#suppressed].sort(byName)),
      },
      feedback: Object.fromEntries(channels),
      goal: { treated: { ...this.treated }, held: { ...this.held } },
    };
  }

  /** Into new responses: what `counts` gave. */
  restore({ followUps, feedback, goal }: ResponseCounts): void {
    for (const [channel, count] of Object.entries(followUps.decided)) this.#followUps.set(channel, count);
    for (const [reason, count] of Object.entries(followUps.suppressed)) this.#suppressed.set(reason, count);
    for (const [channel, variants] of Object.entries(feedback)) {
      for (const [variant, counts] of Object.entries(variants)) {
        FEEDBACK_OUTCOMES.forEach((outcome, place) => {
          this.#add(channel, variant, place, counts[outcome] ?? 0);
        });
      }
    }
    Object.assign(this.treated, goal.treated);
    Object.assign(this.held, goal.held);
  }

  #add(channel: string, variant: string, place: number, count: number): void {
    let variants = this.#feedback.get(channel);
    if (variants === undefined) {
      variants = new Map();
      this.#feedback.set(channel, variants);
    }
    let counts = variants.get(variant);
    if (counts === undefined) {
      counts = new Float64Array(FEEDBACK_OUTCOMES.length);
      variants.set(variant, counts);
    }
    counts[place] = (counts[place] as number) + count;
  }
}

function outcomes(counts: Float64Array): Record<string, number> {
  return Object.fromEntries(
    FEEDBACK_OUTCOMES.flatMap((outcome, place) =>
      (counts[place] as number) > 0 ? [[outcome, counts[place] as number] as const] : [],
    ),
  );
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
