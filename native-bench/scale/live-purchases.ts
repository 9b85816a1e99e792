/**
 * Purchases of the mix's active customers, of all or of those in some partitions, drawn at random, as bodies for `POST /v1/events`: on the last day on which they
 * bought anyway, so that memory does not grow with them. Bodies are made by patching a template, one at a time.
 */
import { pack } from 'msgpackr';
import { partitionOf } from '../../src/stdx/hash.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { customerId } from '../workload/kernel.ts';
import { activeCustomer, activeCustomers, LAST_ACTIVE_TS } from '../workload/profile-mix.ts';

/** Told apart from the ids of the mix by its first letter. */
const WIDE_ID = 'l99999999999';
const WIDE_CUSTOMER = customerId(99_999_999_999);
const HEADER_BYTES = 3;

export class LivePurchases {
  readonly eventsPerBody: number;
  readonly #body: Buffer;
  readonly #stride: number;
  readonly #id: number;
  readonly #customer: number;
  readonly #customers: Int32Array;
  readonly #random = new Prng(77);
  /** Events ever made, by all of these: their ids are numbers. */
  static #made = 0;

  /** `eventsPerBody`: 16 to 65,535. */
  constructor(customers: Int32Array, eventsPerBody: number) {
    const event = {
      id: WIDE_ID,
      type: 'purchase',
      ts: LAST_ACTIVE_TS,
      customer: WIDE_CUSTOMER,
      data: { total: 12.5, lines: 3 },
    };
    const bytes = Buffer.from(pack(event));
    this.eventsPerBody = eventsPerBody;
    this.#stride = bytes.length;
    this.#id = HEADER_BYTES + bytes.indexOf(WIDE_ID) + 1;
    this.#customer = HEADER_BYTES + bytes.indexOf(WIDE_CUSTOMER) + 1;
    this.#body = Buffer.from(pack(Array.from({ length: eventsPerBody }, () => event)));
    this.#customers = customers;
  }

  get eventBytes(): number {
    return this.#stride;
  }

  /** Good until the next one is asked for. */
  next(): Buffer {
    for (let i = 0; i < this.eventsPerBody; i++) {
      const at = i * this.#stride;
      writeDigits(this.#body, at + this.#id, LivePurchases.#made++);
      writeDigits(
        this.#body,
        at + this.#customer,
        this.#customers[this.#random.below(this.#customers.length)] as number,
      );
    }
    return this.#body;
  }
}

/** The active ones of so many customers whose partitions are `wanted`, of `partitions`. */
export function activeAmong(
  customers: number,
  partitions: number,
  wanted: (partition: number) => boolean = () => true,
): Int32Array {
  return Int32Array.from({ length: activeCustomers(customers) }, (_, index) => activeCustomer(index)).filter(
    (customer) => wanted(partitionOf(customerId(customer), partitions)),
  );
}

function writeDigits(bytes: Uint8Array, at: number, value: number): void {
  let left = value;
  for (let i = at + 10; i >= at; i--) {
    bytes[i] = 48 + (left % 10);
    left = Math.floor(left / 10);
  }
}
