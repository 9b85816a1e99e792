/**
 * Partitions of a backtest side by side, in the order of their records' times, since they tell each other about units. As long as the world after has said what the world before said, it hears what the
 * log holds. From its first other word on the worlds have *parted*: what the log has partitions say is left out for all of them, and what the world after says arrives at once.
 *
 * The order of two partitions' records is that of their times and, where these are equal or the clocks of two nodes differ, that of the messages: none is heard before it was sent.
 */
import type { OutgoingMessage } from '../../machine/effects.ts';
import type { MessageRecord } from '../../protocol/partition-message.ts';
import { type LogRecord, RecordKind } from '../../protocol/record.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import { MessagesUnderWay, readMessageRecord, sameMessages } from './messages.ts';
import type { BacktestPartition } from './partition.ts';

/** Log time reaches the end with this record, or the record lies behind it. */
type IsEnd = (record: LogRecord, logTime: number) => boolean;

/** The next record of a partition; `messages` if it is one of messages that can be read. */
interface Head {
  readonly record: LogRecord;
  readonly messages: MessageRecord | null;
}

export interface LockstepParts {
  readonly partitions: readonly BacktestPartition[];
  /** The candidate under the number of the version whose place it takes, which is the first if the partition has none yet. */
  readonly candidateFor: (replaced: Workspace) => Workspace;
  readonly isEnd: IsEnd;
  /** After each record; what the world before did with it is in its effects. */
  readonly onRecord: (partition: BacktestPartition, record: LogRecord) => void;
}

export class Lockstep {
  readonly #parts: LockstepParts;
  readonly #all: Map<number, BacktestPartition>;
  readonly #underWay: MessagesUnderWay;
  /** In the world after these decide by the candidate. */
  readonly #decided = new Set<BacktestPartition>();
  /** By sender, then receiver: the last message that was sent before the candidate decided. */
  readonly #sentBefore = new Map<number, ReadonlyMap<number, number>>();
  /** What comes next; those that have ended are left out. */
  readonly #heads = new Map<BacktestPartition, Head>();
  #parted = false;
  #talked = false;

  /** All stand where the candidate is to decide: a message that one has taken, the other has sent. */
  constructor(parts: LockstepParts) {
    this.#parts = parts;
    this.#all = new Map(parts.partitions.map((partition) => [partition.partition, partition]));
    this.#underWay = new MessagesUnderWay((from, to) => this.#all.get(to)?.after.machine.takenFrom(from) ?? 0);
    for (const { partition, after } of parts.partitions) {
      const sent = parts.partitions.map((other) => [other.partition, after.machine.sentTo(other.partition)] as const);
      this.#sentBefore.set(partition, new Map(sent));
    }
  }

  get parted(): boolean {
    return this.#parted;
  }

  /** Some partition has said something to another, in either world: it takes all of them together. */
  get talked(): boolean {
    return this.#talked;
  }

  /** The candidate decides where a version is active; elsewhere it takes the place of the first one that comes. */
  begin(): void {
    for (const partition of this.#parts.partitions) {
      if (partition.workspace === null) continue;
      const { recordTs } = partition.before.machine;
      this.#decideBy(partition, partition.workspace, recordTs, []);
    }
    this.#deliver(0);
    for (const partition of this.#parts.partitions) this.#look(partition);
  }

  /** One record more. False: there is none. */
  step(): boolean {
    const partition = this.#next();
    if (partition === null) return false;
    const { record, messages } = this.#heads.get(partition) as Head;
    const { ts } = record;
    const due = partition.fallDue(ts);
    this.#compare([], due);
    this.#say(partition, due);
    partition.step();
    const before = partition.before.effects.messages;
    if (before.length > 0 || record.kind === RecordKind.message) this.#talked = true;
    this.#followIn(partition, record, messages, before);
    partition.passed();
    this.#deliver(ts);
    this.#parts.onRecord(partition, record);
    this.#look(partition);
    return true;
  }

  #look(partition: BacktestPartition): void {
    const isEnd = (record: LogRecord): boolean => this.#parts.isEnd(record, partition.before.machine.logTime);
    let record = partition.peek();
    // Some of its events may still lie before the end.
    if (record !== null && isEnd(record) && partition.split()) record = partition.peek();
    if (record === null || isEnd(record)) {
      this.#heads.delete(partition);
      return;
    }
    const messages = record.kind === RecordKind.message ? readMessageRecord(record.payload) : null;
    this.#heads.set(partition, { record, messages });
  }

  /** The one with the earliest record, but for messages that are still to be sent; null: all have ended. */
  #next(): BacktestPartition | null {
    let earliest: BacktestPartition | null = null;
    let early: BacktestPartition | null = null;
    let earliestTs = Number.POSITIVE_INFINITY;
    let earlyTs = Number.POSITIVE_INFINITY;
    for (const [partition, { record, messages }] of this.#heads) {
      const { ts } = record;
      if (ts < earlyTs) [early, earlyTs] = [partition, ts];
      if (ts < earliestTs && (messages === null || this.#isSent(partition, messages)))
        [earliest, earliestTs] = [partition, ts];
    }
    // Where history ends in the midst of things, what was sent may lie behind its end.
    return earliest ?? early;
  }

  #isSent({ partition }: BacktestPartition, { from, first, messages }: MessageRecord): boolean {
    const sender = this.#all.get(from);
    if (sender === undefined || !this.#heads.has(sender)) return true;
    return sender.before.machine.sentTo(partition) >= first + messages.length - 1;
  }

  #followIn(
    partition: BacktestPartition,
    record: LogRecord,
    messages: MessageRecord | null,
    before: readonly OutgoingMessage[],
  ): void {
    const after = this.#after(partition, record, messages, before);
    if (after === null) return;
    this.#compare(before, after);
    this.#say(partition, after);
  }

  /** What the world after says to the record; null: the comparison was made already. */
  #after(
    partition: BacktestPartition,
    record: LogRecord,
    messages: MessageRecord | null,
    before: readonly OutgoingMessage[],
  ): readonly OutgoingMessage[] | null {
    switch (record.kind) {
      case RecordKind.events:
      case RecordKind.tick:
        return partition.follow(record);
      case RecordKind.message:
        return messages === null ? partition.follow(record) : this.#hear(partition, record, messages);
      case RecordKind.workspace: {
        const { workspace } = partition;
        if (this.#decided.has(partition) || workspace === null) return [];
        this.#decideBy(partition, workspace, record.ts, before);
        return null;
      }
      default:
        // What fills aggregates for a version that the candidate replaces.
        return [];
    }
  }

  #hear(partition: BacktestPartition, record: LogRecord, messages: MessageRecord): readonly OutgoingMessage[] {
    const { from, first } = messages;
    const last = first + messages.messages.length - 1;
    const to = partition.partition;
    if (!this.#parted) {
      this.#underWay.taken(from, to, last);
      return partition.follow(record);
    }
    const sentBefore = Math.min(last, this.#sentBefore.get(from)?.get(to) ?? 0);
    if (sentBefore <= this.#underWay.takenBy(from, to)) return [];
    this.#underWay.taken(from, to, sentBefore);
    const some = messages.messages.slice(0, sentBefore - first + 1);
    return partition.hear({ from, first, messages: some }, record.ts);
  }

  #decideBy(partition: BacktestPartition, replaced: Workspace, ts: number, before: readonly OutgoingMessage[]): void {
    this.#decided.add(partition);
    const after = partition.decideBy(this.#parts.candidateFor(replaced), ts);
    this.#compare(before, after);
    this.#say(partition, after);
  }

  #compare(before: readonly OutgoingMessage[], after: readonly OutgoingMessage[]): void {
    this.#parted ||= !sameMessages(before, after);
  }

  #say({ partition }: BacktestPartition, messages: readonly OutgoingMessage[]): void {
    if (messages.length === 0) return;
    this.#talked = true;
    this.#underWay.sent(partition, messages);
  }

  #deliver(ts: number): void {
    if (!this.#parted) return;
    for (let next = this.#underWay.next(); next !== null; next = this.#underWay.next()) {
      const receiver = this.#all.get(next.to);
      // Alone, a partition talks to nobody: the backtest begins again with all of them.
      if (receiver !== undefined) this.#say(receiver, receiver.hear(next.record, ts));
    }
  }
}
