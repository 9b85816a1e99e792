/**
 * A task: many subscribers of a decision stream over WebSocket, on raw sockets: frames are counted by their heads, so that a thousand subscribers cost the machine less
 * than the server that is measured. One subscriber in LATENCY_EVERY looks for the event's number and records how long after it was due its decision came.
 */
import { connect, type Socket } from 'node:net';
import { Histogram } from './histogram.ts';
import { dueUs, nowUs } from './open-loop.ts';
import { runTask } from './task.ts';

export interface SubscribersLoad {
  readonly port: number;
  readonly path: string;
  readonly count: number;
}

export interface SubscribersWindow {
  readonly startUs: number;
  readonly perSecond: number;
  /** Number of the event that is due at `startUs`. */
  readonly skip: number;
  /** What every subscriber waits for. */
  readonly frames: number;
}

export interface SubscribersResult {
  readonly latency: Float64Array;
  readonly frames: number;
  readonly bytes: number;
  readonly finishedUs: number;
}

const LATENCY_EVERY = 8;
const HEAD_END = Buffer.from('\r\n\r\n');
const PREFIX = Buffer.from('receipt-');
const DIGITS = 9;
const OPCODE_TEXT = 1;
const LENGTH_16 = 126;

class Subscriber {
  readonly #onFrame: (frame: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, rest: Buffer, onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame;
    this.#take(rest);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = (bytes[at + 1] as number) & 0x7f;
      if (length > LENGTH_16) throw new Error('a frame of 64 KiB or more');
      const start = at + (length === LENGTH_16 ? 4 : 2);
      const end = start + (length === LENGTH_16 ? bytes.readUInt16BE(at + 2) : length);
      if (end > bytes.length) break;
      if (((bytes[at] as number) & 0x0f) === OPCODE_TEXT) this.#onFrame(bytes.subarray(start, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }
}

await runTask(async ({ port, path, count }: SubscribersLoad) => {
  let window: SubscribersWindow | null = null;
  const latency = Histogram.empty();
  let frames = 0;
  let bytes = 0;
  let left = count;
  let finished: () => void = () => {};
  const subscribe = async (index: number): Promise<void> => {
    const { socket, rest } = await open(port, path);
    let received = 0;
    new Subscriber(socket, rest, (frame) => {
      if (window === null) return;
      frames += 1;
      received += 1;
      bytes += frame.length;
      if (index % LATENCY_EVERY === 0) {
        const at = frame.indexOf(PREFIX) + PREFIX.length;
        const event = Number(frame.toString('latin1', at, at + DIGITS));
        latency.record(nowUs() - dueUs(window.startUs, window.perSecond, event - window.skip));
      }
      if (received !== window.frames) return;
      left -= 1;
      if (left === 0) finished();
    });
  };
  for (let index = 0; index < count; index++) await subscribe(index);
  return async (go: SubscribersWindow): Promise<SubscribersResult> => {
    window = go;
    await new Promise<void>((done) => {
      finished = done;
    });
    return { latency: latency.counts, frames, bytes, finishedUs: nowUs() };
  };
});

/** The socket once it is a WebSocket, and what came behind the answer. */
function open(port: number, path: string): Promise<{ readonly socket: Socket; readonly rest: Buffer }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.once('error', reject);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    let head = Buffer.alloc(0);
    const answered = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(HEAD_END);
      if (end < 0) return;
      socket.removeListener('data', answered);
      if (!head.toString('latin1', 0, 12).endsWith('101')) reject(new Error(head.toString('latin1')));
      else resolve({ socket, rest: head.subarray(end + HEAD_END.length) });
    };
    socket.on('data', answered);
  });
}
