/**
 * The bare `ws` server of ws-fan-out.ts: whoever connects is a subscriber, and every message from the parent goes to all of them, as one frame that is made
 * once and written to each socket. Nothing is authenticated, filtered, numbered, remembered or sent again, and a slow subscriber is waited for by nobody.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { FromFanOut, ToFanOut } from './ws-fan-out.ts';

const FIN_AND_TEXT = 0x81;

const subscribers = new Set<Duplex>();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const server = createServer();

function tell(message: FromFanOut): void {
  process.send?.(message);
}

/** A text frame of a server: not masked. */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  if (payload.length < 126) return Buffer.concat([Buffer.from([FIN_AND_TEXT, payload.length]), payload]);
  if (payload.length > 0xffff) throw new Error('a text of up to 65,535 bytes, see ws-fan-out.ts');
  const header = Buffer.from([FIN_AND_TEXT, 126, 0, 0]);
  header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}

server.on('upgrade', (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, () => {
    subscribers.add(socket);
    socket.once('close', () => subscribers.delete(socket));
    tell({ kind: 'subscribers', count: subscribers.size });
  });
});

process.on('message', ({ texts }: ToFanOut) => {
  const frames = texts.map(frameOf);
  const bytes = frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames);
  for (const socket of subscribers) socket.write(bytes);
});

// Nobody else ends it when its parent is gone.
process.on('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', () => tell({ kind: 'listening', port: (server.address() as AddressInfo).port }));
