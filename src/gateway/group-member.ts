/**
 * One member of a group, at its socket: what it is given goes out in frames, what it acknowledges goes back to the group.
 *
 * Order laws. *Nothing goes out that has expired*: it may be another member's. *Nothing counts as sent before the socket took it.* While the socket
 * does not take more, nothing new is asked for, so that what waits here is bounded by what a member may hold.
 *
 * It joins once its socket is open: joining asks the streams, and what is asked for before an answer must not hold up the upgrade.
 */
import { unpack } from 'msgpackr';
import { GROUP_FRAME_DECISIONS_MAX, GROUP_MEMBER_HELD_MAX } from '../constants.ts';
import type { EncodedDecision } from '../protocol/decision.ts';
import type { GroupListener, GroupMembership } from '../protocol/decision-group.ts';
import { assert } from '../stdx/assert.ts';
import { FrameScratch, MessagePackFrame, TextFrame } from './decision-frames.ts';
import { TailEntry } from './decision-tail.ts';
import { GroupCursorCodec } from './group-cursor.ts';
import type { Problem } from './problem.ts';
import { endWithProblem, type StreamClient, StreamClose, type StreamSocket } from './stream-socket.ts';

interface WaitingDecision {
  readonly partition: number;
  readonly decision: EncodedDecision;
}

type Join = (member: GroupMember) => Promise<{ readonly membership: GroupMembership } | { readonly problem: Problem }>;

export class GroupMember implements GroupListener, StreamClient {
  readonly #join: Join;
  readonly #isMessagePack: boolean;
  readonly #frameBytesMax: number;
  /** Given to it and not sent yet, in the order of delivery. */
  readonly #waiting = new Map<string, WaitingDecision>();
  /** Acknowledgements that came before it had joined: after a reconnect, say. */
  #early: string[] = [];
  #joined: {
    readonly membership: GroupMembership;
    readonly codec: GroupCursorCodec;
    readonly scratch: FrameScratch;
  } | null = null;
  #socket: StreamSocket | null = null;
  #blocked = false;
  #scheduled = false;

  constructor(join: Join, isMessagePack: boolean, frameBytesMax: number) {
    this.#join = join;
    this.#isMessagePack = isMessagePack;
    this.#frameBytesMax = frameBytesMax;
  }

  opened(socket: StreamSocket): void {
    this.#socket = socket;
    void this.#begin();
  }

  async #begin(): Promise<void> {
    const joined = await this.#join(this);
    const socket = this.#socket;
    if ('problem' in joined) {
      if (socket !== null) endWithProblem(socket, joined.problem, this.#isMessagePack);
      return;
    }
    const { membership } = joined;
    if (socket === null) {
      membership.leave();
      return;
    }
    const codec = new GroupCursorCodec(membership.key, GROUP_FRAME_DECISIONS_MAX);
    this.#joined = { membership, codec, scratch: new FrameScratch(codec) };
    for (const cursor of this.#early.splice(0)) this.#acknowledge(cursor);
    membership.resume();
  }

  closed(): void {
    this.#socket = null;
    this.#waiting.clear();
    this.#early = [];
    this.#joined?.membership.leave();
    this.#joined = null;
  }

  end(code: number, reason: string): void {
    this.#socket?.end(code, reason);
  }

  delivered(partition: number, decision: EncodedDecision): void {
    if (this.#joined === null) return;
    this.#waiting.set(keyOf(partition, decision.number), { partition, decision });
    this.#schedule();
  }

  expired(partition: number, number: number): void {
    this.#waiting.delete(keyOf(partition, number));
  }

  ended(reason: string): void {
    this.end(StreamClose.groupEnded, `${reason}: connect again to go on`);
  }

  drained(): void {
    if (this.#socket === null || !this.#blocked || this.#socket.getBufferedAmount() > 0) return;
    this.#blocked = false;
    this.#joined?.membership.resume();
    this.#schedule();
  }

  /** `{"ack":"<cursor>"}`, as JSON or, in a binary message, as MessagePack. Anything else ends the connection: to ignore it would let the member believe it counts. */
  received(message: ArrayBuffer, isBinary: boolean): void {
    const cursor = cursorOf(message, isBinary);
    if (cursor === null) {
      this.end(StreamClose.unwantedMessage, 'a member sends {"ack":"<cursor>"} and nothing else');
      return;
    }
    if (this.#joined !== null) this.#acknowledge(cursor);
    else if (this.#early.length < GROUP_MEMBER_HELD_MAX) this.#early.push(cursor);
    else this.end(StreamClose.unwantedMessage, 'more acknowledgements than a member can have to give');
  }

  #acknowledge(cursor: string): void {
    if (this.#joined === null) return;
    const { membership, codec } = this.#joined;
    const reading = codec.decode(cursor);
    if ('fault' in reading) {
      this.end(StreamClose.badAcknowledgement, badAcknowledgements[reading.fault]);
      return;
    }
    const { places } = reading;
    for (let i = 0; i < places.length; i += 2) membership.acknowledge(places[i] as number, places[i + 1] as number);
  }

  #schedule(): void {
    if (this.#scheduled || this.#blocked) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const socket = this.#socket;
    if (socket === null || this.#blocked || this.#waiting.size === 0) return;
    socket.cork(() => this.#sendAll(socket));
    if (this.#socket === null) return;
    // Within cork() sends only fill a buffer; whether the socket took it shows afterwards.
    if (socket.getBufferedAmount() > 0) this.#blocked = true;
    else if (this.#blocked) this.drained();
    if (this.#blocked) this.#joined?.membership.pause();
  }

  #sendAll(socket: StreamSocket): void {
    assert(this.#joined !== null, 'only a member that has joined is given anything');
    const { scratch } = this.#joined;
    const frame = this.#isMessagePack ? new MessagePackFrame(scratch, this.#frameBytesMax) : new TextFrame(scratch);
    const places: number[] = [];
    const keys: string[] = [];
    for (const [key, { partition, decision }] of this.#waiting) {
      frame.append(new TailEntry(decision));
      places.push(partition, decision.number);
      keys.push(key);
      if (frame.full || keys.length === GROUP_FRAME_DECISIONS_MAX) this.#send(socket, frame, places, keys);
      if (this.#blocked) return;
    }
    if (keys.length > 0) this.#send(socket, frame, places, keys);
  }

  #send(socket: StreamSocket, frame: TextFrame | MessagePackFrame, places: number[], keys: string[]): void {
    const result = socket.send(frame.finish(places), frame.binary);
    this.#blocked = result !== 1;
    if (result !== 2) for (const key of keys) this.#waiting.delete(key);
    places.length = 0;
    keys.length = 0;
  }
}

const badAcknowledgements = {
  malformed: 'ack is no cursor of a group: send it exactly as it came with the frame',
  forged: "ack is a cursor that this group did not give: it is another group's, or was changed",
} as const;

function keyOf(partition: number, number: number): string {
  return `${partition}-${number}`;
}

/** null: it is no acknowledgement. */
function cursorOf(message: ArrayBuffer, isBinary: boolean): string | null {
  try {
    const bytes = Buffer.from(message);
    const value: unknown = isBinary ? unpack(bytes) : JSON.parse(bytes.toString('utf8'));
    if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return null;
    const { ack } = value as { readonly ack?: unknown };
    return typeof ack === 'string' ? ack : null;
  } catch {
    return null;
  }
}
