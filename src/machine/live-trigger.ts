/** The event that is being applied, as the trigger of the campaigns that it matched. One object, reused. */
import type { EventFrame } from '../protocol/frame.ts';
import { assert } from '../stdx/assert.ts';
import type { Trigger } from './trigger.ts';

export class LiveTrigger implements Trigger {
  eventIndex = 0;
  #frame: EventFrame | null = null;

  set(frame: EventFrame, eventIndex: number): this {
    this.#frame = frame;
    this.eventIndex = eventIndex;
    return this;
  }

  frame(): EventFrame {
    assert(this.#frame !== null, 'a trigger was set');
    return this.#frame;
  }

  /** Nothing of a live event is kept: it cannot wait. */
  stored(): Uint8Array | null {
    return null;
  }
}
