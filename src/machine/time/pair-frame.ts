/**
 * A frame that holds two events, for rules over `event` and `trigger`: laid out by rules/event-pair.ts. Lists are
 * shared with the two events' own frames, so that filling one costs their scalars only.
 */
import { createEventFrame, type EventFrame, type ListFrame } from '../../protocol/frame.ts';
import type { EventSchema } from '../../protocol/schema.ts';
import { type EventPair, eventPair } from '../../rules/event-pair.ts';
import { pairSchema } from '../../workspace/pair-schema.ts';

export class PairFrame {
  readonly #pair: EventPair;
  readonly #frame: EventFrame;

  constructor(event: EventSchema, trigger: EventSchema) {
    this.#pair = eventPair(event, trigger);
    this.#frame = createEventFrame(pairSchema(event, trigger));
  }

  /** Valid until the next call, or until either event's frame changes. */
  fill(event: EventFrame, trigger: EventFrame): EventFrame {
    const frame = this.#frame;
    const { firstSlot, firstList, idSlot, typeSlot, tsSlot } = this.#pair;
    frame.id = event.id;
    frame.customer = event.customer;
    frame.ts = event.ts;
    copy(event, frame, 0, 0);
    copy(trigger, frame, firstSlot, firstList);
    frame.text[idSlot] = trigger.id;
    frame.present[idSlot] = trigger.id === '' ? 0 : 1;
    frame.text[typeSlot] = trigger.typeName;
    frame.present[typeSlot] = 1;
    frame.number[tsSlot] = trigger.ts;
    frame.present[tsSlot] = 1;
    return frame;
  }
}

function copy(from: EventFrame, to: EventFrame, firstSlot: number, firstList: number): void {
  const { present, number, text, lists, listPresent } = from;
  for (let slot = 0; slot < present.length; slot++) {
    const at = firstSlot + slot;
    to.present[at] = present[slot] as number;
    to.number[at] = number[slot] as number;
    to.text[at] = text[slot] as string;
  }
  for (let list = 0; list < lists.length; list++) {
    to.listPresent[firstList + list] = listPresent[list] as number;
    to.lists[firstList + list] = lists[list] as ListFrame;
  }
}
