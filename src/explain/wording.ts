/** What all words of one moment have in common: the clock, beside which time others are told, and what "this event" is. */
import type { ExplainedContact, ExplainedMoment } from '../protocol/explanation.ts';
import type { LocalTime } from './local-time.ts';
import { listText, shorten } from './quantities.ts';

/** Contacts of one cap that are told one by one. */
const CONTACTS_SHOWN_MAX = 4;
const ID_LENGTH_MAX = 40;

export interface EventName {
  readonly id: string | null;
  readonly type: string;
  readonly ts: string;
}

export class Wording {
  readonly #time: LocalTime;
  readonly #moment: Pick<ExplainedMoment, 'at' | 'cause'>;

  constructor(time: LocalTime, moment: Pick<ExplainedMoment, 'at' | 'cause'>) {
    this.#time = time;
    this.#moment = moment;
  }

  when(ts: string): string {
    return this.#time.near(ts, this.#moment.at);
  }

  /** As `when`, and always with its day. */
  dated(ts: string): string {
    return this.#time.dated(ts, this.#moment.at);
  }

  /** The zone of all times. */
  get zone(): string {
    return this.#time.zone;
  }

  /** `; room again 2 Dec 08:26`; nothing where nobody knows. */
  until(words: string, ts: string | null): string {
    return ts === null ? '' : `; ${words} ${this.when(ts)}`;
  }

  /** `08:26 (welcome, push)`. */
  contact({ at, campaign, channel }: ExplainedContact): string {
    return `${this.when(at)} (${campaign}, ${channel})`;
  }

  /** The last ones first where there are too many. */
  contacts(contacts: readonly ExplainedContact[]): string {
    const many = contacts.length > CONTACTS_SHOWN_MAX;
    const told = (many ? [...contacts].reverse() : contacts).map((contact) => this.contact(contact));
    return listText(told, CONTACTS_SHOWN_MAX);
  }

  /** `receipt 536365 of 08:26`, or `this receipt`. */
  event(event: EventName): string {
    return this.isOwn(event) ? `this ${event.type}` : `${eventName(event)} of ${this.when(event.ts)}`;
  }

  /** Whether the moment is about this event. */
  isOwn({ id, type, ts }: EventName): boolean {
    const { cause } = this.#moment;
    return cause.kind === 'event' && cause.type === type && cause.id === id && cause.ts === ts;
  }
}

/** Of a schedule the id is the due time, which is told anyway. */
export function eventName({ id, type }: Pick<EventName, 'id' | 'type'>): string {
  if (type === '$schedule') return 'the schedule';
  return id === null ? type : `${type} ${shorten(id, ID_LENGTH_MAX)}`;
}
