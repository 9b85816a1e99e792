/** Whether a record brings a partition to a log time: where a range begins, and where it ends. */
import { EVENT_FUTURE_MS_MAX } from '../constants.ts';
import { EventDecoder } from '../machine/decode/decode.ts';
import { Payload } from '../machine/decode/payload.ts';
import { Fault } from '../machine/fault.ts';
import { type LogRecord, RecordKind } from '../protocol/record.ts';

export class RecordClock {
  readonly #isWall: boolean;
  readonly #fault = new Fault();
  readonly #payload = new Payload(this.#fault);
  /** Without a workspace: an event's data is not looked at. */
  readonly #decoder = new EventDecoder(null, this.#fault);

  constructor(clock: 'wall' | 'event') {
    this.#isWall = clock === 'wall';
  }

  /** With this record log time, which stands at `logTime`, reaches `ms`, if none of its events is refused. */
  reaches(record: LogRecord, logTime: number, ms: number): boolean {
    return (!this.#isWall && logTime >= ms) || this.ends(record) >= ms;
  }

  /** Log time to which the record brings a partition that is not there yet, if none of its events is refused; −Infinity: it has no times. */
  ends({ kind, ts, payload }: Pick<LogRecord, 'kind' | 'ts' | 'payload'>): number {
    if (this.#isWall) return ts;
    return kind === RecordKind.events ? this.#latest(payload, ts + EVENT_FUTURE_MS_MAX) : Number.NEGATIVE_INFINITY;
  }

  /** Log time with the record's first event; null: it has none, or none is dated. */
  begins({ kind, ts, payload }: LogRecord): number | null {
    if (this.#isWall) return ts;
    return (kind === RecordKind.events ? this.#dates(payload)[0] : undefined) ?? null;
  }

  /** The greatest date of its events that is accepted. */
  #latest(bytes: Uint8Array, untilMs: number): number {
    return this.#dates(bytes).reduce(
      (latest, date) => (date <= untilMs ? Math.max(latest, date) : latest),
      Number.NEGATIVE_INFINITY,
    );
  }

  /** Of the events that have one. */
  #dates(bytes: Uint8Array): number[] {
    const payload = this.#payload;
    const decoder = this.#decoder;
    const dates: number[] = [];
    for (payload.open(bytes); payload.next(); ) {
      if (!payload.ok || !decoder.envelope(payload.value) || !decoder.time()) continue;
      if (!Number.isNaN(decoder.givenTs)) dates.push(decoder.givenTs);
    }
    return dates;
  }
}
