/**
 * What `decide` costs without deciding: a program of its own that takes the same requests over the same HTTP library, appends the bodies of one turn of the event
 * loop to a file with one write and one fdatasync, and answers. It parses nothing, keeps nothing and decides nothing.
 *
 * Run as a process: argv[2] is the file. Prints its port.
 */

import uWebSockets, { type HttpResponse } from 'uWebSockets.js';
import { fdatasyncSync, openSync, writeSync } from 'node:fs';

const file = openSync(process.argv[2] as string, 'w');
let waiting: { readonly body: Buffer; readonly response: HttpResponse }[] = [];
const gone = new WeakSet<HttpResponse>();

function commit(): void {
  const batch = waiting;
  waiting = [];
  writeSync(file, Buffer.concat(batch.map(({ body }) => body)));
  fdatasyncSync(file);
  for (const { response } of batch) {
    if (gone.has(response)) continue;
    response.cork(() => response.writeHeader('Content-Type', 'application/json').end('{"event":"","decisions":[]}'));
  }
}

const app = uWebSockets.App().post('/v1/decide', (response) => {
  response.onAborted(() => gone.add(response));
  response.onData((chunk, isLast) => {
    if (!isLast) return;
    if (waiting.length === 0) setImmediate(commit);
    waiting.push({ body: Buffer.from(Buffer.from(chunk)), response });
  });
});
app.listen('127.0.0.1', 0, (socket) => {
  if (socket === false) process.exit(1);
  process.stdout.write(`listening on http://127.0.0.1:${uWebSockets.us_socket_local_port(socket)}\n`);
});
