/**
 * Liquid as templates may use it: liquidjs for parsing and control flow, with the tags below and the filters of liquid-filters.ts and nothing else; no files, clock, locale or
 * random numbers. Work is bounded by counting. (liquidjs looks at the clock for a time limit; there is none set here, so what it sees changes nothing.)
 */
import {
  CaptureTag,
  Context,
  type Emitter,
  type FilterImplOptions,
  ForTag,
  Liquid,
  type Parser,
  type TagToken,
  type Template,
  type TopLevelToken,
  toValueSync,
} from 'liquidjs';
import { MESSAGE_WORK_MAX } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { LIQUID_FILTERS, type LiquidFilter } from './liquid-filters.ts';
import { RenderFault, toText, WorkMeter } from './liquid-values.ts';

/** Tags that open or stand alone; what belongs inside them (else, when, endif …) comes with them. */
export const LIQUID_TAGS: ReadonlySet<string> = new Set([
  'assign',
  'break',
  'capture',
  'case',
  'comment',
  'continue',
  'for',
  'if',
  'raw',
  'unless',
  '#',
]);

/** Work of rendering one node of a template, in units of WorkMeter. It takes about 3 µs. */
const NODE_WORK = 16;

/** The rendering of one message field. */
class MeteredContext extends Context {
  readonly meter = new WorkMeter();
}

function meterOf(context: Context): WorkMeter {
  assert(context instanceof MeteredContext, 'templates are rendered by renderLiquid alone');
  return context.meter;
}

/** Collects text within a bound. */
class BoundedEmitter implements Emitter {
  buffer = '';
  readonly #meter: WorkMeter;
  readonly #lengthMax: number;

  constructor(meter: WorkMeter, lengthMax: number) {
    this.#meter = meter;
    this.#lengthMax = lengthMax;
  }

  write(value: unknown): void {
    const text = toText(value);
    this.#meter.use(text.length);
    if (this.buffer.length + text.length > this.#lengthMax) throw new RenderFault('the message is too long');
    this.buffer += text;
  }
}

/** Stands first in the body of a loop, and counts an iteration by the size of the body before it runs. */
class IterationCounter implements Template {
  readonly token: TagToken;
  readonly #work: number;

  constructor(token: TagToken, body: readonly Template[]) {
    this.token = token;
    this.#work = NODE_WORK * (1 + countNodes(body));
  }

  render(context: Context): void {
    meterOf(context).use(this.#work);
  }
}

class CountedForTag extends ForTag {
  constructor(token: TagToken, remaining: TopLevelToken[], liquid: Liquid, parser: Parser) {
    super(token, remaining, liquid, parser);
    this.templates.unshift(new IterationCounter(token, this.templates));
  }
}

class BoundedCaptureTag extends CaptureTag {
  override *render(context: Context): Generator<unknown, void, string> {
    const emitter = new BoundedEmitter(meterOf(context), Number.POSITIVE_INFINITY);
    yield this.liquid.renderer.renderTemplates(this.templates, context, emitter);
    (context.bottom() as Record<string, unknown>)[this.variable] = emitter.buffer;
  }
}

/** The nodes inside a tag, those of the source. */
export function childrenOf(template: Template): readonly Template[] {
  const children = template.children === undefined ? [] : (toValueSync(template.children(false, true)) as Template[]);
  return children.filter((child) => !(child instanceof IterationCounter));
}

function countNodes(templates: readonly Template[]): number {
  return templates.reduce((count, template) => count + 1 + countNodes(childrenOf(template)), 0);
}

function handlerOf(filter: LiquidFilter): FilterImplOptions {
  return function (input: unknown, ...args: unknown[]) {
    return filter.apply(input, args, meterOf(this.context));
  };
}

/** strict: an unknown filter is a syntax error. Otherwise it parses, so that whoever checks a template finds all of them, with their places. */
export function createLiquid(strict: boolean): Liquid {
  const liquid = new Liquid({
    ownPropertyOnly: true,
    strictFilters: strict,
    strictVariables: false,
    relativeReference: false,
    // Bounds ranges: everything else is counted by WorkMeter.
    memoryLimit: MESSAGE_WORK_MAX,
    // A locale that is given is not looked up.
    locale: 'en',
  });
  for (const name of Object.keys(liquid.filters)) liquid.unregisterFilter(name);
  for (const [name, filter] of LIQUID_FILTERS) liquid.registerFilter(name, handlerOf(filter));
  for (const name of Object.keys(liquid.tags)) if (!LIQUID_TAGS.has(name)) delete liquid.tags[name];
  liquid.registerTag('for', CountedForTag);
  liquid.registerTag('capture', BoundedCaptureTag);
  return liquid;
}

/** The text of one message field, at most lengthMax UTF-16 units. Throws whatever goes wrong while rendering. */
export function renderLiquid(liquid: Liquid, templates: Template[], scope: object, lengthMax: number): string {
  const context = new MeteredContext(scope, liquid.options, { sync: true }, { liquid });
  const emitter = new BoundedEmitter(context.meter, lengthMax);
  toValueSync(liquid.renderer.renderTemplates(templates, context, emitter));
  return emitter.buffer;
}
