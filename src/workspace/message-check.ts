/**
 * Checks the Liquid of one message field before it is published: its syntax, that its tags and filters are available (liquid.ts), and that every variable is one that the
 * schema knows. Finds out what rendering will need.
 */
import { type Liquid, type Output, type Template, type Token, TokenKind, TypeGuards, type Value } from 'liquidjs';
import { MESSAGE_DEPTH_MAX } from '../constants.ts';
import { childrenOf, createLiquid, LIQUID_TAGS } from './liquid.ts';
import { LIQUID_FILTERS } from './liquid-filters.ts';
import { ANY, FORLOOP, type Need, NUMBERS, type Shape, TEXT } from './message-shape.ts';
import { didYouMean, suggestion } from './suggest.ts';

/** offset: UTF-16 units into the source. */
export type ReportMessage = (offset: number, message: string) => void;

type Argument = NonNullable<ReturnType<NonNullable<Template['arguments']>>> extends Iterable<infer A> ? A : never;
type FilterToken = Token & { readonly name: string; readonly args: readonly (Token | readonly [string?, Token?])[] };
type PropertyAccess = Token & { readonly variable?: Token | undefined; readonly props: readonly Token[] };

/** Parts of liquidjs's tags that its types keep to themselves; all are set by the constructors of version 10. */
interface ForNode {
  readonly variable: string;
  readonly collection: Token;
  readonly hash: { readonly hash: Readonly<Record<string, Token | undefined>> };
}

const FOR_OPTIONS = ['limit', 'offset', 'reversed'];

export class MessageChecker {
  readonly #liquid: Liquid = createLiquid(false);

  /** needs: gains what rendering will read. */
  check(source: string, variables: ReadonlyMap<string, Shape>, needs: Set<Need>, report: ReportMessage): void {
    let nodes: Template[];
    try {
      nodes = this.#liquid.parse(source);
    } catch (error) {
      const { token } = error as { token?: Token };
      report(token?.begin ?? 0, syntaxMessage(error));
      return;
    }
    new Walk(variables, needs, report).visit(nodes, new Map(), 1);
  }
}

class Walk {
  readonly #variables: ReadonlyMap<string, Shape>;
  readonly #needs: Set<Need>;
  readonly #report: ReportMessage;
  /** Set by assign and capture: from there to the end of the field. */
  readonly #assigned = new Map<string, Shape>();

  constructor(variables: ReadonlyMap<string, Shape>, needs: Set<Need>, report: ReportMessage) {
    this.#variables = variables;
    this.#needs = needs;
    this.#report = report;
  }

  visit(nodes: readonly Template[], locals: ReadonlyMap<string, Shape>, depth: number): void {
    for (const node of nodes) this.#visitNode(node, locals, depth);
  }

  #visitNode(node: Template, locals: ReadonlyMap<string, Shape>, depth: number): void {
    if (node.token.kind === TokenKind.Output) {
      this.#output((node as Output).value, locals);
      return;
    }
    const name = (node.token as { name?: string }).name ?? '';
    const children = childrenOf(node);
    if (children.length > 0 && depth > MESSAGE_DEPTH_MAX)
      this.#report(node.token.begin, `tags inside tags go too deep: at most ${MESSAGE_DEPTH_MAX}`);
    if (name === 'for') {
      this.visit(children, this.#loop(node as unknown as ForNode, locals), depth + 1);
      return;
    }
    const shapes = Array.from(node.arguments?.() ?? [], (argument) => this.#argument(argument, locals));
    this.visit(children, locals, depth + 1);
    for (const local of node.localScope?.() ?? [])
      this.#assigned.set(local.content, name === 'assign' ? (shapes[0] ?? ANY) : TEXT);
  }

  #output(value: Value, locals: ReadonlyMap<string, Shape>): void {
    const shape = this.#argument(value, locals);
    const [first] = value.initial.postfix;
    if (first === undefined) return;
    if (shape.kind === 'object')
      this.#report(first.begin, `\`${first.getText()}\` is no single value: name one of its fields`);
    if (shape.kind === 'list')
      this.#report(
        first.begin,
        `\`${first.getText()}\` is a list: go through it with \`for\`, or use \`join\` or \`size\``,
      );
  }

  #loop(node: ForNode, locals: ReadonlyMap<string, Shape>): ReadonlyMap<string, Shape> {
    const { collection, hash, variable } = node;
    const shape = this.#operand(collection, locals);
    if (shape.kind === 'scalar' || shape.kind === 'object')
      this.#report(collection.begin, `\`${collection.getText()}\` is no list: \`for\` goes through lists`);
    for (const [option, value] of Object.entries(hash.hash)) {
      if (!FOR_OPTIONS.includes(option))
        this.#report(
          collection.input.indexOf(option, collection.end),
          `\`for\` has no option \`${option}\`${suggestion(option, FOR_OPTIONS)}`,
        );
      if (value !== undefined && value.getText() !== 'continue') this.#operand(value, locals);
    }
    return new Map([...locals, [variable, shape.element ?? ANY], ['forloop', FORLOOP]]);
  }

  /** A value with its filters. */
  #argument(argument: Argument, locals: ReadonlyMap<string, Shape>): Shape {
    if (!('filters' in argument) || !('initial' in argument)) return this.#operand(argument as Token, locals);
    const { postfix } = argument.initial;
    const values = postfix.filter((token) => !TypeGuards.isOperatorToken(token));
    const operands = values.map((token) => this.#operand(token, locals));
    // Every operator but `not` joins two values; liquidjs would silently take the first of what is left over.
    const joins = postfix.filter((token) => TypeGuards.isOperatorToken(token) && token.operator !== 'not').length;
    const stray = values[1];
    if (values.length > joins + 1 && stray !== undefined)
      this.#report(stray.begin, `\`${stray.getText()}\` stands alone: an operator or a filter is missing before it`);
    // With an operator it is a comparison.
    let shape = postfix.length === 1 ? (operands[0] as Shape) : ANY;
    for (const filter of argument.filters) {
      const token =
        'args' in filter && 'begin' in filter
          ? (filter as FilterToken)
          : (filter as unknown as { token: FilterToken }).token;
      shape = this.#filter(token, shape, locals);
    }
    return shape;
  }

  #filter(token: FilterToken, input: Shape, locals: ReadonlyMap<string, Shape>): Shape {
    const filter = LIQUID_FILTERS.get(token.name);
    if (input.kind === 'object')
      this.#report(token.begin, `a filter works on a value or a list: name a field before \`| ${token.name}\``);
    for (const argument of token.args) {
      const operand = Array.isArray(argument) ? argument[1] : argument;
      if (operand !== undefined && this.#operand(operand as Token, locals).kind === 'object')
        this.#report((operand as Token).begin, 'an argument of a filter is a single value: name a field');
    }
    if (filter === undefined) {
      this.#report(
        token.begin,
        `filter \`${token.name}\` is not available${reason(token.name, LIQUID_FILTERS.keys())}`,
      );
      return ANY;
    }
    const [least, most] = filter.arguments;
    if (token.args.length < least || token.args.length > most)
      this.#report(token.begin, `filter \`${token.name}\` takes ${countText(least, most)}, not ${token.args.length}`);
    return filtered(token.name, input);
  }

  #operand(token: Token, locals: ReadonlyMap<string, Shape>): Shape {
    if (TypeGuards.isRangeToken(token)) {
      this.#operand(token.lhs, locals);
      this.#operand(token.rhs, locals);
      return NUMBERS;
    }
    if (TypeGuards.isPropertyAccessToken(token)) return this.#property(token as unknown as PropertyAccess, locals);
    return TypeGuards.isFilteredValueToken(token) ? this.#argument(token, locals) : TEXT;
  }

  #property(token: PropertyAccess, locals: ReadonlyMap<string, Shape>): Shape {
    const props = token.variable === undefined ? token.props.slice(1) : token.props;
    let shape =
      token.variable === undefined
        ? this.#root(token.props[0] as Token, locals)
        : this.#operand(token.variable, locals);
    this.#need(shape);
    for (const prop of props) {
      shape = this.#step(shape, prop, locals);
      this.#need(shape);
    }
    return shape;
  }

  #root(token: Token, locals: ReadonlyMap<string, Shape>): Shape {
    const name = staticName(token);
    const shape =
      name === null ? undefined : (locals.get(name) ?? this.#assigned.get(name) ?? this.#variables.get(name));
    if (shape !== undefined) return shape;
    this.#report(
      token.begin,
      `unknown variable \`${token.getText()}\`${suggestion(token.getText(), [...locals.keys(), ...this.#assigned.keys(), ...this.#variables.keys()])}`,
    );
    return ANY;
  }

  #step(shape: Shape, prop: Token, locals: ReadonlyMap<string, Shape>): Shape {
    const name = staticName(prop);
    if (name === null) this.#operand(prop, locals);
    if (shape.kind === 'object') {
      if (name === null) return this.#wrong(prop, 'a field must be named, not computed');
      const field = shape.fields?.get(name);
      return field ?? this.#wrong(prop, `${shape.missing?.(name)}${didYouMean(name, shape.fields?.keys() ?? [])}`);
    }
    if (shape.kind === 'list') {
      if (name === 'size') return { kind: 'scalar', type: 'int' };
      if (name === null || name === 'first' || name === 'last' || /^-?\d+$/.test(name)) return shape.element ?? ANY;
      return this.#wrong(prop, `a list has no \`${name}\`: go through it with \`for\`, or use first, last or size`);
    }
    if (shape.kind === 'scalar' && !(name === 'size' && shape.type === 'string'))
      return this.#wrong(prop, `a ${shape.type} has no field${name === null ? '' : ` \`${name}\``}`);
    return ANY;
  }

  #wrong(token: Token, message: string): Shape {
    this.#report(token.begin, message);
    return ANY;
  }

  #need(shape: Shape): void {
    if (shape.need !== undefined) this.#needs.add(shape.need);
  }
}

/** The name in `.name`, `["name"]` or `[0]`; null where it is computed. */
function staticName(token: Token): string | null {
  if (TypeGuards.isWordToken(token) || TypeGuards.isQuotedToken(token)) return token.content;
  return TypeGuards.isNumberToken(token) ? String(token.content) : null;
}

const KEEP_LIST = new Set(['reverse', 'sort', 'uniq', 'compact', 'where']);
const MAKE_LIST = new Set(['map', 'split']);

/** What a filter makes of its input, as far as it is known. */
function filtered(name: string, input: Shape): Shape {
  if (name === 'first' || name === 'last') return input.element ?? ANY;
  if (KEEP_LIST.has(name)) return input.kind === 'list' ? input : { kind: 'list', element: ANY };
  if (MAKE_LIST.has(name)) return { kind: 'list', element: ANY };
  return name === 'slice' && input.kind === 'list' ? input : ANY;
}

const NOT_DETERMINISTIC = 'what a message says must follow from the event and the profile alone';
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^(?:sample|shuffle)$/, `: it is left to chance; ${NOT_DETERMINISTIC}`],
  [/^date/, `: it depends on clock and locale; ${NOT_DETERMINISTIC}`],
  [/^(?:include|render|layout|block)$/, ': a message stands in one piece, without other files'],
];

function reason(name: string, available: Iterable<string>): string {
  return REASONS.find(([pattern]) => pattern.test(name))?.[1] ?? didYouMean(name, available);
}

function countText(least: number, most: number): string {
  if (most === 0) return 'no argument';
  const count = least === most ? String(most) : `${least} to ${most}`;
  return `${count} argument${most === 1 ? '' : 's'}`;
}

function syntaxMessage(error: unknown): string {
  const { message, originalError } = error as Error & { originalError?: Error };
  // liquidjs appends its own position.
  const text = (originalError?.message ?? message).replace(/, line:\d+, col:\d+$/, '');
  const tag = /^tag "(.+)" not found$/.exec(text)?.[1];
  if (tag === undefined) return `not valid Liquid: ${text}`;
  if (/^(?:end|else|elsif|when)/.test(tag)) return `\`{% ${tag} %}\` has no tag that it belongs to`;
  return `tag \`${tag}\` is not available${reason(tag, LIQUID_TAGS)}`;
}
