/**
 * Takes over what the steps counted into the machine's totals and the campaigns' accounts: at points that follow from
 * the log alone, since the rules' own counters are 32 bits wide.
 */
import type { Listeners } from './active-workspace.ts';
import type { Globals } from './globals.ts';
import type { Steps } from './steps.ts';

/**
 * Accepted events after which the rules' counts of errors are taken over: an event adds one per rule at most, so none
 * overflows.
 */
const ERRORS_COLLECTED_EVERY = 1 << 20;

export class StepCounts {
  readonly #globals: Globals;
  #collectErrorsAt = 0;

  constructor(globals: Globals) {
    this.#globals = globals;
  }

  /** `steps` null: nothing was counted yet; here and below. */
  collect(steps: Steps | null): void {
    if (steps === null) return;
    const globals = this.#globals;
    if (globals.accepted >= this.#collectErrorsAt) {
      this.#collectErrorsAt = globals.accepted + ERRORS_COLLECTED_EVERY;
      this.collectErrors(steps);
    }
    const { profile, sequences, decide } = steps;
    globals.observationErrors += profile.observationErrors + sequences.errors;
    sequences.errors = 0;
    globals.invalidTimezones += decide.policy.invalidTimezones;
    profile.observationErrors = 0;
    decide.policy.invalidTimezones = 0;
  }

  /** Before anybody reads the campaigns' errors. */
  collectErrors(steps: Steps | null): void {
    for (const event of steps?.active.events ?? []) {
      collectErrors(event);
      if (event.shadow !== null) collectErrors(event.shadow);
    }
  }
}

/** Moves the rules' own counts of errors to the campaigns' accounts. */
function collectErrors({ rules, campaigns }: Listeners): void {
  const errors = rules?.errors;
  if (errors === undefined) return;
  for (let i = 0; i < errors.length; i++) {
    const count = errors[i] as number;
    const campaign = campaigns[i];
    if (count === 0 || campaign === undefined) continue;
    campaign.account.errors += count;
    errors[i] = 0;
  }
}
