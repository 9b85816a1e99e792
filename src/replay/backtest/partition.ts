/**
 * One partition of a backtest in both worlds: a replay as it was, and beside it a machine that takes the same records by another workspace. The log is read once, by the world before.
 *
 * Until `decideBy` (the prefix) both are the same partition, but that the world after also keeps the aggregates that only the candidate has.
 */
import type { OutgoingMessage } from '../../machine/effects.ts';
import type { Outcome, ReturnedUnits, Trace } from '../../machine/trace/trace.ts';
import type { MessageRecord } from '../../protocol/partition-message.ts';
import { type LogRecord, RecordKind } from '../../protocol/record.ts';
import { assert } from '../../stdx/assert.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import { extendWorkspace, newAggregates } from '../fill/extended-workspace.ts';
import { type History, HistoryForgottenError } from '../history.ts';
import { PartitionReplay, type ReplayStart } from '../partition-replay.ts';
import type { CompareTally } from './compare-tally.ts';
import { WorldComparison, type WorldStep } from './compare-worlds.ts';
import { BacktestError } from './error.ts';
import { FeedbackTranslator } from './feedback.ts';
import { type FullRule, fullRules } from './full-rules.ts';
import type { UnitsTally } from './units-tally.ts';

const NO_PAYLOAD = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What the world after said with a step. */
export type Said = readonly OutgoingMessage[];

export class BacktestPartition {
  readonly partition: number;
  readonly before: PartitionReplay;
  readonly after: PartitionReplay;
  /** Of the world after, in the records since `decideBy`. */
  accepted = 0;
  readonly #extend: (workspace: Workspace) => Workspace;
  readonly #heard: { readonly before: StepTrace; readonly after: StepTrace };
  readonly #isWall: boolean;
  #comparison: WorldComparison | null = null;
  #feedback: FeedbackTranslator | null = null;

  private constructor(
    before: PartitionReplay,
    after: PartitionReplay,
    heard: { readonly before: StepTrace; readonly after: StepTrace },
    isWall: boolean,
    extend: (workspace: Workspace) => Workspace,
  ) {
    this.partition = before.partition;
    this.before = before;
    this.after = after;
    this.#heard = heard;
    this.#isWall = isWall;
    this.#extend = extend;
  }

  /**
   * Both worlds at the newest snapshot before the point, or at the beginning of history where there is none. From there on the world after keeps the aggregates that only the candidate has as well;
   * `onMissing` is told of those that a recorded version cannot have.
   */
  static open(
    history: History,
    partition: number,
    from: ReplayStart,
    candidate: Workspace,
    onMissing: (name: string, why: string) => void,
  ): BacktestPartition {
    const extend = (workspace: Workspace): Workspace => {
      const { workspace: extended, missing } = extendWorkspace(workspace, newAggregates(workspace, candidate));
      for (const { name, why } of missing) onMissing(name, why);
      return extended;
    };
    const heard = { before: new StepTrace(), after: new StepTrace() };
    const open = (trace: Trace, onWorkspace: (workspace: Workspace) => Workspace): PartitionReplay => {
      const options = { trace, onWorkspace };
      try {
        return PartitionReplay.open(history, partition, from, options);
      } catch (error) {
        if (from === null || !(error instanceof HistoryForgottenError)) throw error;
        return PartitionReplay.open(history, partition, null, options);
      }
    };
    const before = open(heard.before, (workspace) => workspace);
    try {
      const after = open(heard.after, extend);
      assert(before.seq === after.seq, 'both worlds begin with the same record');
      return new BacktestPartition(before, after, heard, history.identity.clock === 'wall', extend);
    } catch (error) {
      before.close();
      throw error;
    }
  }

  /** The version that is active; null before the first. */
  get workspace(): Workspace | null {
    return this.before.machine.activeWorkspace?.workspace ?? null;
  }

  /** As PartitionReplay has them. */
  peek(): LogRecord | null {
    return this.before.peek();
  }

  split(): boolean {
    return this.before.split();
  }

  /** Of the prefix: the next record, in both worlds. False: there is none. */
  repeat(): boolean {
    const record = this.peek();
    if (record === null) return false;
    this.before.step();
    this.after.insert(record.kind, this.#extended(record), record.ts);
    this.#heard.before.take();
    this.#heard.after.take();
    return true;
  }

  /** The prefix ends: from here on both worlds are compared. */
  compare(tally: CompareTally, units: UnitsTally): void {
    const { logTime, decisionCount } = this.before.machine;
    const rulesOf = (outcome: Outcome): readonly FullRule[] => fullRules(outcome, this.after);
    const comparison = new WorldComparison(tally, units, logTime, decisionCount + 1, rulesOf);
    this.#comparison = comparison;
    this.#heard.after.onOutcome = (outcome) => comparison.look(outcome);
    this.#feedback = new FeedbackTranslator(this.partition, (number) => comparison.counterpart(number));
  }

  /** In the world after this workspace decides from now on. Returns what it says. */
  decideBy(workspace: Workspace, ts: number): Said {
    return this.#after(RecordKind.workspace, encoder.encode(JSON.stringify(workspace)), ts);
  }

  /** The next record in the world before. */
  step(): void {
    this.before.step();
    const workspace = this.workspace;
    const heard = this.#heard.before.take();
    if (workspace !== null) this.#compared().before({ workspace, decisions: this.before.effects.decisions, ...heard });
  }

  /** The same record in the world after, feedback told of its own decisions. */
  follow({ kind, payload, ts }: LogRecord): Said {
    if (kind !== RecordKind.events) return this.#after(kind, payload, ts);
    const payloads = (this.#feedback as FeedbackTranslator).translate(payload);
    if (payloads.length === 1) return this.#after(kind, payloads[0] as Uint8Array, ts);
    return payloads.flatMap((part) => this.#after(kind, part, ts));
  }

  hear(record: MessageRecord, ts: number): Said {
    return [...this.fallDue(ts), ...this.#after(RecordKind.message, encoder.encode(JSON.stringify(record)), ts)];
  }

  /** Both worlds have gone through the record. */
  passed(): void {
    this.#compared().passed();
  }

  /** What is due by then in the world after, and not in the world before: a live node would have put ticks into the log for it. */
  fallDue(ts: number): Said {
    if (!this.#isWall) return [];
    const said: OutgoingMessage[] = [];
    const { before, after } = this;
    while (after.machine.nextDue <= ts && after.machine.nextDue < before.machine.nextDue) {
      said.push(...this.#after(RecordKind.tick, NO_PAYLOAD, after.machine.nextDue));
      if (after.effects.fired.length === 0) break;
    }
    return said;
  }

  finish(): void {
    this.#compared().finish();
  }

  close(): void {
    this.before.close();
    this.after.close();
  }

  #after(kind: RecordKind, payload: Uint8Array, ts: number): Said {
    const { after } = this;
    after.insert(kind, payload, ts);
    const { effects } = after;
    if (effects.workspaceError !== null)
      throw new BacktestError(`partition ${this.partition} cannot decide by the workspace: ${effects.workspaceError}`);
    this.accepted += effects.accepted;
    const workspace = after.machine.activeWorkspace?.workspace;
    const heard = this.#heard.after.take();
    if (workspace !== undefined) this.#compared().after({ workspace, decisions: effects.decisions, ...heard });
    return [...effects.messages];
  }

  #extended({ kind, payload }: LogRecord): Uint8Array {
    if (kind !== RecordKind.workspace) return payload;
    const recorded = JSON.parse(decoder.decode(payload)) as Workspace;
    const extended = this.#extend(recorded);
    return extended === recorded ? payload : encoder.encode(JSON.stringify(extended));
  }

  #compared(): WorldComparison {
    assert(this.#comparison !== null, 'worlds are compared behind the prefix');
    return this.#comparison;
  }
}

/** Gathers what a record led to. */
class StepTrace implements Trace {
  #outcomes: Outcome[] = [];
  #returned: ReturnedUnits[] = [];
  /** Told of each while it happens. */
  onOutcome: ((outcome: Outcome) => void) | null = null;

  readonly outcome = (outcome: Outcome): void => {
    this.onOutcome?.(outcome);
    this.#outcomes.push(outcome);
  };
  readonly returned = (units: ReturnedUnits): void => {
    this.#returned.push(units);
  };

  explains(): boolean {
    return false;
  }

  explained(): void {}

  take(): Pick<WorldStep, 'outcomes' | 'returned'> {
    const [outcomes, returned] = [this.#outcomes, this.#returned];
    if (outcomes.length > 0) this.#outcomes = [];
    if (returned.length > 0) this.#returned = [];
    return { outcomes, returned };
  }
}
