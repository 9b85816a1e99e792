/** The compiler against the library's own evaluator, over random expressions and random events and profiles; and sets of rules against each rule alone. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RuleSet } from '../../../src/rules/rule-set.ts';
import { ScalarProgram } from '../../../src/rules/scalar-program.ts';
import { SegmentSet } from '../../../src/rules/segment-set.ts';
import { Prng } from '../../../src/stdx/prng.ts';
import { compile, matches, oracle, segmentPrograms, worldsOf } from './evaluate.ts';
import { Expressions } from './expressions.ts';
import { Dictionary, SCHEMA } from './worlds.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 });

describe('random expressions', () => {
  test('predicates are true, false and errors where the library says so', () => {
    const outcomes = { true: 0, false: 0, error: 0, refused: 0 };
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new Prng(seed);
        const source = new Expressions(random).predicate(1 + random.below(4));
        const program = compile(source);
        if (program === null) {
          outcomes.refused++;
          return;
        }
        const dictionary = new Dictionary();
        const segments = new SegmentSet(segmentPrograms, SCHEMA);
        const rules = new RuleSet([program], segments, dictionary.code);
        const scalar = new ScalarProgram(program, segments);
        const evaluate = oracle(source);
        for (const world of worldsOf(random, dictionary, 4)) {
          const wanted = evaluate(world);
          outcomes[wanted === undefined ? 'error' : wanted === true ? 'true' : 'false']++;
          const { hits, errors } = matches(rules, segments, world, 1);
          expect({ source, matched: hits.length === 1, failed: errors[0] === 1 }).toEqual({
            source,
            matched: wanted === true,
            failed: wanted === undefined,
          });
          segments.begin(world.profile, world.nowMs);
          const done = scalar.evaluate(world.event, world.profile, world.nowMs);
          expect({ source, value: done ? scalar.number === 1 : undefined }).toEqual({ source, value: wanted });
        }
      }),
      { numRuns: 1500 },
    );
    // The generator must not lose itself in refusals or in one outcome.
    expect(outcomes.refused).toBeLessThan(300);
    expect(Math.min(outcomes.true, outcomes.false, outcomes.error)).toBeGreaterThan(400);
  });

  test('values are the same numbers and texts', () => {
    let compared = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new Prng(seed);
        const type = random.pick(['int', 'double', 'string'] as const);
        const source = new Expressions(random).value(type, 1 + random.below(4));
        const program = compile(source);
        if (program === null) return;
        const segments = new SegmentSet(segmentPrograms, SCHEMA);
        const scalar = new ScalarProgram(program, segments);
        const evaluate = oracle(source);
        for (const world of worldsOf(random, new Dictionary(), 3)) {
          let wanted = evaluate(world);
          // An int that no frame can hold is an error of the program.
          if (typeof wanted === 'bigint')
            wanted = wanted >= -9007199254740991n && wanted <= 9007199254740991n ? Number(wanted) : undefined;
          segments.begin(world.profile, world.nowMs);
          const done = scalar.evaluate(world.event, world.profile, world.nowMs);
          const got = done ? (type === 'string' ? scalar.text : scalar.number) : undefined;
          expect({ source, value: got }).toEqual({ source, value: wanted });
          if (wanted !== undefined) compared++;
        }
      }),
      { numRuns: 1000 },
    );
    expect(compared).toBeGreaterThan(500);
  });
});

describe('sets of rules', () => {
  test('grouped and indexed rules match as each of them does alone', () => {
    const seen = { hits: 0, indexed: 0, shared: 0 };
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new Prng(seed);
        const generator = new Expressions(random);
        const programs = Array.from({ length: 40 }, () => compile(generator.rule())).filter(
          (program) => program !== null,
        );
        const dictionary = new Dictionary();
        const segments = new SegmentSet(segmentPrograms, SCHEMA);
        const together = new RuleSet(programs, segments, dictionary.code);
        const alone = programs.map((program) => new RuleSet([program], segments, dictionary.code));
        seen.indexed += together.indexedCount;
        seen.shared += programs.length - together.shapeCount;
        for (const world of worldsOf(random, dictionary, 6)) {
          const each = alone.map((rule) => matches(rule, segments, world, 1));
          const wanted = each.flatMap(({ hits }, i) => (hits.length === 1 ? [i] : []));
          const { hits, errors } = matches(together, segments, world, programs.length);
          expect(hits, programs.map((program, i) => `${i}: ${program.source}`).join('\n')).toEqual(wanted);
          // What the index leaves out is not evaluated: it may not err, and nothing else may.
          errors.forEach((count, i) => {
            expect(count).toBeLessThanOrEqual(each[i]?.errors[0] as number);
          });
          seen.hits += hits.length;
        }
      }),
      { numRuns: 60 },
    );
    // 268 on average, with a standard deviation of 13.
    expect(Math.min(seen.hits, seen.indexed, seen.shared)).toBeGreaterThan(100);
  });
});
