/**
 * A machine in memory, made from the text of a workspace's files: for tests that want to see records go in and
 * decisions come out.
 */
import { Effects, type MadeDecision } from '../../src/machine/effects.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { Trace } from '../../src/machine/trace/trace.ts';
import { type LogRecord, RecordKind } from '../../src/protocol/record.ts';
import { reserveMemory, type StateLimits } from '../../src/state/arena.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import { compileWorkspace } from '../../src/workspace/compile.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';

export const SMALL_LIMITS: StateLimits = {
  customersMax: 10_000,
  dictionaryEntriesMax: 10_000,
  dictionaryBytesMax: 1 << 20,
  blockBytesMax: 64 << 20,
  eventIdsMax: 10_000,
};

export interface FixtureOptions {
  readonly clock?: 'wall' | 'event';
  readonly partition?: number;
  readonly partitions?: number;
  readonly limits?: StateLimits;
  readonly fast?: boolean;
  /** Of this machine, not of its clones. */
  readonly trace?: Trace;
  /** Called with each record before it is applied; not of clones. */
  readonly onRecord?: (record: LogRecord) => void;
}

/** Files of a workspace; what is left out of the two that every workspace needs is filled in. */
export type WorkspaceFiles = Readonly<Record<string, string>>;

const encoder = new TextEncoder();

/** Compiles files to version `version`; throws with every issue if they are wrong. */
export function workspaceOf(files: WorkspaceFiles, version = 1): Workspace {
  const complete = {
    'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [pos, push, sms, email]\n',
    'events.yaml': 'receipt: {total: double}\n',
    ...files,
  };
  const compiled = compileWorkspace(complete);
  if ('issues' in compiled) {
    throw new Error(
      compiled.issues.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`).join('\n'),
    );
  }
  return { ...compiled.workspace, version };
}

/** Appends records to one machine and keeps what they led to. */
export class MachineFixture {
  readonly machine: Machine;
  readonly state: PartitionState;
  /** Of the last record. */
  readonly effects = new Effects();
  /** All so far, in order. */
  readonly decisions: MadeDecision[] = [];
  readonly options: FixtureOptions;
  readonly #onRecord: ((record: LogRecord) => void) | undefined;
  /** Moments that fell due so far. */
  fired = 0;

  constructor(options: FixtureOptions = {}) {
    const { trace, onRecord, ...rest } = options;
    this.#onRecord = onRecord;
    const { clock = 'event', partition = 0, partitions = 1, limits = SMALL_LIMITS, fast = true } = rest;
    this.options = rest;
    this.state = new PartitionState(reserveMemory(limits), limits);
    this.machine = new Machine({ partition, partitions, clock, state: this.state, fast, ...(trace && { trace }) });
  }

  /** A machine with a workspace, at log time 0. */
  static with(files: WorkspaceFiles, options: FixtureOptions = {}): MachineFixture {
    const fixture = new MachineFixture(options);
    fixture.publish(workspaceOf(files));
    return fixture;
  }

  /** `ts` defaults to a time after every event's, so that none is from the future. */
  append(kind: RecordKind, payload: Uint8Array, ts: number = FAR_FUTURE): Effects {
    const record: LogRecord = { seq: this.machine.position + 1, ts, kind, payload };
    this.#onRecord?.(record);
    this.effects.clear();
    this.machine.apply(record, this.effects);
    this.decisions.push(...this.effects.decisions);
    this.fired += this.effects.fired.length;
    return this.effects;
  }

  publish(workspace: Workspace, ts: number = 0): void {
    const { workspaceError } = this.append(RecordKind.workspace, encoder.encode(JSON.stringify(workspace)), ts);
    if (workspaceError !== null) throw new Error(workspaceError);
  }

  /** One record; `events` as JSON. */
  send(events: unknown, ts?: number): Effects {
    return this.append(RecordKind.events, encoder.encode(JSON.stringify(events)), ts);
  }

  tick(ts: number): Effects {
    return this.append(RecordKind.tick, new Uint8Array(0), ts);
  }

  /** Takes a snapshot whole and restores it into a new machine. */
  clone(trace?: Trace): MachineFixture {
    const copy = new MachineFixture({ ...this.options, ...(trace && { trace }) });
    const globals = this.machine.exportGlobals();
    const snapshot = this.state.beginSnapshot(this.machine.logTime);
    for (let sections = snapshot.step(); sections !== null; sections = snapshot.step()) {
      for (const section of sections) copy.state.restore(new Uint8Array(section));
    }
    copy.state.finishRestore();
    copy.machine.importGlobals(globals);
    copy.decisions.push(...this.decisions);
    copy.fired = this.fired;
    return copy;
  }
}

/** 2100-01-01T00:00:00Z. */
export const FAR_FUTURE = 4_102_444_800_000;
