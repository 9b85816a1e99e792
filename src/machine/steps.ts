/** The steps of one workspace version, wired to each other and to what outlives it. */
import type { PartitionState } from '../state/partition-state.ts';
import type { ActiveWorkspace } from './active-workspace.ts';
import { AftermathStep } from './aftermath/aftermath.ts';
import { FeedbackStep } from './aftermath/feedback.ts';
import type { GiveBack } from './aftermath/held-units.ts';
import { DecideStep } from './decide/decide.ts';
import { MatchedStep } from './decide/decide-matched.ts';
import type { Fault } from './fault.ts';
import type { Filling } from './fill/filling.ts';
import type { Globals, MachineIdentity } from './globals.ts';
import type { UnitParts, UnitsStep } from './leases/units-step.ts';
import { MatchStep } from './match.ts';
import { ProfileStep } from './profile.ts';
import { ShadowSteps } from './shadow-steps.ts';
import { DueMoments } from './time/due-moments.ts';
import { PendingWaits } from './time/pending-waits.ts';
import { Predicates } from './time/predicates.ts';
import { Schedules } from './time/schedules.ts';
import { SequenceStep } from './time/sequences.ts';
import { ShadowTimers } from './time/shadow-timers.ts';
import { Timers } from './time/timers.ts';
import { Triggers } from './time/triggers.ts';
import { WaitStep } from './time/waits.ts';
import type { Tracer } from './trace/tracer.ts';

export interface Steps {
  readonly active: ActiveWorkspace;
  readonly filling: Filling;
  readonly profile: ProfileStep;
  readonly match: MatchStep;
  readonly decide: DecideStep;
  readonly matched: MatchedStep;
  readonly feedback: FeedbackStep;
  readonly sequences: SequenceStep;
  readonly waits: WaitStep;
  readonly aftermath: AftermathStep;
  readonly timers: Timers;
  readonly units: UnitParts;
  /** null: no campaign is in shadow. */
  readonly shadow: ShadowSteps | null;
}

/** `state` must have the version's layout. Its schedules are live from log time on. */
export function createSteps(
  { partition, clock }: MachineIdentity,
  state: PartitionState,
  globals: Globals,
  pending: PendingWaits,
  units: UnitsStep,
  active: ActiveWorkspace,
  fault: Fault,
  filling: Filling,
  tracer: Tracer | null,
): Steps {
  const triggers = new Triggers(active.workspace);
  const predicates = new Predicates(state, active);
  const giveBack: GiveBack = (keys, now) => units.giveBack(keys, now);
  const aftermath = new AftermathStep({ state, active, partition, waits: pending, predicates, triggers, giveBack });
  const { shadow } = globals;
  const shadowPending = state.shadow === null ? null : new PendingWaits(state, state.shadow.pending, shadow);
  const ports = { waits: pending, shadowWaits: shadowPending, leases: units, aftermath };
  const decide = new DecideStep(state, active, partition, globals, ports, tracer);
  aftermath.connect(decide.followUps);
  const sequences = new SequenceStep(state, active, predicates, 'live', tracer);
  const waits = new WaitStep(state, active, pending, predicates, triggers, 'live', tracer);
  const moments = new DueMoments(
    state,
    active,
    pending,
    shadowPending,
    predicates,
    triggers,
    decide,
    aftermath,
    tracer,
  );
  const parts = { state, active, clock, predicates, triggers, decide, tracer };
  const shadows = new Schedules(parts, shadow.schedules, 'shadow', null);
  const schedules = new Schedules(parts, globals.schedules, 'live', active.hasShadow ? shadows : null);
  schedules.adopt(globals.logTime);
  shadows.adopt(globals.logTime);
  const besides =
    shadowPending === null ? null : new ShadowSteps(state, active, shadowPending, predicates, triggers, tracer);
  const shadowTimers =
    shadowPending === null ? null : new ShadowTimers(globals, shadowPending, shadow.schedules, moments, shadows);
  return {
    active,
    filling,
    profile: new ProfileStep(state, active, fault, filling),
    match: new MatchStep(state, active, sequences, 'live', tracer),
    decide,
    matched: new MatchedStep(active, waits, besides?.waits ?? null, triggers, decide, tracer),
    feedback: new FeedbackStep(state, active, partition, globals.accounting, fault),
    sequences,
    waits,
    aftermath,
    timers: new Timers(globals, state, moments, schedules, units, shadowTimers),
    units: { active, waiters: decide.units, triggerOf: (stored, customer) => triggers.ofStored(stored, customer) },
    shadow: besides,
  };
}
