/**
 * The native ceiling: what the machine's kernel costs in C++, and how near Beckon comes. Both sides read the same messages, know the same customers, keep the
 * same windows, try the same rules and make the same decisions; a round in which they differ is a failure of the suite.
 */
import { ratioSpread, spreadOf } from '../measure.ts';
import type { Bench, RatioKey, Spread, Suite } from '../suite.ts';
import { kernelRules, type PayloadForm } from '../workload/kernel.ts';
import type { Taken } from './beckon-kernel.ts';
import { COMPILED_WITH, CppProgram, NoCompilerError } from './cpp-program.ts';
import { KernelRounds, type Round, type StepTimes } from './kernel-rounds.ts';

/** One comparison: so many rules, messages in one form. */
interface Part {
  readonly rules: number;
  readonly form: PayloadForm;
  readonly rounds: number;
  readonly key: RatioKey | null;
}

interface Size {
  readonly customers: number;
  readonly eventsPerRound: number;
  /** Rounds before the first part that are not counted: code gets compiled. */
  readonly warmUps: number;
  readonly parts: readonly Part[];
  readonly stepRounds: number;
}

const PARTS: readonly Part[] = [
  { rules: 100, form: 'messagepack', rounds: 9, key: 'kernel_vs_cpp' },
  { rules: 1000, form: 'messagepack', rounds: 5, key: null },
  { rules: 100, form: 'records', rounds: 5, key: null },
  { rules: 100, form: 'json', rounds: 5, key: null },
];

const FULL: Size = { customers: 1_000_000, eventsPerRound: 200_000, warmUps: 3, parts: PARTS, stepRounds: 3 };
const QUICK: Size = {
  customers: 2_000,
  eventsPerRound: 5_000,
  warmUps: 1,
  parts: PARTS.map((part) => ({ ...part, rounds: 1 })),
  stepRounds: 1,
};

const FORM_NAMES: Readonly<Record<PayloadForm, string>> = {
  messagepack: 'MessagePack',
  records: 'MessagePack with records',
  json: 'JSON',
};

export const suite: Suite = {
  name: 'ceiling',
  about: "the machine's kernel beside a C++ program that does the same work",
  ratios: ['kernel_vs_cpp'],
  async run(bench) {
    try {
      const cpp = await CppProgram.start('kernel', bench.folder);
      try {
        await compare(bench, cpp, bench.quick ? QUICK : FULL);
      } finally {
        await cpp.close();
      }
    } catch (error) {
      if (!(error instanceof NoCompilerError)) throw error;
      bench.skip('the kernel in C++', error.message);
    }
  },
};

async function compare(bench: Bench, cpp: CppProgram, size: Size): Promise<void> {
  bench.progress(`making ${size.customers.toLocaleString('en')} customers known`);
  let rules = (size.parts[0] as Part).rules;
  const rounds = new KernelRounds(cpp, bench.folder, size.customers, size.eventsPerRound);
  await rounds.open(kernelRules(rules));
  for (let i = 0; i < size.warmUps; i++) await rounds.round('messagepack');
  for (const part of size.parts) {
    if (part.rules !== rules) await rounds.publish(kernelRules(part.rules));
    rules = part.rules;
    // A new version's functions, or a form not seen before, get one round to be compiled.
    if (part !== size.parts[0]) await rounds.round(part.form);
    const done: Round[] = [];
    for (let i = 0; i < part.rounds; i++) {
      bench.progress(`${part.rules} rules, ${FORM_NAMES[part.form]}: round ${i + 1} of ${part.rounds}`);
      done.push(await rounds.round(part.form));
    }
    report(bench, size, part, done);
  }
  const steps: StepTimes[] = [];
  for (let i = 0; i < size.stepRounds; i++) steps.push(await rounds.steps());
  reportSteps(bench, steps, rules);
  for (const note of NOTES) bench.note(note);
}

function report(bench: Bench, size: Size, part: Part, done: readonly Round[]): void {
  const what = `${part.rules.toLocaleString('en')} rules, ${FORM_NAMES[part.form]}`;
  const sizes = `${size.customers.toLocaleString('en')} customers, rounds of ${size.eventsPerRound.toLocaleString('en')} events`;
  const rates = (side: keyof Round, clock: keyof Taken = 'wallNs'): number[] =>
    done.map((round) => (size.eventsPerRound * 1e9) / round[side][clock]);
  bench.measurement({ name: `Beckon, ${what}`, unit: 'events/s', ...spreadOf(rates('beckon')), detail: sizes });
  bench.measurement({
    name: `C++ beside it, ${part.rules.toLocaleString('en')} rules, MessagePack`,
    unit: 'events/s',
    ...spreadOf(rates('cpp')),
    detail: COMPILED_WITH,
  });
  bench.ratio({
    key: part.key,
    name: `kernel against C++, ${what}`,
    ...ratioSpread(rates('beckon'), rates('cpp')),
    detail: `events/s of Machine.apply ÷ events/s of kernel.cpp${part.form === 'messagepack' ? '' : ' (which reads MessagePack)'}`,
  });
  bench.ratio({
    key: null,
    name: `the same by CPU time, ${what}`,
    ...ratioSpread(rates('beckon', 'cpuNs'), rates('cpp', 'cpuNs')),
    detail: 'events per second of CPU time, Beckon with all its threads: what a busy machine disturbs less',
  });
}

function reportSteps(bench: Bench, steps: readonly StepTimes[], rules: number): void {
  const of = (step: keyof StepTimes): Spread => spreadOf(steps.map((times) => times[step]));
  const told: [keyof StepTimes, string, string][] = [
    ['decode', 'C++ to decoding', 'reads every field, checks types and UTF-8, hashes the customer and the id'],
    ['find', 'C++ to finding', 'and looks up the id among the last million, and the customer'],
    ['count', 'C++ to counting', 'and remembers the id, updates and reads both windows'],
    ['apply', 'C++, all steps', `and tries ${rules} rules and decides`],
    ['plain', 'C++, all steps, event by event', 'the same without chunks and prefetching'],
  ];
  for (const [step, name, detail] of told)
    bench.measurement({ name, unit: 'ns', ...of(step), detail: `${detail}; CPU time per event` });
}

const NOTES = [
  'Equal on both sides, and checked after every round: the messages (batches of 50 events), accepted, repeated and rejected events, every decision in order, each rule’s counts of matched, decided and suppressed, and the aggregates of 1,000 customers to the bit.',
  'Beckon does more: it makes each decision’s JSON and id, fills what the log and telemetry read, sweeps expired windows, keeps contacts with campaign, channel and offer, and stays ready for snapshots, other workspaces, other event types, records and RFC 3339 dates.',
  'The C++ program knows its five fields, five shapes and two aggregates when it is compiled, keeps both aggregates in one list of buckets inside a cache line per customer, and works through a message step by step with prefetching, in pages of 2 MiB where the system grants them (without them it takes a quarter longer; JavaScript cannot ask for them). Both reach rules that ask for a store through an index, and try the others in the order of their limits.',
] as const;
