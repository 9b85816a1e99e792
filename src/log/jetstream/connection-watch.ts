/** Hears of a connection's reconnects and of its end, for as long as it is wanted. */
import { Events, type NatsConnection, type Status } from 'nats';

export interface ConnectionEvents {
  disconnected?(): void;
  reconnected(): void;
  /** The connection is closed for good, and not by the one that listens. */
  closed(): void;
}

export class ConnectionWatch {
  readonly #statuses: AsyncIterable<Status> & { stop?(): void };
  #on = true;

  constructor(connection: NatsConnection, events: ConnectionEvents) {
    this.#statuses = connection.status();
    void this.#listen(events);
    // The library leaves the statuses of a closed connection open.
    void connection.closed().then(() => {
      if (this.#on) events.closed();
    });
  }

  stop(): void {
    this.#on = false;
    // The library has it, its types do not: without it the connection would gather statuses for nobody.
    this.#statuses.stop?.();
  }

  async #listen(events: ConnectionEvents): Promise<void> {
    for await (const { type } of this.#statuses) {
      if (!this.#on) return;
      if (type === Events.Disconnect) events.disconnected?.();
      else if (type === Events.Reconnect) events.reconnected();
    }
  }
}
