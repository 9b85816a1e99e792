/** Rules compiled and evaluated as the machine does, and by the library's own evaluator. */
import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { checkExpression } from '../../../src/rules/check-expression.ts';
import type { Program } from '../../../src/rules/program.ts';
import type { RuleSet } from '../../../src/rules/rule-set.ts';
import type { SegmentSet } from '../../../src/rules/segment-set.ts';
import { ReadableFrames } from '../../../src/rules/verify-reads.ts';
import type { Prng } from '../../../src/stdx/prng.ts';
import { type Dictionary, drawWorld, EVENT, SCHEMA, SEGMENT_SOURCES, type World } from './worlds.ts';

// The library's accessors of timestamps go through the local calendar.
process.env['TZ'] = 'UTC';

const SCOPE = { schema: SCHEMA, event: EVENT };
const environment = celEnv();
const frames = new ReadableFrames(SCHEMA, EVENT);

/** null: it is refused. Whatever is compiled passes the check of what comes in records. */
export function compile(source: string): Program | null {
  const outcome = checkExpression(source, SCOPE, ['bool', 'int', 'double', 'string']);
  if ('issues' in outcome) return null;
  frames.verify(outcome.program);
  return outcome.program;
}

export const segmentPrograms = SEGMENT_SOURCES.map((source) => compile(source) as Program);

export type Oracle = (world: World) => unknown;

/** The library's answer; undefined for an error. */
export function oracle(source: string): Oracle {
  const run = plan(environment, parse(source)) as (bindings: Record<string, unknown>) => unknown;
  return ({ bindings }) => {
    const value = run(bindings);
    return isCelError(value) ? undefined : value;
  };
}

const segmentOracles = SEGMENT_SOURCES.map(oracle);

/** A segment that ends in an error is absent for the library. */
export function bindSegments(world: World): World {
  const segment: Record<string, unknown> = {};
  const bound = { ...world, bindings: { ...world.bindings, segment } };
  segmentOracles.forEach((evaluate, i) => {
    const value = evaluate(bound);
    if (value !== undefined) segment[SCHEMA.segments[i] as string] = value;
  });
  return bound;
}

export function worldsOf(random: Prng, dictionary: Dictionary, count: number): World[] {
  return Array.from({ length: count }, () => bindSegments(drawWorld(random, dictionary)));
}

/** Indices of the rules that hold, and the count of errors of each. */
export function matches(
  rules: RuleSet,
  segments: SegmentSet,
  world: World,
  count: number,
): { hits: number[]; errors: number[] } {
  const hits = new Int32Array(count);
  segments.begin(world.profile, world.nowMs);
  const found = rules.match(world.event, world.profile, world.nowMs, hits);
  const errors = [...rules.errors];
  rules.errors.fill(0);
  return { hits: [...hits.subarray(0, found)], errors };
}
