/** Expressions of the active version taken apart, made when first wanted. They are evaluated beside the steps, over frames of their own, so that nothing that a step holds changes. */

import type { ExplainedExpression } from '../../protocol/explanation.ts';
import { createProfileFrame, type EventFrame, type ProfileFrame } from '../../protocol/frame.ts';
import type { EventSchema } from '../../protocol/schema.ts';
import { ExpressionExplainer, type ExpressionExplanation } from '../../rules/explain-expression.ts';
import type { Program } from '../../rules/program.ts';
import { SegmentSet } from '../../rules/segment-set.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';

/** What a program was checked against: `undefined` for the trigger where there is one event, as in RuleScope. */
export interface ExpressionScope {
  readonly event: EventSchema | null;
  readonly trigger?: EventSchema | null;
}

export class PredicateExplanations {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #segments: SegmentSet;
  readonly #explainer: ExpressionExplainer;
  readonly #profile: ProfileFrame;
  readonly #explanations = new Map<Program, ExpressionExplanation>();

  constructor(state: PartitionState, active: ActiveWorkspace) {
    const { schema, segments } = active.workspace;
    const programs = segments.map(({ when }) => when);
    this.#state = state;
    this.#active = active;
    this.#segments = new SegmentSet(programs, schema);
    this.#explainer = new ExpressionExplainer(schema, programs, this.#segments);
    this.#profile = createProfileFrame(schema);
  }

  /** `frame`: as the program itself was given. */
  explain(
    program: Program,
    scope: ExpressionScope,
    frame: EventFrame | null,
    row: number,
    now: number,
  ): ExplainedExpression {
    const explanation = this.#explanationOf(program, scope);
    this.#state.gather(row, explanation.profileSlots, now, this.#profile);
    this.#segments.begin(this.#profile, now);
    return explanation.explain(frame, this.#profile, now);
  }

  /** As it is written, on one line. */
  textOf(program: Program, scope: ExpressionScope): string {
    return this.#explanationOf(program, scope).text;
  }

  /** Of a campaign's own event; null where a schedule sets it off. */
  schemaOf(event: number): EventSchema | null {
    return this.#active.workspace.schema.events[event] ?? null;
  }

  #explanationOf(program: Program, scope: ExpressionScope): ExpressionExplanation {
    const known = this.#explanations.get(program);
    if (known !== undefined) return known;
    const explanation = this.#explainer.compile(program, scope.event, scope.trigger);
    this.#explanations.set(program, explanation);
    return explanation;
  }
}
