/**
 * The fast way in: events decoded straight from a message's bytes into a batch of frames, without an object, and mostly
 * without any garbage, per event.
 *
 * It either reads an event completely or is blocked there. Then nothing is known about that event nor about what is
 * behind it in the message: Payload and EventDecoder, which read everything and explain what they refuse, take over.
 * Whatever is accepted here they accept as well, with the same envelope and the same frame: a property test holds the
 * two together. So whatever is rare may be blocked: escaped or repeated keys, ids that are not ASCII, the engine's own
 * types, and all that is wrong.
 */
import { BATCH_EVENTS, EVENT_BYTES_MAX, RECORD_BYTES_MAX } from '../constants.ts';
import type { Schema } from '../protocol/schema.ts';
import type { EventBatch } from './event-batch.ts';
import { EventPlans } from './event-plan.ts';
import { InputBytes } from './input-bytes.ts';
import { MessagePackEvents } from './message-pack-events.ts';
import { MESSAGE_PACK_FILLER } from './message-pack-values.ts';
import { BLOCKED } from './step-result.ts';
import { TextCache } from './text-cache.ts';
import type { WantedText } from './wanted-text.ts';

export class BatchDecoder {
  readonly #schema: Schema;
  readonly #input = new InputBytes();
  readonly #messagePack: MessagePackEvents;
  #at = 0;
  /** Events of the message, as it says. */
  #count = 0;
  #blocked = false;
  #decoded = 0;

  /** `wanted` null: every string is read. Others have their slot marked as present, and its text left alone. */
  constructor(schema: Schema, wanted: WantedText | null) {
    const plans = new EventPlans(schema, wanted);
    const texts = new TextCache(this.#input);
    this.#schema = schema;
    this.#messagePack = new MessagePackEvents(this.#input, plans, texts);
  }

  /** True: the event with index `decoded` needs the thorough way, and all behind it. */
  get blocked(): boolean {
    return this.#blocked;
  }
  /** Events decoded since `open`. */
  get decoded(): number {
    return this.#decoded;
  }

  /** One event or an array of them, whatever the bytes. They are copied. */
  open(bytes: Uint8Array): void {
    this.#decoded = 0;
    this.#count = 0;
    const first = bytes.length > 0 ? (bytes[0] as number) : 0;
    this.#blocked = bytes.length > RECORD_BYTES_MAX || first < 0x80 || first === 0xef;
    if (this.#blocked) return;
    this.#input.load(bytes, MESSAGE_PACK_FILLER);
    this.#messagePack.clear();
    this.#openList(first);
  }

  /** Decodes on, up to BATCH_EVENTS events; returns batch.count: 0 at the end, and where it is blocked at once. */
  next(batch: EventBatch): number {
    const { bytes, end } = this.#input;
    batch.begin(this.#schema, bytes);
    let place = 0;
    while (place < BATCH_EVENTS && this.#decoded < this.#count && !this.#blocked) {
      const start = this.#at;
      const at = this.#messagePack.event(start, batch, place);
      // What a message has behind its last event is that event's fault.
      const behindLast = this.#decoded + 1 === this.#count && at !== end;
      if (at < 0 || at > end || at - start > EVENT_BYTES_MAX || behindLast) {
        this.#blocked = at === BLOCKED || at >= 0;
        break;
      }
      this.#at = at;
      batch.index[place++] = this.#decoded++;
    }
    batch.count = place;
    return place;
  }

  #openList(first: number): void {
    const { view, end } = this.#input;
    this.#at = 0;
    this.#count = 1;
    if ((first & 0xf0) === 0x90) {
      this.#count = first & 0x0f;
      this.#at = 1;
    } else if (first === 0xdc && end >= 3) {
      this.#count = view.getUint16(1);
      this.#at = 3;
    } else if (first === 0xdd && end >= 5) {
      this.#count = view.getUint32(1);
      this.#at = 5;
    }
  }
}
