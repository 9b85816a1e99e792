/**
 * What trying all rules costs an event, by how many rules there are and how many shapes they have: from frames that are filled already to the indices of those
 * that hold. Rules are compiled once, outside of the measurement.
 */
import { strict as assert } from 'node:assert';
import { checkExpression } from '../../src/rules/check-expression.ts';
import { RuleSet } from '../../src/rules/rule-set.ts';
import { SegmentSet } from '../../src/rules/segment-set.ts';
import type { Bench, Suite } from '../suite.ts';
import { Codes, RECEIPT, RULE_KINDS, type RuleKind, ruleInputs, SCHEMA } from '../workload/rule-sets.ts';
import { type Case, runCases } from './cases.ts';

const COUNTS = [10, 100, 1000, 10_000];
/** Enough that branches cannot be learned by heart. */
const INPUTS = 4000;
const EVENTS_PER_CALL = 100;
const SEED = 1;

interface RulesCase extends Case {
  readonly kind: RuleKind;
  readonly rules: number;
}

export const suite: Suite = {
  name: 'rules',
  about: 'what trying 10 to 10,000 rules costs an event, by the forms they have',
  ratios: [],
  async run(bench) {
    const cases = RULE_KINDS.flatMap((kind) =>
      (bench.quick ? COUNTS.slice(0, 2) : COUNTS).map((rules) => {
        bench.progress(`${kind.name}, ${rules} rules`);
        return caseOf(kind, rules);
      }),
    );
    const rounds = await runCases(bench, cases, { timeMs: 50 });
    chart(bench, cases, (name) => rounds.spread(name).median);
    for (const { name, about } of RULE_KINDS) bench.note(`${name}: ${about}`);
    bench.note(
      'ns per event, all rules together. Frames are filled and strings hashed already: decoding and gathering the profile are not included; there are 4,000 of them, where the machine has one that stays in the cache. "equality" and "five shapes" are found by ' +
        'an index of stores (if their threshold lets them), "one shape" by one of items, "range" and "five shapes" by the order of their thresholds; "scan" by nothing: every rule is tried.',
    );
  },
};

function chart(bench: Bench, cases: readonly RulesCase[], nsOf: (name: string) => number): void {
  for (const kind of RULE_KINDS)
    bench.series({
      chart: 'rules',
      name: kind.name,
      xLabel: 'rules',
      yLabel: 'ns per event',
      logX: true,
      logY: true,
      points: cases.filter((one) => one.kind === kind).map(({ name, rules }) => ({ x: rules, y: nsOf(name) })),
    });
}

function caseOf(kind: RuleKind, rules: number): RulesCase {
  const programs = kind.sources(rules).map((source) => {
    const outcome = checkExpression(source, { schema: SCHEMA, event: RECEIPT }, ['bool']);
    assert('program' in outcome, `${source} is well-formed`);
    return outcome.program;
  });
  const codes = new Codes();
  const segments = new SegmentSet([], SCHEMA);
  const set = new RuleSet(programs, segments, codes.code);
  const inputs = ruleInputs(INPUTS, SEED, codes);
  const hits = new Int32Array(rules);
  let next = 0;
  let matches = 0;
  const run = (): void => {
    for (let i = 0; i < EVENTS_PER_CALL; i++) {
      const { event, profile } = inputs[next] as (typeof inputs)[number];
      next = next + 1 === INPUTS ? 0 : next + 1;
      segments.begin(profile, event.ts);
      matches += set.match(event, profile, event.ts, hits);
    }
  };
  for (let i = 0; i < INPUTS / EVENTS_PER_CALL; i++) run();
  return {
    name: `${kind.name}, ${rules} rules`,
    operations: EVENTS_PER_CALL,
    run,
    detail: `${set.shapeCount} shapes, ${set.indexedCount} rules in the index, ${(matches / INPUTS).toPrecision(2)} matches per event`,
    kind,
    rules,
  };
}
