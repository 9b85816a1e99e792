/**
 * Consent by channel: two bits per customer for each channel that ever had any, 0 unset, 1 granted, 2 denied.
 * Channels go by the dictionary code of their name, so that consent outlives workspace versions.
 */
import { CONSENT_CHANNELS_MAX } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import type { Arena } from './arena.ts';

export class Consents {
  /** Dictionary codes of the channels, in the order in which they came. */
  readonly channels: number[] = [];
  readonly #states: Uint8Array;
  readonly #bytesPerChannel: number;

  constructor(arena: Arena) {
    this.#bytesPerChannel = arena.rows / 4;
    this.#states = arena.bytes(this.#bytesPerChannel * CONSENT_CHANNELS_MAX);
  }

  get(row: number, channelCode: number): number {
    const channel = this.channels.indexOf(channelCode);
    return channel < 0 ? 0 : this.#at(row, channel);
  }

  /** false: there are CONSENT_CHANNELS_MAX other channels already; nothing changed. */
  set(row: number, channelCode: number, state: number): boolean {
    assert(state >= 0 && state <= 2, 'consent is 0, 1 or 2');
    let channel = this.channels.indexOf(channelCode);
    if (channel < 0) {
      if (this.channels.length === CONSENT_CHANNELS_MAX) return false;
      channel = this.channels.push(channelCode) - 1;
    }
    const at = channel * this.#bytesPerChannel + (row >>> 2);
    const shift = (row & 3) * 2;
    this.#states[at] = ((this.#states[at] as number) & ~(3 << shift)) | (state << shift);
    return true;
  }

  of(row: number): { channelCode: number; state: number }[] {
    const consents = [];
    for (let channel = 0; channel < this.channels.length; channel++) {
      const state = this.#at(row, channel);
      if (state !== 0) consents.push({ channelCode: this.channels[channel] as number, state });
    }
    return consents;
  }

  clear(row: number): void {
    for (let channel = 0; channel < this.channels.length; channel++) {
      const at = channel * this.#bytesPerChannel + (row >>> 2);
      this.#states[at] = (this.#states[at] as number) & ~(3 << ((row & 3) * 2));
    }
  }

  /** The state of the channel at this place in `channels`. */
  stateAt(row: number, channel: number): number {
    return this.#at(row, channel);
  }

  /** The first `channels` channels, a quarter byte per row; groups start at multiples of 64 rows. */
  write(writer: ByteWriter, channels: number, row: number, rows: number): void {
    for (let channel = 0; channel < channels; channel++) {
      const start = channel * this.#bytesPerChannel + (row >>> 2);
      writer.raw(this.#states.subarray(start, start + ((rows + 3) >>> 2)));
    }
  }
  read(reader: ByteReader, channels: number, row: number, rows: number): void {
    for (let channel = 0; channel < channels; channel++) {
      this.#states.set(reader.raw((rows + 3) >>> 2), channel * this.#bytesPerChannel + (row >>> 2));
    }
  }

  get touchedBytesPerRow(): number {
    return this.channels.length / 4;
  }

  #at(row: number, channel: number): number {
    const byte = this.#states[channel * this.#bytesPerChannel + (row >>> 2)] as number;
    return (byte >>> ((row & 3) * 2)) & 3;
  }
}
