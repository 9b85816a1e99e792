/** Rule libraries behind one small interface, each used as its documentation and its benchmarks advise. */
import { celEnv, parse, plan } from '@bufbuild/cel';
import type { BasketContext, BasketRule } from '../workload/rules.ts';
import { celOf } from '../workload/rules.ts';
import { loadPeerPackage } from './packages.ts';

/** Rules, prepared. `match` calls `hit` with the number of every rule that holds. */
export interface RuleEngine {
  match(context: BasketContext, hit: (rule: number) => void): void | Promise<void>;
}

/** @bufbuild/cel: an expression is parsed and planned once. */
export function bufbuildCel(rules: readonly BasketRule[]): RuleEngine {
  const environment = celEnv();
  const plans = rules.map(
    (rule) => plan(environment, parse(celOf(rule))) as (bindings: Record<string, unknown>) => unknown,
  );
  return {
    match: (context, hit) => {
      const bindings = context as unknown as Record<string, unknown>;
      for (let i = 0; i < plans.length; i++) if ((plans[i] as (typeof plans)[number])(bindings) === true) hit(i);
    },
  };
}

interface Zen {
  readonly ZenEngine: new () => {
    createDecision(content: object): { evaluate(context: unknown): Promise<{ result: unknown }>; validate(): void };
  };
}

type ZenNode = Readonly<Record<string, unknown>> & { readonly id: string };

/** One decision: input → the node → output. */
function zenDecision(zen: Zen, node: ZenNode): { evaluate(context: unknown): Promise<{ result: unknown }> } {
  const place = { position: { x: 0, y: 0 } };
  const edge = (sourceId: string, targetId: string): object => ({
    id: `${sourceId}-${targetId}`,
    type: 'edge',
    sourceId,
    targetId,
  });
  const decision = new zen.ZenEngine().createDecision({
    nodes: [
      { id: 'input', name: 'input', type: 'inputNode', ...place },
      { ...node, name: node.id, ...place },
      { id: 'output', name: 'output', type: 'outputNode', ...place },
    ],
    edges: [edge('input', node.id), edge(node.id, 'output')],
  });
  decision.validate();
  return decision;
}

const quoted = (text: string): string => `"${text}"`;

/** @gorules/zen-engine, a decision table that collects: a row per rule. Its fastest form by far. */
export function zenTable(rules: readonly BasketRule[]): RuleEngine | null {
  const zen = loadPeerPackage('@gorules/zen-engine') as Zen | null;
  if (zen === null) return null;
  const decision = zenDecision(zen, {
    id: 'table',
    type: 'decisionTableNode',
    content: {
      hitPolicy: 'collect',
      inputs: [
        { id: 'amount', name: 'amount', type: 'expression', field: 'event.amount' },
        { id: 'tier', name: 'tier', type: 'expression', field: 'profile.tier' },
        { id: 'skus', name: 'skus', type: 'expression', field: 'map(event.items, #.sku)' },
      ],
      outputs: [{ id: 'rule', name: 'rule', type: 'expression', field: 'rule' }],
      rules: rules.map(({ amountAbove, tiers, sku }, i) => ({
        _id: `row-${i}`,
        amount: `> ${amountAbove.toFixed(3)}`,
        tier: tiers.map(quoted).join(', '),
        skus: `some($, # == ${quoted(sku)})`,
        rule: String(i),
      })),
    },
  });
  return {
    match: async (context, hit) => {
      const { result } = await decision.evaluate(context);
      for (const { rule } of result as readonly { readonly rule: number }[]) hit(rule);
    },
  };
}

/** @gorules/zen-engine, an expression per rule in one node. */
export function zenExpressions(rules: readonly BasketRule[]): RuleEngine | null {
  const zen = loadPeerPackage('@gorules/zen-engine') as Zen | null;
  if (zen === null) return null;
  // One list as the result: a property for every rule costs it more than the rules.
  const tests = rules.map(
    ({ amountAbove, tiers, sku }) =>
      `event.amount > ${amountAbove.toFixed(3)} and profile.tier in [${tiers.map(quoted).join(', ')}] and some(event.items, #.sku == ${quoted(sku)})`,
  );
  const decision = zenDecision(zen, {
    id: 'expressions',
    type: 'expressionNode',
    content: { expressions: [{ id: 'holds', key: 'holds', value: `[${tests.join(', ')}]` }] },
  });
  return {
    match: async (context, hit) => {
      const { holds } = (await decision.evaluate(context)).result as { readonly holds: readonly boolean[] };
      for (let i = 0; i < holds.length; i++) if (holds[i] === true) hit(i);
    },
  };
}

interface JsonRulesEngine {
  readonly Engine: new () => {
    addRule(rule: object): void;
    run(facts: object): Promise<{ readonly events: readonly { readonly type: string }[] }>;
  };
}

/** json-rules-engine: facts are computed once per event, its own operators. Priorities among conditions, which would stop early, cost more than they save. */
export function jsonRulesEngine(rules: readonly BasketRule[]): RuleEngine | null {
  const library = loadPeerPackage('json-rules-engine') as JsonRulesEngine | null;
  if (library === null) return null;
  const engine = new library.Engine();
  rules.forEach(({ amountAbove, tiers, sku }, i) => {
    engine.addRule({
      conditions: {
        all: [
          { fact: 'amount', operator: 'greaterThan', value: amountAbove },
          { fact: 'tier', operator: 'in', value: tiers },
          { fact: 'skus', operator: 'contains', value: sku },
        ],
      },
      event: { type: String(i) },
    });
  });
  return {
    match: async ({ event, profile }, hit) => {
      const skus = event.items.map((item) => item.sku);
      const { events } = await engine.run({ amount: event.amount, tier: profile.tier, skus });
      for (const { type } of events) hit(Number(type));
    },
  };
}
