/** Sets of many rules of few forms: hits and errors of each rule are those of the library's evaluator, however the set shares their work. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EventFrame, growListColumn } from '../../../src/protocol/frame.ts';
import { demandsOf } from '../../../src/rules/rule-demands.ts';
import { chooseDemands } from '../../../src/rules/rule-index.ts';
import { RuleSet } from '../../../src/rules/rule-set.ts';
import { SegmentSet } from '../../../src/rules/segment-set.ts';
import { Prng } from '../../../src/stdx/prng.ts';
import { bindSegments, compile, matches, oracle, segmentPrograms } from './evaluate.ts';
import { RuleFamilies } from './rule-families.ts';
import { Dictionary, drawWorld, EVENT, SCHEMA, TEXTS, type World } from './worlds.ts';

type Bound = Record<string, unknown>;

/** Some worlds with what decoders and aggregates give rarely: no number, infinite ones, a list of hundreds. */
function drawOdd(random: Prng, dictionary: Dictionary): World {
  const world = drawWorld(random, dictionary);
  const event = world.bindings['event'] as Bound;
  const profile = world.bindings['profile'] as Bound;
  if (random.below(4) === 0 && world.event.present[0] === 1)
    event['total'] = world.event.number[0] = random.pick([Number.NaN, Number.POSITIVE_INFINITY, -0]);
  if (random.below(6) === 0)
    profile['spend'] = world.profile.number[5] = random.pick([Number.NaN, Number.NEGATIVE_INFINITY]);
  if (random.below(5) === 0) event['items'] = longList(random, world.event);
  return bindSegments(world);
}

function longList(random: Prng, event: EventFrame): Bound[] {
  const list = event.lists[0] as EventFrame['lists'][number];
  event.listPresent[0] = 1;
  list.length = 300;
  const [, , ...others] = EVENT.lists[0]?.columns ?? [];
  return Array.from({ length: list.length }, (_, i) => {
    const item: Bound = {};
    const put = (column: number, name: string, value: string | number): void => {
      const into = list.columns[column] as (typeof list.columns)[number];
      growListColumn(into, i);
      into.present[i] = random.below(100) === 0 ? 0 : 1;
      if (typeof value === 'string') into.text[i] = value;
      else into.number[i] = value;
      if (into.present[i] === 1) item[name] = typeof value === 'string' ? value : BigInt(value);
    };
    put(0, 'sku', random.below(3) === 0 ? random.pick(TEXTS) : `other ${i}`);
    put(1, 'qty', random.below(12));
    for (const { column } of others) {
      const into = list.columns[column] as (typeof list.columns)[number];
      growListColumn(into, i);
      into.present[i] = 0;
    }
    return item;
  });
}

describe('families of rules', () => {
  test('hits and errors of each rule are those that it has alone', () => {
    const seen = { hits: 0, errors: 0, indexed: 0, shared: 0 };
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const random = new Prng(seed);
        const families = new RuleFamilies(random, 1 + random.below(5));
        const programs = Array.from({ length: 20 + random.below(100) }, () => compile(families.rule())).filter(
          (program) => program !== null,
        );
        const oracles = programs.map(({ source }) => oracle(source));
        const indexed = chooseDemands(programs.map(({ ir }) => demandsOf(ir)));
        const dictionary = new Dictionary();
        const segments = new SegmentSet(segmentPrograms, SCHEMA);
        const rules = new RuleSet(programs, segments, dictionary.code);
        seen.indexed += rules.indexedCount;
        seen.shared += programs.length - rules.shapeCount;
        for (let i = 0; i < 8; i++) {
          const world = drawOdd(random, dictionary);
          const wanted = oracles.map((evaluate) => evaluate(world));
          const { hits, errors } = matches(rules, segments, world, programs.length);
          const label = `seed ${seed}\n${programs.map(({ source }, n) => `${n}: ${source}`).join('\n')}`;
          expect(hits, label).toEqual(wanted.flatMap((value, n) => (value === true ? [n] : [])));
          wanted.forEach((value, n) => {
            const failed = value === undefined ? 1 : 0;
            // What the index leaves out is not evaluated and counts no error.
            if (indexed.has(n)) expect(errors[n], label).toBeLessThanOrEqual(failed);
            else expect({ n, errors: errors[n] }, label).toEqual({ n, errors: failed });
            seen.errors += errors[n] as number;
          });
          seen.hits += hits.length;
        }
      }),
      { numRuns: 120 },
    );
    expect(Math.min(seen.hits, seen.errors, seen.indexed, seen.shared)).toBeGreaterThan(500);
  });
});
