/** Runs a case and says what does not hold of it. One that fails runs a second time with every step explained: only then does it cost what explanations cost. */
import type { Workspace } from '../workspace/workspace.ts';
import { judge, type Mismatch } from './judge.ts';
import { Reasons } from './reasons.ts';
import { runExplained, runTrial, type StepCourse, type TrialCourse, workspaceRecord } from './run-trial.ts';
import type { Trial, TrialCheck, TrialPlace, TrialStep } from './trial.ts';
import { TrialScope } from './trial-scope.ts';

export interface TrialFailure {
  /** Of what was expected; or of what could not happen. */
  readonly place: TrialPlace;
  /** From 1; 0: before the first. */
  readonly step: number;
  /** When, and what happened: for people. */
  readonly moment: string;
  /** null: something could not happen at all, `message` says what. */
  readonly mismatch: Mismatch | null;
  readonly message: string | null;
  /** Lines. */
  readonly why: readonly string[];
}

export interface TrialResult {
  readonly trial: Trial;
  /** Of the first step that fails: what comes after it follows from it. None: the case passed. */
  readonly failures: readonly TrialFailure[];
}

/** For all cases of one workspace. */
export class TrialRunner {
  readonly #workspace: Workspace;
  readonly #scope: TrialScope;
  readonly #reasons: Reasons;
  /** By the campaigns that are taken as live. */
  readonly #records = new Map<string, Uint8Array>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
    this.#scope = new TrialScope(workspace);
    this.#reasons = new Reasons(this.#scope);
  }

  run(trial: Trial): TrialResult {
    const record = this.#record(trial.live);
    const course = runTrial(trial, record);
    if (this.#failing(trial, course) < 0 && course.fault === null) return { trial, failures: [] };
    // What followed-up decisions lost by is known to explanations only: with them it may hold after all.
    const told = runExplained(trial, record);
    const step = this.#failing(trial, told);
    if (step >= 0) return { trial, failures: this.#failuresOf(trial, told, step) };
    const { fault } = told;
    if (fault === null) return { trial, failures: [] };
    const at = told.steps.length - 1;
    const moment = at < 0 ? 'before the first step' : this.#momentOf(trial.steps[at] as TrialStep);
    const failure = { place: fault.place, step: at + 1, moment, mismatch: null, message: fault.message, why: [] };
    return { trial, failures: [failure] };
  }

  #record(live: readonly string[]): Uint8Array {
    const key = live.toSorted().join(',');
    const known = this.#records.get(key) ?? workspaceRecord(this.#workspace, live);
    this.#records.set(key, known);
    return known;
  }

  /** Index of the first step of which something does not hold; -1: there is none. A step that ended in a fault is not asked. */
  #failing(trial: Trial, course: TrialCourse): number {
    const whole = course.fault === null ? course.steps.length : course.steps.length - 1;
    return course.steps.findIndex((came, i) => i < whole && this.#mismatches(trial, i, came).length > 0);
  }

  #mismatches(trial: Trial, step: number, came: StepCourse): { check: TrialCheck; mismatch: Mismatch }[] {
    return (trial.steps[step] as TrialStep).checks.flatMap((check) => {
      const mismatch = judge(check, came, trial.campaigns, this.#scope.clock);
      return mismatch === null ? [] : [{ check, mismatch }];
    });
  }

  #failuresOf(trial: Trial, course: TrialCourse, index: number): TrialFailure[] {
    const step = trial.steps[index] as TrialStep;
    const came = course.steps[index] as StepCourse;
    return this.#mismatches(trial, index, came).map(({ check, mismatch }) => ({
      place: check.place,
      step: index + 1,
      moment: this.#momentOf(step),
      mismatch,
      message: null,
      why: this.#reasons.of(check, mismatch, step, came),
    }));
  }

  #momentOf({ atMs, event }: TrialStep): string {
    const what = event === null ? 'time passes' : `${event.type} of ${event.customer ?? 'somebody anonymous'}`;
    return `${this.#scope.clock.format(atMs)}, ${what}`;
  }
}
