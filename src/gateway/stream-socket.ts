/** What the decision stream needs of a uWebSockets.js socket, and what it says when it closes one. */
import { pack } from 'msgpackr';
import { encodeProblem, type Problem } from './problem.ts';

export interface StreamSocket {
  /** 1: on its way. 0: buffered, send no more until it drains. 2: dropped. */
  send(message: Uint8Array, isBinary: boolean): number;
  getBufferedAmount(): number;
  cork(callback: () => void): unknown;
  /** `reason`: at most 123 bytes. */
  end(code: number, reason: string): void;
}

/** Who is at the other end: a subscriber of its own, or a member of a group. */
export interface StreamClient {
  opened(socket: StreamSocket): void;
  drained(): void;
  received(message: ArrayBuffer, isBinary: boolean): void;
  /** The socket is gone. */
  closed(): void;
  end(code: number, reason: string): void;
}

/** Close codes; those of our own are from the range left to applications, 4000 and the status of the problem that they stand for. */
export const StreamClose = {
  goingAway: 1001,
  unwantedMessage: 1003,
  internalError: 1011,
  badAcknowledgement: 4400,
  decisionsGone: 4410,
  groupEnded: 4411,
} as const;

/** A problem that shows after the upgrade: `{"problem": {…}}` as the last message, then a close with 4000 and its status. */
export function endWithProblem(socket: StreamSocket, problem: Problem, isMessagePack: boolean): void {
  const document = encodeProblem(problem);
  const message = isMessagePack ? pack({ problem: JSON.parse(document) }) : Buffer.from(`{"problem":${document}}`);
  socket.cork(() => {
    socket.send(message, isMessagePack);
    socket.end(4000 + problem.status, problem.title);
  });
}
