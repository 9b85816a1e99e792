/** Suite: 1,000 rules per event, against libraries of rules. Every side must match what a plain predicate matches. */
import { strict as assert } from 'node:assert';
import { measureValues, type Side } from '../measure.ts';
import type { Bench, RatioKey, Suite } from '../suite.ts';
import {
  type BasketContext,
  type BasketRule,
  basketContexts,
  basketRules,
  expectedMatches,
  MatchCounter,
} from '../workload/rules.ts';
import { beckonRules } from './beckon-rules.ts';
import { bufbuildCel, jsonRulesEngine, type RuleEngine, zenExpressions, zenTable } from './rule-engines.ts';

const SEED = 7;

interface Contender {
  readonly name: string;
  readonly key: RatioKey | null;
  readonly detail: string;
  /** Of a turn, so that it takes a fair part of a second. */
  readonly events: number;
  prepare(rules: readonly BasketRule[]): RuleEngine | null;
}

const BECKON: Contender = {
  name: 'Beckon',
  key: null,
  detail: 'RuleSet over a frame that is filled for each event',
  events: 10_000,
  prepare: beckonRules,
};

const PEERS: readonly Contender[] = [
  {
    name: '@gorules/zen-engine',
    key: 'rules_vs_zen',
    detail: 'a decision table of 1,000 rows that collects, one event after another',
    events: 300,
    prepare: zenTable,
  },
  {
    name: '@gorules/zen-engine, expressions',
    key: null,
    detail: '1,000 expressions as one list',
    events: 100,
    prepare: zenExpressions,
  },
  {
    name: 'json-rules-engine',
    key: 'rules_vs_json_rules_engine',
    detail: '1,000 rules of three conditions with its own operators',
    events: 25,
    prepare: jsonRulesEngine,
  },
  {
    name: '@bufbuild/cel',
    key: null,
    detail: '1,000 plans of the same CEL that Beckon compiles',
    events: 100,
    prepare: bufbuildCel,
  },
];

function sideOf(
  { name }: Contender,
  engine: RuleEngine,
  eventsPerTurn: number,
  rules: readonly BasketRule[],
  contexts: readonly BasketContext[],
): Side {
  let next = 0;
  return {
    name,
    run: async () => {
      const first = next;
      next = (first + eventsPerTurn) % contexts.length;
      const counter = new MatchCounter();
      let context = first;
      const hit = (rule: number): void => counter.add(context, rule);
      const begin = performance.now();
      for (let i = 0; i < eventsPerTurn; i++) {
        context = (first + i) % contexts.length;
        const matching = engine.match(contexts[context] as BasketContext, hit);
        if (matching !== undefined) await matching;
      }
      const elapsedMs = performance.now() - begin;
      assert.deepEqual(
        counter.totals(),
        expectedMatches(rules, contexts, first, eventsPerTurn),
        `${name} matches what the predicate says`,
      );
      return (elapsedMs * 1e6) / (eventsPerTurn * rules.length);
    },
  };
}

async function run(bench: Bench): Promise<void> {
  const rules = basketRules(bench.quick ? 50 : 1000, SEED);
  const contexts = basketContexts(bench.quick ? 200 : 10_000, SEED + 1);
  const present: Contender[] = [];
  const sides: Side[] = [];
  for (const contender of [BECKON, ...PEERS]) {
    bench.progress(`preparing ${contender.name}`);
    const engine = contender.prepare(rules);
    if (engine === null) {
      bench.skip(contender.key ?? contender.name, 'not installed: npm install in native-bench');
      continue;
    }
    present.push(contender);
    sides.push(sideOf(contender, engine, bench.quick ? 10 : contender.events, rules, contexts));
  }
  const rounds = await measureValues(sides, {
    rounds: bench.quick ? 1 : 7,
    onRound: (round) => bench.progress(`round ${round}`),
  });
  for (const { name, detail } of present)
    bench.measurement({ name, unit: 'ns/evaluation', ...rounds.spread(name), detail });
  for (const { name, key } of present.slice(1))
    bench.ratio({
      key,
      name: `rules vs ${name}`,
      ...rounds.ratio(name, BECKON.name),
      detail: `ns per rule and event of ${name} ÷ Beckon's`,
    });
  bench.note(
    `${rules.length} rules on ${contexts.length} events: event.amount > c && profile.tier in [..] && event.items.exists(i, i.sku == s). ` +
      'The same matches on every side, told one by one. Decoding is left out: the libraries get objects, Beckon a frame, whose filling counts. ' +
      "zen-engine and json-rules-engine answer asynchronously; zen's work is on another thread, which nothing else waits for.",
  );
}

export const suite: Suite = {
  name: 'peers-rules',
  about: 'ns per rule and event against zen-engine, json-rules-engine and @bufbuild/cel',
  ratios: ['rules_vs_zen', 'rules_vs_json_rules_engine'],
  run,
};
