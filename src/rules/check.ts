/**
 * The type checker: syntax tree to typed tree. A problem is a message at a place; the node becomes `fail` and checking goes on, so that one pass finds all that is
 * wrong. In a lenient environment the problems of typing are dropped and the `fail` nodes evaluate to errors, which is what CEL does without a checker.
 */
import type {
  Constant,
  Expr,
  Expr_Call,
  Expr_CreateStruct,
  Expr_Select,
} from '@bufbuild/cel-spec/cel/expr/syntax_pb.js';
import { EXPRESSION_LOOPS_NESTED_MAX } from '../constants.ts';
import { macroName, noOverload, unknownFunction } from './call-messages.ts';
import { checkOperator, isOperatorName, OBJECTS_ARE_NO_VALUES } from './check-operators.ts';
import type { Environment } from './environment.ts';
import { type Overload, overloadsOf } from './functions.ts';
import { recognizeMacro } from './macros.ts';
import { issueAt, type Parsed } from './parse.ts';
import type { RuleIssue } from './program.ts';
import { inInt, inUint } from './runtime-numbers.ts';
import type { Binding, Typed } from './typed.ts';
import * as types from './types.ts';
import { type CelType, DYN, isOpen, joinTypes, listOf, mapOf, suits, typeName, worst } from './types.ts';

/** Names of types, which are values of type `type`. */
const TYPE_NAMES = new Set(['bool', 'int', 'uint', 'double', 'string', 'bytes', 'list', 'map', 'null_type', 'type']);
const MESSAGE_TYPE_NAMES = new Set(['google.protobuf.Timestamp', 'google.protobuf.Duration']);

interface Local {
  readonly name: string;
  readonly type: CelType;
}

export function check(
  source: string,
  parsed: Parsed,
  environment: Environment,
): { readonly typed: Typed; readonly issues: readonly RuleIssue[] } {
  const checker = new Checker(source, parsed, environment);
  const typed = checker.check(parsed.expr);
  return { typed, issues: checker.issues };
}

export class Checker {
  readonly issues: RuleIssue[] = [];
  readonly #source: string;
  readonly #parsed: Parsed;
  readonly #environment: Environment;
  readonly #locals: Local[] = [];

  constructor(source: string, parsed: Parsed, environment: Environment) {
    this.#source = source;
    this.#parsed = parsed;
    this.#environment = environment;
  }

  get strict(): boolean {
    return this.#environment.mode === 'strict';
  }
  get refusesBadLiterals(): boolean {
    return this.#environment.refusesBadLiterals;
  }

  /** A problem of typing: refused where checking is strict, an evaluation error elsewhere. */
  problem(offset: number, message: string): Typed {
    if (this.strict) this.issues.push(issueAt(this.#source, offset, message));
    return { node: 'fail', type: DYN, offset };
  }

  /** Something that CEL has and this compiler has not: refused everywhere. */
  unsupported(offset: number, message: string): Typed {
    this.issues.push(issueAt(this.#source, offset, `not supported: ${message}`));
    return { node: 'fail', type: DYN, offset };
  }

  check(expr: Expr | undefined): Typed {
    if (expr === undefined) return this.unsupported(0, 'an empty node');
    const offset = this.#parsed.offsetOf(expr);
    const kind = expr.exprKind;
    switch (kind.case) {
      case 'constExpr':
        return this.#literal(kind.value, offset);
      case 'identExpr':
        return this.#name(kind.value.name, offset);
      case 'selectExpr':
        return this.#select(kind.value, offset);
      case 'callExpr':
        return this.#call(kind.value, offset);
      case 'listExpr':
        return this.#list(kind.value.elements, offset);
      case 'structExpr':
        return this.#map(kind.value, offset);
      case 'comprehensionExpr': {
        const macro = recognizeMacro(kind.value);
        if (macro === null) return this.unsupported(offset, 'this comprehension');
        return this.#loop(macro, this.#source[offset] === '.' ? offset + 1 : offset);
      }
      default:
        return this.unsupported(offset, 'this kind of expression');
    }
  }

  #literal(constant: Constant, offset: number): Typed {
    const kind = constant.constantKind;
    switch (kind.case) {
      case 'nullValue':
        return { node: 'literal', type: types.NULL, value: null, offset };
      case 'boolValue':
        return { node: 'literal', type: types.BOOL, value: kind.value, offset };
      case 'int64Value':
        if (!inInt(kind.value)) return this.problem(offset, `integer ${kind.value} is out of range (64 bits, signed)`);
        return { node: 'literal', type: types.INT, value: kind.value, offset };
      case 'uint64Value':
        if (!inUint(kind.value))
          return this.problem(offset, `integer ${kind.value}u is out of range (64 bits, unsigned)`);
        return { node: 'literal', type: types.UINT, value: kind.value, offset };
      case 'doubleValue':
        return { node: 'literal', type: types.DOUBLE, value: kind.value, offset };
      case 'stringValue':
        return { node: 'literal', type: types.STRING, value: kind.value, offset };
      case 'bytesValue':
        return { node: 'literal', type: types.BYTES, value: kind.value, offset };
      default:
        return this.unsupported(offset, 'this kind of literal');
    }
  }

  #local(name: string, offset: number): Typed | null {
    for (let i = this.#locals.length - 1; i >= 0; i--) {
      const local = this.#locals[i] as Local;
      if (local.name === name) return { node: 'local', type: local.type, local: i, offset };
    }
    return null;
  }

  #name(name: string, offset: number): Typed {
    const local = this.#local(name, offset);
    if (local !== null) return local;
    const binding = this.#resolve(name);
    if (binding !== null) return this.#read(binding, offset);
    if (TYPE_NAMES.has(name)) return this.#typeNamed(name, offset);
    return this.problem(offset, this.#environment.explain(name.replace(/^\./, '')));
  }

  #typeNamed(name: string, offset: number): Typed {
    const overload = overloadsOf('@type')[0] as Overload;
    const literal: Typed = { node: 'literal', type: types.STRING, value: name, offset };
    return { node: 'call', type: types.TYPE, overload, args: [literal], offset };
  }

  #read(binding: Binding, offset: number): Typed {
    return { node: 'read', type: binding.type, binding, offset };
  }

  /** A leading dot means: from the root, past the container. */
  #resolve(name: string): Binding | null {
    if (name.startsWith('.')) return this.#environment.resolve(name.slice(1));
    for (const prefix of this.#environment.prefixes) {
      const binding = this.#environment.resolve(prefix + name);
      if (binding !== null) return binding;
    }
    return null;
  }

  /** a.b.c as one name, if it is made of names only and does not start with a loop's variable. */
  #dottedName(expr: Expr | undefined): string | null {
    const kind = expr?.exprKind;
    if (kind?.case === 'identExpr') return this.#local(kind.value.name, 0) === null ? kind.value.name : null;
    if (kind?.case !== 'selectExpr' || kind.value.testOnly) return null;
    const operand = this.#dottedName(kind.value.operand);
    return operand === null ? null : `${operand}.${kind.value.field}`;
  }

  #select(select: Expr_Select, offset: number): Typed {
    const prefix = this.#dottedName(select.operand);
    const fieldOffset = this.#nameOffset(select.field, offset);
    if (prefix !== null) {
      const name = `${prefix}.${select.field}`;
      const binding = this.#resolve(name);
      if (binding !== null) {
        return select.testOnly ? { node: 'has', type: types.BOOL, binding, offset } : this.#read(binding, offset);
      }
      if (!this.#resolvesPartly(prefix)) {
        if (MESSAGE_TYPE_NAMES.has(name)) return this.#typeNamed(name, offset);
        return this.#unknown(name, fieldOffset, select);
      }
    }
    const operand = this.check(select.operand);
    return this.#field(
      operand,
      select.field,
      select.testOnly,
      fieldOffset,
      prefix === null ? null : `${prefix}.${select.field}`,
    );
  }

  /** Reported where the first name stands if it is that which is unknown, at the field otherwise. */
  #unknown(name: string, fieldOffset: number, select: Expr_Select): Typed {
    const path = name.replace(/^\./, '');
    let root = select.operand;
    while (root?.exprKind.case === 'selectExpr') root = root.exprKind.value.operand;
    const known = this.#environment.roots.includes(path.split('.', 1)[0] as string);
    const offset = known || root === undefined ? fieldOffset : this.#parsed.offsetOf(root);
    return this.problem(offset, this.#environment.explain(path));
  }

  /** True if the name or what stands before one of its dots is a value. */
  #resolvesPartly(name: string): boolean {
    for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
      if (this.#resolve(name.slice(0, end)) !== null || TYPE_NAMES.has(name.slice(0, end))) return true;
    }
    return false;
  }

  /** Where the name after a dot stands; the parser's position is the dot's, or that of has(. */
  #nameOffset(name: string, offset: number): number {
    const at = this.#source.indexOf(name, offset);
    return at < 0 ? offset : at;
  }

  #field(operand: Typed, field: string, testOnly: boolean, offset: number, name: string | null): Typed {
    const type = operand.type;
    const result = (of: CelType): Typed => ({
      node: testOnly ? 'hasField' : 'field',
      type: testOnly ? types.BOOL : of,
      operand,
      field,
      offset,
    });
    if (type.kind === 'object') {
      const found = this.#environment.field(type.list, field);
      return found === null
        ? this.problem(offset, this.#environment.explainField(type.list, field))
        : result(found.type);
    }
    if (type.kind === 'map' && types.comparable(type.key, types.STRING))
      return result(type.value.kind === 'none' ? DYN : type.value);
    if (isOpen(type)) return result(DYN);
    const message =
      name === null ? `a value of type ${typeName(type)} has no field "${field}"` : this.#environment.explain(name);
    return this.problem(offset, message);
  }

  #call(call: Expr_Call, position: number): Typed {
    const { target, function: name } = call;
    const offset = target === undefined ? position : this.#nameOffset(name, position);
    if (target !== undefined) {
      const qualified = this.#dottedName(target);
      if (qualified !== null && overloadsOf(`${qualified}.${name}`).length > 0) {
        return this.#overload(
          `${qualified}.${name}`,
          call.args.map((arg) => this.check(arg)),
          false,
          offset,
        );
      }
    }
    if (!isOperatorName(name) && overloadsOf(name).length === 0) return this.problem(offset, unknownFunction(name));
    const args = [...(target === undefined ? [] : [target]), ...call.args].map((arg) => this.check(arg));
    const operator = checkOperator(this, name, target !== undefined, args, offset);
    return operator ?? this.#overload(name, args, target !== undefined, offset);
  }

  #overload(name: string, args: readonly Typed[], member: boolean, offset: number): Typed {
    const candidates: Overload[] = [];
    for (const overload of overloadsOf(name)) {
      if (overload.member !== member || overload.params.length !== args.length) continue;
      const fit = overload.params.map((param, i) => suits(param, (args[i] as Typed).type)).reduce(worst, 'yes');
      if (fit === 'yes') return { node: 'call', type: overload.result, overload, args, offset };
      if (fit === 'open') candidates.push(overload);
    }
    if (candidates.length === 0) return this.problem(offset, noOverload(name, member, args));
    const type = candidates.map((overload) => overload.result).reduce(joinTypes);
    return { node: 'dispatch', type, overloads: candidates, args, offset };
  }

  #list(elements: readonly Expr[], offset: number): Typed {
    const items = elements.map((element) => this.check(element));
    const objects = items.find((item) => types.hasObjects(item.type));
    if (objects !== undefined) return this.problem(objects.offset, OBJECTS_ARE_NO_VALUES);
    return { node: 'list', type: listOf(items.map((item) => item.type).reduce(joinTypes, types.NONE)), items, offset };
  }

  #map(struct: Expr_CreateStruct, offset: number): Typed {
    if (struct.messageName !== '') return this.unsupported(offset, `messages (${struct.messageName}{…})`);
    const entries: [Typed, Typed][] = [];
    let key: CelType = types.NONE;
    let value: CelType = types.NONE;
    for (const entry of struct.entries) {
      if (entry.keyKind.case !== 'mapKey') return this.unsupported(offset, 'field keys outside of messages');
      const pair: [Typed, Typed] = [this.check(entry.keyKind.value), this.check(entry.value)];
      if (pair.some((side) => types.hasObjects(side.type))) return this.problem(pair[0].offset, OBJECTS_ARE_NO_VALUES);
      if (!['bool', 'int', 'uint', 'string', 'dyn', 'none'].includes(pair[0].type.kind)) {
        return this.problem(pair[0].offset, `a map's key cannot be of type ${typeName(pair[0].type)}`);
      }
      entries.push(pair);
      key = joinTypes(key, pair[0].type);
      value = joinTypes(value, pair[1].type);
    }
    return { node: 'map', type: mapOf(key, value), entries, offset };
  }

  #loop(macro: NonNullable<ReturnType<typeof recognizeMacro>>, offset: number): Typed {
    const range = this.check(macro.range);
    const itemType = rangeItem(range.type);
    if (itemType === null) {
      return this.problem(
        offset,
        `${macroName(macro)} walks over a list or the keys of a map, not over a value of type ${typeName(range.type)}`,
      );
    }
    if (this.#locals.length >= EXPRESSION_LOOPS_NESTED_MAX && this.strict) {
      return this.unsupported(offset, `more than ${EXPRESSION_LOOPS_NESTED_MAX} macros inside each other`);
    }
    const local = this.#locals.length;
    this.#locals.push({ name: macro.variable, type: itemType });
    const predicate =
      macro.predicate === null ? null : this.bool(this.check(macro.predicate), `the condition of ${macroName(macro)}`);
    const transform = macro.transform === null ? null : this.check(macro.transform);
    this.#locals.pop();
    if (transform !== null && types.hasObjects(transform.type))
      return this.problem(transform.offset, OBJECTS_ARE_NO_VALUES);
    const type = macro.name === 'map' ? listOf(transform === null ? itemType : transform.type) : types.BOOL;
    return { node: 'loop', type, macro: macro.name, range, local, predicate, transform, offset };
  }

  /** The operand where a bool is needed. */
  bool(operand: Typed, place: string): Typed {
    if (operand.type.kind === 'bool' || isOpen(operand.type)) return operand;
    return this.problem(operand.offset, `${place} must be a bool, not ${typeName(operand.type)}`);
  }
}

function rangeItem(type: CelType): CelType | null {
  if (type.kind === 'list') return type.element.kind === 'none' ? DYN : type.element;
  if (type.kind === 'map') return type.key.kind === 'none' ? DYN : type.key;
  return isOpen(type) ? DYN : null;
}
