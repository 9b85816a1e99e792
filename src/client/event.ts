/** What a producer hands in, and what it hears back. */

/** INTERFACE, Events. Other members are passed on as they are. */
export interface ProducerEvent {
  readonly type: string;
  /** Makes delivery idempotent: the engine remembers the last million per partition. Recommended. */
  readonly id?: string | null;
  /** RFC 3339 or epoch milliseconds. Default: when JetStream stored it. */
  readonly ts?: string | number | Date | null;
  /** Without it the event is anonymous. */
  readonly customer?: string | null;
  readonly data?: object | null;
}

/** Where JetStream stored an event: all events of a batch share it. */
export interface Delivery {
  readonly partition: number;
  /** Sequence of the batch in the partition's log. */
  readonly seq: number;
  /** An earlier attempt had stored it, whose acknowledgement was lost. */
  readonly duplicate: boolean;
}

/** The event can never be sent, whatever happens to the network: too large, or nothing that JSON could say. Nothing was queued. */
export class EventRefusedError extends Error {
  override readonly name = 'EventRefusedError';
}

/** The buffer is full: wait for room() and send the event again. Nothing was queued. */
export class ProducerFullError extends Error {
  override readonly name = 'ProducerFullError';
}

/** The producer was closed. Nothing was queued. */
export class ProducerClosedError extends Error {
  override readonly name = 'ProducerClosedError';
}

/** A batch was given up. All its events get the same error. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  /**
   * `no`: it is not in the log. `unknown`: an attempt was made whose answer never came, and it is too late to ask again without risking that it is stored
   * twice. Events with an id may be sent again all the same: the engine recognises them.
   */
  readonly stored: 'no' | 'unknown';

  constructor(stored: 'no' | 'unknown', problem: string) {
    super(`${stored === 'no' ? 'not stored' : 'perhaps not stored'}: ${problem}`);
    this.stored = stored;
  }
}
