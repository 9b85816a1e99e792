/** Takes an address for one app alone. */
import { type TemplatedApp, type us_listen_socket, us_socket_local_port } from 'uWebSockets.js';

/** The address cannot be had. */
export class ListenError extends Error {
  override readonly name = 'ListenError';

  constructor(host: string, port: number) {
    super(`cannot listen on ${host}:${port}: the address is in use, not of this machine, or not permitted`);
  }
}

export interface Listening {
  readonly socket: us_listen_socket;
  readonly port: number;
}

/** uWebSockets.js shares a port with others of its kind by default, and the kernel would deal out their connections between two nodes. */
const EXCLUSIVE_PORT = 1;

/** Its type declarations lack the form with host and options, which its code has. */
type ExclusiveListen = (
  host: string,
  port: number,
  options: number,
  done: (socket: us_listen_socket | false) => void,
) => void;

/** Port 0 takes a free one. Rejects with ListenError. */
export function listenExclusively(app: TemplatedApp, host: string, port: number): Promise<Listening> {
  return new Promise((resolve, reject) => {
    (app.listen as unknown as ExclusiveListen).call(app, host, port, EXCLUSIVE_PORT, (socket) => {
      if (socket === false) reject(new ListenError(host, port));
      else resolve({ socket, port: us_socket_local_port(socket) });
    });
  });
}
