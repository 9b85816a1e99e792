/**
 * Both sides of the kernel over the same messages, a round of one after a round of the other, and what each made of them compared after every round.
 */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EVENT_IDS_REMEMBERED } from '../../src/constants.ts';
import { collectGarbage } from '../measure.ts';
import {
  EVENTS_PER_BATCH,
  encodeEvents,
  type KernelEvent,
  KernelEvents,
  type KernelRule,
  type PayloadForm,
  profilePayloads,
  STORES,
  TIERS,
} from '../workload/kernel.ts';
import { BeckonKernel, RECORD_TS, type Taken } from './beckon-kernel.ts';
import type { CppProgram } from './cpp-program.ts';

export interface Round {
  readonly beckon: Taken;
  readonly cpp: Taken;
}

/** CPU nanoseconds per event of the C++ program alone; each step with those before it, `plain` is `apply` event by event. */
export type StepTimes = Readonly<Record<'decode' | 'find' | 'count' | 'apply' | 'plain', number>>;

export class KernelRounds {
  readonly #cpp: CppProgram;
  readonly #beckon: BeckonKernel;
  readonly #customers: number;
  readonly #customersMax: number;
  readonly #eventsPerRound: number;
  readonly #file: string;
  readonly #rulesFile: string;
  readonly #source: KernelEvents;
  #rules: readonly KernelRule[] = [];
  #roundsRun = 0;

  constructor(cpp: CppProgram, folder: string, customers: number, eventsPerRound: number) {
    this.#cpp = cpp;
    this.#customers = customers;
    this.#eventsPerRound = eventsPerRound;
    this.#customersMax = Math.max(1024, customers);
    this.#beckon = new BeckonKernel(this.#customersMax);
    this.#file = join(folder, 'messages');
    this.#rulesFile = join(folder, 'rules');
    this.#source = new KernelEvents(customers, 1);
  }

  /** Makes the customers known to both sides, by the same `$profile` events. */
  async open(rules: readonly KernelRule[]): Promise<void> {
    await this.#cpp.command('open', this.#customersMax, EVENT_IDS_REMEMBERED, RECORD_TS);
    await this.publish(rules);
    const messages = [...profilePayloads(this.#customers, 'messagepack')];
    await this.#load(messages);
    await this.#cpp.command('apply');
    this.#beckon.apply(messages);
    await this.#compare();
  }

  async publish(rules: readonly KernelRule[]): Promise<void> {
    this.#rules = rules;
    this.#beckon.publish(rules);
    await writeFile(this.#rulesFile, rules.map(ruleLine).join(''));
    await this.#cpp.command('rules', this.#rulesFile);
  }

  /** One round: Beckon reads `form`, the C++ program MessagePack. Who begins alternates. */
  async round(form: PayloadForm): Promise<Round> {
    const batches = this.#nextBatches();
    const messages = batches.map((events) => encodeEvents(events, form));
    await this.#load(form === 'messagepack' ? messages : batches.map((events) => encodeEvents(events, 'messagepack')));
    const cppFirst = this.#roundsRun++ % 2 === 0;
    let cpp = cppFirst ? await this.#cppTakes('apply') : null;
    collectGarbage();
    const beckon = this.#beckon.apply(messages);
    cpp ??= await this.#cppTakes('apply');
    await this.#compare();
    return { beckon, cpp };
  }

  /** The C++ program's state and Beckon's part here: no `round` after it. */
  async steps(): Promise<StepTimes> {
    // Each over messages that nobody has seen, so that none finds the caches as another left them.
    const measure = async (step: string): Promise<number> => {
      await this.#load(this.#nextBatches().map((events) => encodeEvents(events, 'messagepack')));
      return (await this.#cppTakes(step)).cpuNs / this.#eventsPerRound;
    };
    const decode = await measure('decode');
    const find = await measure('find');
    const count = await measure('count');
    const apply = await measure('apply');
    const plain = await measure('plain');
    return { decode, find, count, apply, plain };
  }

  async #cppTakes(step: string): Promise<Taken> {
    const [wallNs, cpuNs] = await this.#cpp.command(step);
    return { wallNs: Number(wallNs), cpuNs: Number(cpuNs) };
  }

  #nextBatches(): KernelEvent[][] {
    return Array.from({ length: this.#eventsPerRound / EVENTS_PER_BATCH }, () =>
      Array.from({ length: EVENTS_PER_BATCH }, () => this.#source.next()),
    );
  }

  async #load(messages: readonly Uint8Array[]): Promise<void> {
    const file = createWriteStream(this.#file);
    for (const message of messages) {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(message.length);
      file.write(length);
      if (!file.write(message)) await once(file, 'drain');
    }
    file.end();
    await once(file, 'close');
    await this.#cpp.command('load', this.#file);
  }

  /** Throws where the two sides did not do the same. */
  async #compare(): Promise<void> {
    const sample = Math.min(1000, this.#customers);
    const step = Math.floor(this.#customers / sample);
    const beckon = this.#beckon;
    const answer = async (...words: (string | number)[]): Promise<string> =>
      (await this.#cpp.command(...words)).join(' ');
    const pairs: [string, string, string][] = [
      ['accepted, repeated, rejected, decisions, log time', beckon.totals(), await answer('totals')],
      ['decisions of the round, in order', beckon.decidedChecksum(), await answer('decided')],
      ['counts of every rule', beckon.booksChecksum(this.#rules), await answer('books')],
      ['aggregates of a sample', beckon.windowsChecksum(sample, step), await answer('windows', sample, step)],
    ];
    for (const [what, ours, theirs] of pairs) {
      if (ours !== theirs) throw new Error(`the two kernels differ in ${what}: Beckon ${ours}, C++ ${theirs}`);
    }
  }
}

function ruleLine({ id, shape, limit, other, priority }: KernelRule): string {
  const last =
    shape === 1
      ? TIERS[other]
      : shape === 2
        ? `store-${other % STORES}`
        : shape === 4
          ? (100 + other / 8).toFixed(3)
          : '-';
  return `${id} ${shape} ${limit} ${priority} ${last}\n`;
}
