/**
 * Several machines in one process, one per partition, with what they say to each other delivered as records: in the order of each pair, any time later, some of it
 * twice. Any of them may be thrown away and made again from a snapshot and the rest of its log: it must then be, decide and say what it was, decided and said before.
 * The first machine of each partition has a trace, which must agree with its books; those made again have none.
 *
 * All read one wall clock, which only `pass` moves.
 */
import { expect } from 'vitest';
import type { OutgoingMessage } from '../../src/machine/effects.ts';
import type { Decision } from '../../src/protocol/decision.ts';
import type { MessageRecord, PartitionMessage } from '../../src/protocol/partition-message.ts';
import { type LogRecord, RecordKind } from '../../src/protocol/record.ts';
import { partitionOf } from '../../src/stdx/hash.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { sharesOf } from '../../src/workspace/shares.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';
import { MachineFixture, type WorkspaceFiles, workspaceOf } from './machine-fixture.ts';
import { TraceBook } from './trace-book.ts';

const encoder = new TextEncoder();

interface ClusterNode {
  fixture: MachineFixture;
  /** null: this machine has none. */
  trace: TraceBook | null;
  readonly log: LogRecord[];
  /** As it was at that length of the log. */
  snapshot: { readonly at: number; readonly fixture: MachineFixture };
  /** [to]: all that it ever said; the first `delivered` have arrived at least once. */
  readonly said: PartitionMessage[][];
  readonly delivered: number[];
  /** All decisions as they went out. */
  readonly decided: string[];
}

export class MachineCluster {
  readonly partitions: number;
  readonly decisions: Decision[] = [];
  nowMs = Date.UTC(2026, 2, 2, 9);
  readonly #random: Prng;
  readonly #nodes: ClusterNode[];
  #versions: Workspace[] = [];

  constructor(partitions: number, random: Prng) {
    this.partitions = partitions;
    this.#random = random;
    this.#nodes = Array.from({ length: partitions }, (_, partition) => {
      const own = { clock: 'wall', partition, partitions } as const;
      const trace = new TraceBook(() => true);
      const fixture = new MachineFixture({ ...own, trace });
      const snapshot = { at: 0, fixture: new MachineFixture(own) };
      const channels = Array.from({ length: partitions }, (): PartitionMessage[] => []);
      const delivered = new Array<number>(partitions).fill(0);
      return { fixture, trace, log: [], snapshot, said: channels, delivered, decided: [] };
    });
  }

  pass(ms: number): void {
    this.nowMs += ms;
  }

  /** A new version; each partition reads it when it is told to `activate`. */
  publish(files: WorkspaceFiles): void {
    const workspace = workspaceOf(files, this.#versions.length + 1);
    const shares = sharesOf(workspace, this.#versions.at(-1)?.shares ?? {}, this.partitions);
    this.#versions.push({ ...workspace, shares });
  }

  /** False: the partition has the newest version. */
  activate(partition: number): boolean {
    const workspace = this.#versions[this.machine(partition).workspaceVersion];
    if (workspace === undefined) return false;
    this.#append(partition, RecordKind.workspace, workspace);
    return true;
  }

  /** `customer` null: anonymous, to any partition. */
  event(customer: string | null, event: Readonly<Record<string, unknown>>): void {
    const partition = customer === null ? this.#random.below(this.partitions) : partitionOf(customer, this.partitions);
    this.#append(partition, RecordKind.events, customer === null ? event : { ...event, customer });
  }

  tick(partition: number): void {
    this.#append(partition, RecordKind.tick, null);
  }

  /** Some messages of one partition to another arrive; false: none is on its way. */
  deliver(): boolean {
    const pairs = this.#nodes.flatMap(({ said, delivered }, from) =>
      said.flatMap((messages, to) => (messages.length > (delivered[to] as number) ? [[from, to] as const] : [])),
    );
    if (pairs.length === 0) return false;
    const [from, to] = this.#random.pick(pairs);
    const { said, delivered } = this.#nodes[from] as ClusterNode;
    const messages = said[to] as PartitionMessage[];
    const before = delivered[to] as number;
    const end = before + 1 + this.#random.below(messages.length - before);
    delivered[to] = end;
    // It may have been sent before, with others in front of it.
    const start = this.#random.below(4) === 0 ? this.#random.below(before + 1) : before;
    const record: MessageRecord = { from, first: start + 1, messages: messages.slice(start, end) };
    this.#append(to, RecordKind.message, record);
    return true;
  }

  deliverAll(): void {
    while (this.deliver());
  }

  snapshot(partition: number): void {
    const node = this.#nodes[partition] as ClusterNode;
    node.snapshot = { at: node.log.length, fixture: node.fixture.clone() };
  }

  crash(partition: number): void {
    const node = this.#nodes[partition] as ClusterNode;
    const before = node.fixture.machine.digest();
    node.trace?.expectBooksOf(node.fixture);
    node.trace?.expectVerdicts();
    node.trace = null;
    const { at, fixture } = node.snapshot;
    node.fixture = fixture;
    for (const record of node.log.slice(at)) this.#apply(partition, record);
    expect(fixture.machine.digest()).toBe(before);
    this.snapshot(partition);
  }

  machine(partition: number): MachineFixture['machine'] {
    return (this.#nodes[partition] as ClusterNode).fixture.machine;
  }

  /** Sums over the partitions; reading the rows asserts that each balances. */
  counts(campaign: string): { matched: number; decided: number; suppressed: Record<string, number>; waiting: number } {
    const sum = { matched: 0, decided: 0, suppressed: {} as Record<string, number>, waiting: 0 };
    for (let p = 0; p < this.partitions; p++) {
      const row = this.machine(p)
        .campaigns()
        .find(({ id }) => id === campaign);
      if (row === undefined) continue;
      sum.matched += row.matched;
      sum.waiting += row.waiting;
      for (const count of Object.values(row.decided)) sum.decided += count;
      for (const [reason, count] of Object.entries(row.suppressed))
        sum.suppressed[reason] = (sum.suppressed[reason] ?? 0) + count;
    }
    return sum;
  }

  get deadLetters(): number {
    return this.#nodes.reduce((sum, { fixture }) => sum + fixture.machine.deadLetterCount, 0);
  }

  #append(partition: number, kind: RecordKind, payload: unknown): void {
    const node = this.#nodes[partition] as ClusterNode;
    const bytes = payload === null ? new Uint8Array(0) : encoder.encode(JSON.stringify(payload));
    const record: LogRecord = { seq: node.log.length + 1, ts: this.nowMs, kind, payload: bytes };
    node.log.push(record);
    this.#apply(partition, record);
  }

  #apply(partition: number, { kind, payload, ts }: LogRecord): void {
    const node = this.#nodes[partition] as ClusterNode;
    const { decisions, messages, workspaceError } = node.fixture.append(kind, new Uint8Array(payload), ts);
    expect(workspaceError).toBeNull();
    for (const { number, decision } of decisions) {
      const text = JSON.stringify(decision);
      if (number <= node.decided.length) {
        expect(text).toBe(node.decided[number - 1]);
        continue;
      }
      expect(number).toBe(node.decided.length + 1);
      node.decided.push(text);
      this.decisions.push(decision);
    }
    for (const message of messages) this.#say(node, message);
  }

  #say({ said, fixture }: ClusterNode, { to, number, message }: OutgoingMessage): void {
    const messages = said[to] as PartitionMessage[];
    if (number <= messages.length) {
      expect(message).toEqual(messages[number - 1]);
      return;
    }
    expect(number).toBe(messages.length + 1);
    expect(number).toBeLessThanOrEqual(fixture.machine.sentTo(to));
    messages.push(structuredClone(message));
  }
}
