/** Random expressions over the names of worlds.ts, well typed on the whole, as texts. */
import type { Prng } from '../../../src/stdx/prng.ts';
import { INTS, TEXTS } from './worlds.ts';

const WHOLE_TIMES = ['now', 'event.ts', 'event.at', 'profile.last_seen', "(now - duration('25h'))"];
const ACCESSORS = [
  'getFullYear',
  'getMonth',
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
  'getHours',
  'getMinutes',
  'getSeconds',
  'getMilliseconds',
];

type Type = 'bool' | 'int' | 'double' | 'string' | 'time' | 'span';

/** Variables of the loops around: their names and what they stand for. */
interface Scope {
  readonly name: string;
  readonly of: 'item' | 'string' | 'int';
}

export class Expressions {
  readonly #random: Prng;
  #variables = 0;

  constructor(random: Prng) {
    this.#random = random;
  }

  predicate(depth: number): string {
    return this.#make('bool', depth, []);
  }

  value(type: Type, depth: number): string {
    return this.#make(type, depth, []);
  }

  /** From few templates with few constants: rules that share shapes and places of the index. */
  rule(): string {
    const { pick, below } = this.#bound();
    const text = (): string => quoted(pick(TEXTS));
    const demands = [
      () => `event.store == ${text()}`,
      () => `${text()} == event.address.city`,
      () => `event.store in [${text()}, ${text()}]`,
      () => `event.qty == ${pick(INTS)}`,
      () => `event.qty in [${below(5)}, ${below(5)}, 1.0]`,
      () => `event.total == ${below(4)}`,
      () => `event.gift == ${pick(['true', 'false'])}`,
      () => `event.items.exists(i, i.sku == ${text()})`,
      () => `event.items.exists(i, i.sku in [${text()}, ${text()}] && i.qty > 0)`,
      () => `event.items.exists(i, i.qty == ${below(4)} || i.qty == ${below(4)})`,
      () => `event.tags.exists(t, t == ${text()})`,
      () => `${text()} in event.tags`,
      () => `${below(4)} in event.scores`,
      () => `(event.store == ${text()} || event.store == ${text()})`,
      () => `(event.store == ${text()} && event.qty == 1 || event.store == ${text()})`,
    ];
    const others = [
      () => `profile.tier in [${text()}, ${text()}]`,
      () => `profile.country == ${text()}`,
      () => `event.total > ${below(3)}.5`,
      () => `profile.spend >= ${below(3)}.0`,
      () => `segment.${pick(['rich', 'local', 'fresh'])}`,
      () => `has(profile.age)`,
      () => `!event.gift`,
      () => this.predicate(2),
    ];
    const parts = [pick(below(3) === 0 ? others : demands)()];
    if (below(2) === 0) parts.push(pick(others)());
    if (below(4) === 0) parts.push(pick(demands)());
    return parts.join(below(8) === 0 ? ' || ' : ' && ');
  }

  #bound(): { pick: <T>(items: readonly T[]) => T; below: (bound: number) => number } {
    return { pick: (items) => this.#random.pick(items), below: (bound) => this.#random.below(bound) };
  }

  #make(type: Type, depth: number, scope: readonly Scope[]): string {
    if (depth <= 0 || this.#random.below(6) === 0) return this.#leaf(type, scope);
    const make = (of: Type): string => this.#make(of, depth - 1, scope);
    const choices = {
      bool: () => this.#bool(depth, scope),
      int: () => this.#int(depth, scope),
      double: () => {
        const operator = this.#random.pick(['+', '-', '*', '/']);
        return this.#random.pick([
          () => `(${make('double')} ${operator} ${make('double')})`,
          () => `double(${make('int')})`,
          () => `-(${make('double')})`,
        ])();
      },
      string: () =>
        this.#random.pick([
          () => `(${make('string')} + ${make('string')})`,
          () => `string(${make('int')})`,
          () => `(${make('bool')} ? ${make('string')} : ${make('string')})`,
          () => `event.tags[${make('int')}]`,
          () => `event.items[${make('int')}].sku`,
        ])(),
      time: () => `(${make('time')} ${this.#random.pick(['+', '-'])} ${make('span')})`,
      span: () =>
        this.#random.pick([() => `(${make('time')} - ${make('time')})`, () => `(${make('span')} + ${make('span')})`])(),
    };
    return choices[type]();
  }

  #bool(depth: number, scope: readonly Scope[]): string {
    const make = (of: Type): string => this.#make(of, depth - 1, scope);
    const two = (of: Type, operators: readonly string[]): string =>
      `(${make(of)} ${this.#random.pick(operators)} ${make(of)})`;
    const order = ['<', '<=', '>', '>=', '==', '!='];
    return this.#random.pick([
      () => two('bool', ['&&', '||']),
      () => two('bool', ['&&', '||']),
      () => `(${make('bool')} && ${make('bool')} && ${make('bool')})`,
      () => `!${make('bool')}`,
      () => `(${make('bool')} ? ${make('bool')} : ${make('bool')})`,
      () => two('int', order),
      () => two('double', order),
      () => two('string', order),
      () => two('time', order),
      () => two('span', order),
      () => two('bool', ['==', '!=']),
      // Beyond 2^53 the library compares exactly where cel-go rounds: values of frames only.
      () =>
        `(${this.#random.pick(['event.qty', 'event.big', 'profile.age', '3'])} ${this.#random.pick(order)} ${make('double')})`,
      () => `${make('string')}.${this.#random.pick(['contains', 'startsWith', 'endsWith'])}(${make('string')})`,
      () => `${make('string')}.matches(${this.#random.pick(["'a.*b'", "'^$'", "'[^a]'", "'(a|b)+$'"])})`,
      () => `(${make('string')} in [${make('string')}, 'GB', 'a'])`,
      () => `(${make('string')} in ['web', 'GB', 'a'])`,
      () => `(${make('int')} in [1, 2, ${make('int')}])`,
      () => `(${make('string')} in event.tags)`,
      () => `(${make('int')} in event.scores)`,
      () => `(${make('string')} in profile.likes)`,
      () => `([${make('int')}, ${make('int')}] == event.scores)`,
      () => `(event.items.map(x, x.sku) == [${make('string')}, ${make('string')}])`,
      () => this.#macro(depth, scope),
      () => this.#macro(depth, scope),
      () => this.#macro(depth, scope),
    ])();
  }

  #int(depth: number, scope: readonly Scope[]): string {
    const make = (of: Type): string => this.#make(of, depth - 1, scope);
    return this.#random.pick([
      () => `(${make('int')} ${this.#random.pick(['+', '-', '*', '/', '%'])} ${make('int')})`,
      () => `(${make('int')} ${this.#random.pick(['+', '-', '*', '/', '%'])} ${make('int')})`,
      () => `-(${make('int')})`,
      () => `size(${make('string')})`,
      () => `event.${this.#random.pick(['items', 'tags', 'scores'])}.size()`,
      () => `int(${make('double')})`,
      () => `(${make('bool')} ? ${make('int')} : ${make('int')})`,
      () =>
        // The library rounds what is below a millisecond up: whole milliseconds only.
        `${this.#random.pick(WHOLE_TIMES)}.${this.#random.pick(ACCESSORS)}()`,
      () => `${make('span')}.${this.#random.pick(['getHours', 'getMinutes', 'getSeconds'])}()`,
      () => `event.scores[${make('int')}]`,
      () => `[${make('int')}, ${make('int')}][${this.#random.below(3)}]`,
      () => this.#counted(depth, scope),
    ])();
  }

  #range(scope: readonly Scope[]): { readonly text: string; readonly variable: Scope } {
    const name = `v${this.#variables++ % 3}`;
    const filtered = this.#make('bool', 1, [...scope, { name, of: 'item' }]);
    return this.#random.pick<{ text: string; variable: Scope }>([
      { text: 'event.items', variable: { name, of: 'item' } },
      { text: `event.items.filter(${name}, ${filtered})`, variable: { name, of: 'item' } },
      { text: 'event.tags', variable: { name, of: 'string' } },
      { text: 'event.scores', variable: { name, of: 'int' } },
      { text: 'profile.likes', variable: { name, of: 'string' } },
      { text: '[3, 0, 1]', variable: { name, of: 'int' } },
      { text: "{'a': 1, 'é': 2}", variable: { name, of: 'string' } },
    ]);
  }

  #macro(depth: number, scope: readonly Scope[]): string {
    const { text, variable } = this.#range(scope);
    const predicate = this.#make('bool', depth - 1, [...scope, variable]);
    return `${text}.${this.#random.pick(['all', 'exists', 'exists_one'])}(${variable.name}, ${predicate})`;
  }

  #counted(depth: number, scope: readonly Scope[]): string {
    const { text, variable } = this.#range(scope);
    const inner = [...scope, variable];
    if (this.#random.below(2) === 0)
      return `size(${text}.filter(${variable.name}, ${this.#make('bool', depth - 1, inner)}))`;
    return `size(${text}.map(${variable.name}, ${this.#make('int', depth - 1, inner)}))`;
  }

  #leaf(type: Type, scope: readonly Scope[]): string {
    const { pick, below } = this.#bound();
    const near = scope.flatMap((variable) => reads(variable, type));
    if (near.length > 0 && below(3) > 0) return pick(near);
    switch (type) {
      case 'bool':
        return pick([
          'true',
          'false',
          'event.gift',
          'profile.vip',
          'has(event.total)',
          'has(profile.country)',
          'has(event.items)',
          'has(event.address.city)',
          'has(event.id)',
          'segment.rich',
          'segment.local',
          'segment.fresh',
        ]);
      case 'int':
        return pick([
          'event.qty',
          'event.big',
          'profile.age',
          '9223372036854775807',
          '-9223372036854775808',
          String(pick(INTS)),
          String(below(5)),
        ]);
      case 'double':
        return pick(['event.total', 'profile.spend', '1.0', '0.5', '-2.5', '1e10', '0.0']);
      case 'string':
        return pick([
          'event.store',
          'event.address.city',
          'profile.country',
          'profile.tier',
          'event.type',
          'event.id',
          quoted(pick(TEXTS)),
        ]);
      case 'time':
        return pick([
          'now',
          'event.ts',
          'event.at',
          'profile.last_seen',
          "timestamp('2010-12-01T08:00:00.123Z')",
          "timestamp('2010-12-01T08:00:00.000000001Z')",
        ]);
      default:
        return pick(["duration('1h')", "duration('-90s')", "duration('1ns')", "duration('2540000h')"]);
    }
  }
}

function reads({ name, of }: Scope, type: Type): string[] {
  if (of === 'item') {
    const fields: Partial<Record<Type, string[]>> = {
      string: ['sku'],
      int: ['qty'],
      double: ['price'],
      bool: ['gift'],
    };
    const texts = (fields[type] ?? []).map((field) => `${name}.${field}`);
    return type === 'bool' ? [...texts, `has(${name}.price)`] : texts;
  }
  return of === type ? [name] : [];
}

export function quoted(text: string): string {
  return JSON.stringify(text);
}
