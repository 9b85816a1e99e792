/**
 * Predicates that are asked one by one, about one customer at one log time: what a wait asks when it ends, a schedule
 * of every customer, and rules over two events. An error is false, and counted with the campaign.
 */
import type { EventFrame } from '../../protocol/frame.ts';
import type { EventSchema } from '../../protocol/schema.ts';
import type { Program } from '../../rules/program.ts';
import { ScalarProgram } from '../../rules/scalar-program.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import type { Meeting } from '../../workspace/workspace.ts';
import type { CampaignAccount } from '../accounting.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { PairFrame } from './pair-frame.ts';

/** A rule over two events, made ready. */
export interface ActiveMeeting {
  /** Index into Schema.events of the one that comes. */
  readonly event: number;
  /** null: always. */
  readonly when: Program | null;
  /** Of `when`. */
  readonly program: ScalarProgram | null;
  /** null: the rule is about `event` alone. */
  readonly pair: PairFrame | null;
}

export class Predicates {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  /** By types of event and trigger. */
  readonly #pairs = new Map<string, PairFrame>();

  constructor(state: PartitionState, active: ActiveWorkspace) {
    this.#state = state;
    this.#active = active;
  }

  compile(program: Program): ScalarProgram {
    return new ScalarProgram(program, this.#active.segments);
  }

  /** `trigger` is the type of the campaign's own event; -1 where there is none to name. */
  compileMeeting({ event, when }: Meeting, trigger: number): ActiveMeeting {
    if (when === null) return { event, when, program: null, pair: null };
    return { event, when, program: this.compile(when), pair: trigger < 0 ? null : this.#pairOf(event, trigger) };
  }

  /** Whether it holds for this row. `event` null: the program is about the profile only. */
  holds(program: ScalarProgram, event: EventFrame | null, row: number, now: number, account: CampaignAccount): boolean {
    const { profile, segments } = this.#active;
    this.#state.gather(row, program.profileSlots, now, profile);
    segments.begin(profile, now);
    if (program.evaluate(event, profile, now)) return program.number === 1;
    account.errors++;
    return false;
  }

  /** Whether `event`, of the meeting's type, meets `trigger`, of the campaign's; null where the campaign has none. */
  meets(
    { program, pair }: ActiveMeeting,
    event: EventFrame,
    trigger: EventFrame | null,
    row: number,
    now: number,
    account: CampaignAccount,
  ): boolean {
    if (program === null) return true;
    const frame = pair === null || trigger === null ? event : pair.fill(event, trigger);
    return this.holds(program, frame, row, now, account);
  }

  #pairOf(event: number, trigger: number): PairFrame {
    const key = `${event}:${trigger}`;
    const found = this.#pairs.get(key);
    if (found !== undefined) return found;
    const { events } = this.#active.workspace.schema;
    const pair = new PairFrame(events[event] as EventSchema, events[trigger] as EventSchema);
    this.#pairs.set(key, pair);
    return pair;
  }
}
