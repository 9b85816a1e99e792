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
import { BATCH_EVENTS, EVENT_BYTES_MAX, RECORD_BYTES_MAX } from '../../constants.ts';
import { isMessagePack } from '../../protocol/payload-format.ts';
import type { Schema } from '../../protocol/schema.ts';
import type { EventBatch } from './event-batch.ts';
import { EventPlans } from './event-plan.ts';
import { InputBytes } from './input-bytes.ts';
import { JsonEvents } from './json-events.ts';
import { CLOSE_LIST, COMMA, JSON_FILLER, OPEN_LIST } from './json-values.ts';
import { MessagePackEvents } from './message-pack-events.ts';
import { MESSAGE_PACK_FILLER } from './message-pack-values.ts';
import { LATER } from './step-result.ts';
import { TextCache } from './text-cache.ts';
import type { WantedText } from './wanted-text.ts';

export class BatchDecoder {
  readonly #schema: Schema;
  readonly #input = new InputBytes();
  readonly #messagePack: MessagePackEvents;
  readonly #json: JsonEvents;
  #binary = false;
  /** JSON: the message is an array. */
  #isList = false;
  #at = 0;
  /** Events that MessagePack's header announces. */
  #count = 0;
  /** There is another event at #at, or at least something that is none. */
  #more = false;
  #blocked = false;
  #decoded = 0;

  /** `wanted` null: every string is read. Others have their slot marked as present, and its text left alone. */
  constructor(schema: Schema, wanted: WantedText | null) {
    const plans = new EventPlans(schema, wanted);
    const texts = new TextCache(this.#input);
    this.#schema = schema;
    this.#messagePack = new MessagePackEvents(this.#input, plans, texts);
    this.#json = new JsonEvents(this.#input, plans, texts);
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
    this.#more = true;
    this.#blocked = bytes.length > RECORD_BYTES_MAX;
    if (this.#blocked) return;
    this.#binary = isMessagePack(bytes);
    this.#input.load(bytes, this.#binary ? MESSAGE_PACK_FILLER : JSON_FILLER);
    if (this.#binary) this.#openMessagePack(bytes[0] as number);
    else this.#openJson();
  }

  /** Decodes on, up to BATCH_EVENTS events; returns batch.count: 0 at the end, and where it is blocked at once. */
  next(batch: EventBatch): number {
    batch.begin(this.#schema, this.#input.bytes);
    let place = 0;
    while (place < BATCH_EVENTS && this.#more && !this.#blocked) {
      const start = this.#at;
      const at = this.#binary ? this.#messagePack.event(start, batch, place) : this.#json.event(start, batch, place);
      if (at === LATER) break;
      if (at < 0 || !(this.#binary ? this.#passMessagePack(start, at) : this.#passJson(start, at))) {
        this.#blocked = true;
        break;
      }
      batch.index[place++] = this.#decoded++;
    }
    batch.count = place;
    return place;
  }

  #openMessagePack(first: number): void {
    const { view, end } = this.#input;
    this.#messagePack.clear();
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
    this.#more = this.#count > 0;
  }

  /** Goes behind an event; false: it is not to be accepted. What a message has behind its last event is that one's fault. */
  #passMessagePack(start: number, at: number): boolean {
    const { end } = this.#input;
    if (at > end || at - start > EVENT_BYTES_MAX) return false;
    this.#at = at;
    this.#more = this.#decoded + 1 < this.#count;
    return this.#more || at === end;
  }

  #openJson(): void {
    const json = this.#json;
    const { bytes } = this.#input;
    this.#at = json.space(0);
    this.#isList = bytes[this.#at] === OPEN_LIST;
    if (!this.#isList) return;
    this.#at = json.space(this.#at + 1);
    // Whatever stands behind an empty list, it holds no event.
    if (bytes[this.#at] === CLOSE_LIST) this.#more = false;
  }

  /** Likewise. In a list, what is behind the event's comma, or behind the list, is another event's fault. */
  #passJson(start: number, at: number): boolean {
    const json = this.#json;
    const { bytes, end } = this.#input;
    const next = bytes[at] === COMMA ? at : json.space(at);
    if (!this.#isList) {
      this.#more = false;
      return next === end && end - start <= EVENT_BYTES_MAX;
    }
    if (at - start > EVENT_BYTES_MAX) return false;
    if (bytes[next] === COMMA) this.#at = json.space(next + 1);
    else {
      // At the closing bracket, or at the end: no event, so whatever there still is will be blocked.
      this.#at = next;
      if (bytes[next] !== CLOSE_LIST) return next === end;
      this.#more = json.space(next + 1) < end;
    }
    return true;
  }
}
