/**
 * From the bytes of a request to one record or more per partition, without parsing an event: customers decide where events go, and that is all
 * that this side needs to know. Order law: *events of one customer leave in the order in which they came*, in one batch or in several.
 *
 * The partition is that of the customer; an anonymous event goes by its id, so that a retry meets the partition that remembers it; without an id,
 * and for what cannot be parsed, by its bytes.
 */
import type { BodyFormat } from './body-format.ts';
import { buildBatches, type IndexedBatches } from './event-batches.ts';
import { EventTable, type RefusedRow } from './event-table.ts';
import { expandRecords } from './expand-records.ts';
import { JsonSplitter } from './json-events.ts';
import { MessagePackSplitter } from './message-pack-events.ts';

export interface RouteLimits {
  readonly eventsMax: number;
  readonly malformedMax: number;
  readonly expandedBytesMax: number;
}

export interface RoutedEvents extends IndexedBatches {
  /** Events found, refused ones included; 0 for a body of white space. */
  readonly events: number;
  /** By the caller's index: what is not passed on, and why. */
  readonly refused: ReadonlyMap<number, RefusedRow>;
}

export type RouteResult = RoutedEvents | { readonly fault: 'too_many_events' | 'expands_too_much' };

/** Routes one body after the other through the same tables. What it returns holds nothing of the body. */
export class EventRouter {
  readonly #table: EventTable;
  readonly #json: JsonSplitter;
  readonly #messagePack: MessagePackSplitter;
  readonly #limits: RouteLimits;
  #isMessagePack = false;

  constructor(partitions: number, limits: RouteLimits) {
    this.#limits = limits;
    this.#table = new EventTable(partitions, limits);
    this.#json = new JsonSplitter(this.#table);
    this.#messagePack = new MessagePackSplitter(this.#table);
  }

  route(body: Buffer, format: BodyFormat): RouteResult {
    const table = this.#table;
    this.#isMessagePack = format === 'message-pack';
    table.open(body);
    if (!this.#isMessagePack) {
      this.#json.split(format === 'lines');
    } else if (!this.#messagePack.split()) {
      const expansion = expandRecords(body, this.#limits.expandedBytesMax);
      if ('fault' in expansion && expansion.fault === 'too_large') return { fault: 'expands_too_much' };
      if ('events' in expansion) {
        table.open(expansion.events);
        this.#messagePack.split();
      } else {
        table.open(body);
        table.addMalformed(0, body.length);
      }
    }
    if (table.overflow) return { fault: 'too_many_events' };
    return { ...buildBatches(table, this.#isMessagePack), events: table.rows, refused: table.refused };
  }

  /** The `id` of the first event of the body just routed, as JSON; only while that body is valid. */
  firstEventId(): string {
    return this.#isMessagePack ? this.#messagePack.eventId(0) : this.#json.eventId(0);
  }
}
