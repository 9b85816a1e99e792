/** An explanation agrees with the program that it explains, and each of its parts with what the part's own text gives. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ExplainedExpression } from '../../../src/protocol/explanation.ts';
import { check } from '../../../src/rules/check.ts';
import { ExpressionExplainer } from '../../../src/rules/explain-expression.ts';
import { FrameEnvironment } from '../../../src/rules/frame-environment.ts';
import { parseExpression } from '../../../src/rules/parse.ts';
import type { Program } from '../../../src/rules/program.ts';
import { ScalarProgram } from '../../../src/rules/scalar-program.ts';
import { SegmentSet } from '../../../src/rules/segment-set.ts';
import { Prng } from '../../../src/stdx/prng.ts';
import { compile, oracle, segmentPrograms, worldsOf } from './evaluate.ts';
import { Expressions } from './expressions.ts';
import { Dictionary, EVENT, SCHEMA, type World } from './worlds.ts';

const environment = new FrameEnvironment({ schema: SCHEMA, event: EVENT });
const segments = new SegmentSet(segmentPrograms, SCHEMA);
const explainer = new ExpressionExplainer(SCHEMA, segmentPrograms, segments);

/** undefined: an error. Durations, lists and such are no programs of their own, and are told by their text's kind. */
function scalarValue(program: Program, world: World): unknown {
  const scalar = new ScalarProgram(program, segments);
  segments.begin(world.profile, world.nowMs);
  if (!scalar.evaluate(world.event, world.profile, world.nowMs)) return undefined;
  if (program.result === 'string') return scalar.text;
  return program.result === 'bool' ? scalar.number === 1 : scalar.number;
}

/** As an explanation writes it. An int that no double holds ends a program in an error and is told as text. */
function comparable(program: Program, { value, error }: ExplainedExpression): unknown {
  if (error !== null || (program.result === 'int' && typeof value === 'string')) return undefined;
  if (program.result === 'double' && typeof value === 'string') return Number(value);
  return value;
}

function everyPart(explained: ExplainedExpression): ExplainedExpression[] {
  return [explained, ...explained.parts.flatMap(everyPart)];
}

/** A macro over a field, nothing around it: its elements are counted by the library, which fails where an element's condition does. */
const MACRO = /^((?:event|profile)\.\w+)\.(?:all|exists|exists_one|filter)\(/;

const seeds = fc.integer({ min: 0, max: 2 ** 31 });

test('the root agrees with the program and each part with its text alone', () => {
  const seen = { roots: 0, parts: 0, errors: 0, loops: 0 };
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = new Prng(seed);
      const source = new Expressions(random).predicate(1 + random.below(4));
      const program = compile(source);
      if (program === null) return;
      const explanation = explainer.compile(program, EVENT);
      for (const world of worldsOf(random, new Dictionary(), 3)) {
        segments.begin(world.profile, world.nowMs);
        const explained = explanation.explain(world.event, world.profile, world.nowMs);
        seen.roots++;
        expect({ source, value: comparable(program, explained) }).toEqual({
          source,
          value: scalarValue(program, world),
        });
        for (const part of everyPart(explained)) {
          seen.parts++;
          expect(part.error === null || part.value === null).toBe(true);
          if (part.error !== null) {
            seen.errors++;
            expect(part.error).not.toBe('');
          }
          const alone = compile(part.text);
          if (alone === null) expect(isReadable(part.text), `${source}: ${part.text}`).toBe(true);
          else
            expect({ source, part: part.text, value: comparable(alone, part) }).toEqual({
              source,
              part: part.text,
              value: scalarValue(alone, world),
            });
          if (part.held !== null && MACRO.test(part.text)) {
            const count = oracle(`size(${part.text.replace(MACRO, '$1.filter(')})`)(world);
            if (count === undefined) continue;
            seen.loops++;
            expect({ source, part: part.text, count: BigInt(part.held.count) }).toEqual({
              source,
              part: part.text,
              count,
            });
          }
        }
      }
    }),
    { numRuns: 1500 },
  );
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(100);
});

/** A list, a duration and so on: an expression, although no program. */
function isReadable(text: string): boolean {
  const parsed = parseExpression(text);
  return 'expr' in parsed && check(text, parsed, environment).issues.length === 0;
}
