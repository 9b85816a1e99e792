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
import { jsonEventId, splitJson } from './json-events.ts';
import { messagePackEventId, splitMessagePack } from './message-pack-events.ts';

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
  /** The `id` of the first event as JSON, for an answer about a single one. */
  firstEventId(): string;
}

export type RouteResult = RoutedEvents | { readonly fault: 'too_many_events' | 'expands_too_much' };

export function routeEvents(body: Buffer, format: BodyFormat, partitions: number, limits: RouteLimits): RouteResult {
  const isMessagePack = format === 'message-pack';
  let table = new EventTable(body, partitions, limits);
  if (!isMessagePack) {
    splitJson(table, format === 'lines');
  } else if (!splitMessagePack(table)) {
    const expansion = expandRecords(body, limits.expandedBytesMax);
    if ('events' in expansion) {
      table = new EventTable(expansion.events, partitions, limits);
      splitMessagePack(table);
    } else if (expansion.fault === 'unreadable') {
      table = new EventTable(body, partitions, limits);
      table.addMalformed(0, body.length);
    } else {
      return { fault: 'expands_too_much' };
    }
  }
  if (table.overflow) return { fault: 'too_many_events' };
  return {
    ...buildBatches(table, isMessagePack),
    events: table.rows,
    refused: table.refused,
    firstEventId: () => (isMessagePack ? messagePackEventId(table, 0) : jsonEventId(table, 0)),
  };
}
