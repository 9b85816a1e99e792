/** Lets a case happen on a partition of its own, and keeps for each step what came of it. */
import { TRIAL_EXPLAINED_MAX } from '../constants.ts';
import type { Outcome } from '../machine/trace/trace.ts';
import type { Decision } from '../protocol/decision.ts';
import type { ExplainedMoment } from '../protocol/explanation.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { Trial, TrialCheck, TrialEvent, TrialPlace } from './trial.ts';
import { VirtualPartition } from './virtual-partition.ts';

/** Something that a case could not go on from: an event that was refused, feedback on nothing. */
export interface TrialFault {
  readonly place: TrialPlace;
  readonly message: string;
}

/** A moment of a customer, null: of an anonymous event. */
export interface ToldMoment {
  readonly customer: string | null;
  readonly moment: ExplainedMoment;
}

/** What came since the step before. */
export interface StepCourse {
  readonly decisions: readonly Decision[];
  readonly outcomes: readonly Outcome[];
  /** Only where it was run to be explained, and of those for whom. In the order of time for each. */
  readonly moments: readonly ToldMoment[];
  /** After the step: of campaigns that a check asks for, or that began to wait. */
  readonly waiting: ReadonlyMap<string, ReturnType<VirtualPartition['waitingFor']>>;
}

export interface TrialCourse {
  /** As many as were reached. */
  readonly steps: readonly StepCourse[];
  readonly fault: TrialFault | null;
}

const encoder = new TextEncoder();

/** The payload of the workspace record for cases that take these campaigns as live. */
export function workspaceRecord(workspace: Workspace, live: readonly string[]): Uint8Array {
  const campaigns = workspace.campaigns.map((campaign) =>
    live.includes(campaign.id) ? { ...campaign, status: 'live' as const } : campaign,
  );
  // Nobody asks a case for the sources.
  return encoder.encode(JSON.stringify({ ...workspace, version: 1, files: {}, campaigns }));
}

export function runTrial(trial: Trial, workspace: Uint8Array): TrialCourse {
  return new Run(trial, workspace, undefined).run();
}

/** The same, with every moment of its customers explained. Moments do not say whose they are: it runs once for each of them. */
export function runExplained(trial: Trial, workspace: Uint8Array): TrialCourse {
  const { before, steps } = trial;
  const events = [...before, ...steps.flatMap(({ event }) => (event === null ? [] : [event]))];
  const customers = [...new Set(events.map(({ customer }) => customer))].slice(0, TRIAL_EXPLAINED_MAX);
  const [first, ...others] = (customers.length === 0 ? [null] : customers).map((customer) =>
    new Run(trial, workspace, customer).run(),
  ) as [TrialCourse, ...TrialCourse[]];
  const merged = first.steps.map((step, i) => ({
    ...step,
    moments: [first, ...others].flatMap((course) => course.steps[i]?.moments ?? []),
  }));
  return { steps: merged, fault: first.fault };
}

class Run {
  readonly #trial: Trial;
  readonly #partition: VirtualPartition;
  /** By campaign and customer: the last decision's id. */
  readonly #lastDecisions = new Map<string, string>();
  readonly #steps: StepCourse[] = [];
  #decisions: Decision[] = [];
  #outcomes: Outcome[] = [];
  #moments: ToldMoment[] = [];

  /** `explained`: whose moments are; null: of anonymous events, undefined: nobody's. */
  constructor(trial: Trial, workspace: Uint8Array, explained: string | null | undefined) {
    this.#trial = trial;
    const trace = {
      outcome: (outcome: Outcome) => this.#outcomes.push(outcome),
      returned: null,
      explains: (customer: string) => explained !== undefined && customer === (explained ?? ''),
      explained: (moment: ExplainedMoment) => this.#moments.push({ customer: explained ?? null, moment }),
    };
    this.#partition = new VirtualPartition(workspace, trial.startMs, trace, (decision) => {
      this.#decisions.push(decision);
      this.#lastDecisions.set(keyOf(decision.campaign, decision.customer), decision.id);
    });
  }

  run(): TrialCourse {
    const { before, steps } = this.#trial;
    for (const event of before) {
      const fault = this.#happen(event);
      if (fault !== null) return { steps: this.#steps, fault };
    }
    // What is due at the very time of the first step is part of it.
    const [first] = steps;
    if (first !== undefined && !this.#partition.passTo(first.atMs - 1)) return this.#tooLong(first.place);
    this.#closeStep();
    for (const { place, atMs, event, checks } of steps) {
      if (!this.#partition.passTo(atMs)) return this.#tooLong(place);
      const fault = event === null ? null : this.#happen(event);
      const { decisions, outcomes, moments } = this.#closeStep();
      const begun = outcomes.flatMap(({ campaign, result }) => (result === 'waiting' ? [campaign] : []));
      const asked = new Set([...checks.flatMap(campaignsOf), ...begun]);
      const waiting = new Map([...asked].map((id) => [id, this.#partition.waitingFor(id)]));
      this.#steps.push({ decisions, outcomes, moments, waiting });
      if (fault !== null) return { steps: this.#steps, fault };
    }
    return { steps: this.#steps, fault: null };
  }

  #closeStep(): Pick<StepCourse, 'decisions' | 'outcomes' | 'moments'> {
    const course = { decisions: this.#decisions, outcomes: this.#outcomes, moments: this.#moments };
    this.#decisions = [];
    this.#outcomes = [];
    this.#moments = [];
    return course;
  }

  #happen(event: TrialEvent): TrialFault | null {
    const { place, atMs, type, customer, id, ts } = event;
    if (!this.#partition.passTo(atMs)) return this.#tooLong(place).fault;
    const data = type === '$feedback' ? this.#feedbackData(event) : event.data;
    if (typeof data === 'string') return { place, message: data };
    const refused = this.#partition.send({
      type,
      data,
      ...(customer === null ? {} : { customer }),
      ...(id === null ? {} : { id }),
      ...(ts === null ? {} : { ts }),
    });
    return refused === null ? null : { place, message: `the event was refused: ${refused}` };
  }

  /** Or why there is none. */
  #feedbackData({ data, customer }: TrialEvent): Readonly<Record<string, unknown>> | string {
    const campaign = String(data['decision']);
    const decision = this.#lastDecisions.get(keyOf(campaign, customer));
    if (decision !== undefined) return { ...data, decision };
    return `there is nothing to feed back on: ${campaign} was not decided for ${customer} before`;
  }

  #tooLong(place: TrialPlace): TrialCourse {
    const message = 'too much falls due on the way: let the case span less time';
    return { steps: this.#steps, fault: { place, message } };
  }
}

function campaignsOf(check: TrialCheck): readonly string[] {
  if (check.kind === 'decided') return check.decisions.map(({ campaign }) => campaign);
  return check.kind === 'nothing' ? [] : [check.campaign];
}

function keyOf(campaign: string, customer: string | null): string {
  return `${campaign}\0${customer ?? ''}`;
}
