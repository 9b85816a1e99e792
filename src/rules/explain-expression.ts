/**
 * An expression and its parts, each with what it came to, for people: made again from the text of a Program, evaluated by the code that the Program itself would be compiled to, one function
 * for each part. So the root agrees with the Program, and a part with what its text gives alone. Slow: for replays that explain, not for events that come.
 *
 *   const explainer = new ExpressionExplainer(schema, programs of the segments, the SegmentSet of these programs);
 *   const explanation = explainer.compile(program, event, trigger);      // once; the environment that the Program was checked in
 *   gather(explanation.profileSlots) → profile; segments.begin(profile, nowMs);      // as for a ScalarProgram
 *   explanation.explain(frame, profile, nowMs);      // frame: the event's, the pair's of two events, null of the profile only
 */
import type { ExplainedExpression } from '../protocol/explanation.ts';
import type { EventFrame, ProfileFrame } from '../protocol/frame.ts';
import type { EventSchema, Schema } from '../protocol/schema.ts';
import { assert } from '../stdx/assert.ts';
import { check } from './check.ts';
import { explainFailure } from './explain-failure.ts';
import { partsOf } from './explain-parts.ts';
import { ExpressionText } from './explain-text.ts';
import { counted, explainValue } from './explain-value.ts';
import { FrameEnvironment } from './frame-environment.ts';
import { type BoxedFunction, boxedFunction } from './generate-function.ts';
import type { Ir } from './ir.ts';
import { lower } from './lower.ts';
import { box } from './lower-values.ts';
import { parseExpression } from './parse.ts';
import type { Program } from './program.ts';
import { reachedSlots, type SegmentSet } from './segment-set.ts';
import { liftConstants, vectorsOf } from './shapes.ts';
import type { Typed } from './typed.ts';
import { INT, typeName } from './types.ts';

/** One compiled part. */
interface Part {
  readonly typed: Typed;
  readonly text: string;
  readonly value: BoxedFunction;
  /** Its value is the length of a list whose elements are no values themselves. */
  readonly isLength: boolean;
  /** Of a loop with a condition. */
  readonly held: { readonly of: BoxedFunction; readonly count: BoxedFunction } | null;
  readonly parts: readonly Part[];
  /** Of a segment; -1: it is none. */
  readonly segment: number;
}

/** What all parts of one evaluation read. */
interface Moment {
  readonly event: EventFrame | null;
  readonly profile: ProfileFrame;
  readonly nowMs: number;
}

export class ExpressionExplainer {
  readonly #schema: Schema;
  readonly #programs: readonly Program[];
  readonly #segments: SegmentSet;
  /** By index; compiled when an expression first names them. */
  readonly #explained: (ExpressionExplanation | undefined)[] = [];
  /** By types of the two events. */
  readonly #environments = new Map<string, FrameEnvironment>();

  constructor(schema: Schema, programs: readonly Program[], segments: SegmentSet) {
    this.#schema = schema;
    this.#programs = programs;
    this.#segments = segments;
  }

  /** `trigger` as in RuleScope: undefined where both names mean the one event. */
  compile(program: Program, event: EventSchema | null, trigger?: EventSchema | null): ExpressionExplanation {
    const environment = this.#environment(event, trigger);
    const parsed = parseExpression(program.source);
    assert('expr' in parsed, 'the text of a program can be read');
    const { typed, issues } = check(program.source, parsed, environment);
    assert(issues.length === 0, 'a program is explained in the environment that it was checked in');
    const text = new ExpressionText(program.source, typed);
    const root = compilePart(typed, text, environment);
    return new ExpressionExplanation(root, reachedSlots([program], this.#segments), this.#segments, (index) =>
      this.#segment(index),
    );
  }

  #segment(index: number): ExpressionExplanation {
    const program = this.#programs[index];
    assert(program !== undefined, 'segment of the schema');
    const explained = this.#explained[index] ?? this.compile(program, null);
    this.#explained[index] = explained;
    return explained;
  }

  #environment(event: EventSchema | null, trigger: EventSchema | null | undefined): FrameEnvironment {
    const key = `${event?.index} ${trigger === null ? 'none' : trigger?.index}`;
    const environment = this.#environments.get(key) ?? new FrameEnvironment({ schema: this.#schema, event, trigger });
    this.#environments.set(key, environment);
    return environment;
  }
}

export class ExpressionExplanation {
  /** Slots of the profile that must be gathered first, those of segments included. */
  readonly profileSlots: Int32Array;
  readonly #root: Part;
  readonly #segments: SegmentSet;
  readonly #segment: (index: number) => ExpressionExplanation;

  constructor(
    root: Part,
    profileSlots: Int32Array,
    segments: SegmentSet,
    segment: (index: number) => ExpressionExplanation,
  ) {
    this.#root = root;
    this.profileSlots = profileSlots;
    this.#segments = segments;
    this.#segment = segment;
  }

  /** The whole of it, as it is written but on one line. */
  get text(): string {
    return this.#root.text;
  }

  /** The SegmentSet must have begun with this profile and time. */
  explain(event: EventFrame | null, profile: ProfileFrame, nowMs: number): ExplainedExpression {
    return this.#explain(this.#root, { event, profile, nowMs });
  }

  #explain(part: Part, moment: Moment): ExplainedExpression {
    const value = this.#run(part.value, moment);
    const told = new Map(part.parts.map((inner) => [inner.typed, this.#explain(inner, moment)]));
    if (part.segment >= 0)
      told.set(part.typed, this.#segment(part.segment).explain(null, moment.profile, moment.nowMs));
    return {
      text: part.text,
      kind: kindOf(part.typed),
      type: typeName(part.typed.type),
      value: value === undefined ? null : part.isLength ? counted(Number(value), 'item', 'items') : explainValue(value),
      error: value === undefined ? explainFailure(part.typed, part.text, told) : null,
      held: this.#held(part, moment),
      parts: [...told.values()],
    };
  }

  #held({ held }: Part, moment: Moment): ExplainedExpression['held'] {
    if (held === null) return null;
    const [of, count] = [this.#run(held.of, moment), this.#run(held.count, moment)];
    return of === undefined || count === undefined ? null : { of: Number(of), count: Number(count) };
  }

  #run(run: BoxedFunction, { event, profile, nowMs }: Moment): ReturnType<BoxedFunction> {
    return run(event, profile, nowMs, this.#segments);
  }
}

function kindOf(typed: Typed): ExplainedExpression['kind'] {
  switch (typed.node) {
    case 'and':
    case 'or':
    case 'not':
    case 'if':
    case 'loop':
      return typed.node;
    case 'read':
      return typed.binding.read.op === 'segment' ? 'segment' : 'field';
    case 'has':
    case 'hasField':
    case 'field':
      return 'field';
    default:
      return 'call';
  }
}

function compilePart(typed: Typed, text: ExpressionText, environment: FrameEnvironment): Part {
  const isLength = typed.type.kind === 'list' && typed.type.element.kind === 'object';
  const parts = partsOf(typed).map((part) => compilePart(part, text, environment));
  return {
    typed,
    text: text.of(typed),
    value: compileBoxed(lower(isLength ? sizeOf(typed) : typed, environment)),
    isLength,
    held: compileHeld(typed, environment),
    parts: typed.node === 'if' ? parts : onceEach(parts),
    segment: typed.node === 'read' && typed.binding.read.op === 'segment' ? typed.binding.read.index : -1,
  };
}

/** A field that an expression reads twice is told once. Branches stay as they are: which of them was taken is known by its place. */
function onceEach(parts: readonly Part[]): readonly Part[] {
  const seen = new Set<string>();
  return parts.filter(({ text }) => {
    const first = !seen.has(text);
    seen.add(text);
    return first;
  });
}

function compileHeld(typed: Typed, environment: FrameEnvironment): Part['held'] {
  if (typed.node !== 'loop' || typed.predicate === null) return null;
  const loop = lower(typed, environment);
  assert(loop.op === 'loop', 'a macro is a loop');
  return {
    of: compileBoxed(lower(sizeOf(typed.range), environment)),
    count: compileBoxed({ ...loop, kind: 'held', transform: null, rep: 'int' }),
  };
}

function sizeOf(operand: Typed): Typed {
  return { node: 'size', type: INT, operand, offset: operand.offset };
}

function compileBoxed(ir: Ir): BoxedFunction {
  const { shape, constants } = liftConstants(box(ir), null);
  return boxedFunction(shape, vectorsOf(shape.kinds, [constants]));
}
