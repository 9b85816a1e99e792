/**
 * The text of each part of an expression, as it is written but on one line. The parser knows where a node begins or its operator stands, never where it ends: a part reaches over its own
 * token and those of its operands, and on to the partner of every bracket in between. Brackets around the whole of a part are left out. Signs that the parser took away, two by two or
 * with a number, belong to what stands behind them.
 */

import { operandsOf } from './explain-parts.ts';
import type { Typed } from './typed.ts';

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** White space or a comment stands before it. */
  readonly spaced: boolean;
}

/** Indices of tokens, both inclusive. */
interface Extent {
  readonly first: number;
  readonly last: number;
}

const NUMBER = /0[xX][0-9a-fA-F]+[uU]?|(?:\d*\.)?\d+(?:[eE][+-]?\d+)?[uU]?/;
const RAW_STRING = /(?:[rR][bB]?|[bB][rR])(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"[^"\n]*"|'[^'\n]*')/;
const STRING = /[bB]?(?:"""(?:\\[\s\S]|[^\\])*?"""|'''(?:\\[\s\S]|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')/;
const OPERATOR = /&&|\|\||[=!<>]=|[\s\S]/;
/** Of text that was parsed: it need not refuse anything. */
const TOKEN = new RegExp(
  `(\\s+|//[^\\n]*)|${[RAW_STRING, STRING, NUMBER, /[A-Za-z_]\w*/, OPERATOR].map(({ source }) => source).join('|')}`,
  'y',
);
const NAME = /^[A-Za-z_]\w*$/;
const OPENING = new Set(['(', '[', '{']);
const CLOSING = new Set([')', ']', '}']);
/** No white space is kept after the first, and before the second. */
const CLINGS_TO_NEXT = new Set(['(', '[', '.', '!']);
const CLINGS_TO_LAST = new Set([')', ']', '.', ',']);

export class ExpressionText {
  readonly #tokens: readonly Token[];
  /** By index of a bracket's token, that of its partner. */
  readonly #partners: ReadonlyMap<number, number>;
  readonly #extents = new Map<Typed, Extent>();

  constructor(source: string, root: Typed) {
    this.#tokens = tokensOf(source);
    this.#partners = partnersOf(this.#tokens);
    this.#measure(root, false);
  }

  of(typed: Typed): string {
    return this.#print(this.#extents.get(typed) as Extent);
  }

  /** `signed`: what is around it is the sign before it. */
  #measure(typed: Typed, signed: boolean): Extent {
    const isSign = typed.node === 'not' || (typed.node === 'call' && typed.overload.name === '-_');
    const parts = [...this.#own(typed), ...operandsOf(typed).map((operand) => this.#measure(operand, isSign))];
    const extent = this.#balanced({
      first: Math.min(...parts.map(({ first }) => first)),
      last: Math.max(...parts.map(({ last }) => last)),
    });
    const full = signed ? extent : this.#withSigns(extent);
    this.#extents.set(typed, full);
    return full;
  }

  /** The tokens of a node that belong to none of its operands, as far as its extent depends on them. */
  #own(typed: Typed): readonly Extent[] {
    switch (typed.node) {
      // These stand between their operands.
      case 'and':
      case 'or':
      case 'if':
        return [];
      case 'hasField':
        return [this.#has(this.#indexAt(typed.offset))];
      case 'call': {
        const { first, last } = this.#at(this.#indexAt(typed.offset));
        // Of strings.quote the offset is the second name's, and the first is no operand.
        return [{ first: typed.overload.name.includes('.') ? first - 2 : first, last }];
      }
      default:
        return [this.#at(this.#indexAt(typed.offset))];
    }
  }

  #at(index: number): Extent {
    const text = this.#text(index);
    if (text === '.') return { first: this.#nameStart(index), last: index + 1 };
    if (text === '-' && /^[.\d]/.test(this.#text(index + 1))) return { first: index, last: index + 1 };
    if (!NAME.test(text) || this.#text(index + 1) !== '(' || text === 'in') return { first: index, last: index };
    return { first: index, last: index + 1 };
  }

  /** Where the dotted name begins whose dot this is. */
  #nameStart(dot: number): number {
    const before = dot - 1;
    const start = this.#partners.get(before) ?? before;
    if (start < 0) return dot;
    return this.#text(start - 1) === '.' ? this.#nameStart(start - 1) : start;
  }

  /** The nearest `has(` before a field. */
  #has(field: number): Extent {
    let first = field;
    while (first > 0 && !(this.#text(first) === 'has' && this.#text(first + 1) === '(')) first--;
    return { first, last: first + 1 };
  }

  #withSigns({ first, last }: Extent): Extent {
    // Of -a.b the sign is before all of a.b.
    if (/^[.[(]$/.test(this.#text(last + 1))) return { first, last };
    const before = this.#text(first - 1);
    if (before === '!' || (before === '-' && !this.#endsOperand(first - 2))) {
      return this.#withSigns({ first: first - 1, last });
    }
    if (before !== '(' || this.#partners.get(first - 1) !== last + 1 || NAME.test(this.#text(first - 2))) {
      return { first, last };
    }
    const around = { first: first - 1, last: last + 1 };
    const signed = this.#withSigns(around);
    return signed.first === around.first ? { first, last } : signed;
  }

  /** Whether a minus behind this token is between two operands. */
  #endsOperand(index: number): boolean {
    const text = this.#text(index);
    return text !== 'in' && /[\w)\]}"']$/.test(text);
  }

  #balanced({ first, last }: Extent): Extent {
    let [from, to] = [first, last];
    // The range grows while it is walked over, so that brackets in what was taken in are balanced, too.
    for (let index = from; index <= to; index++) {
      const partner = this.#partners.get(index);
      if (partner === undefined) continue;
      to = Math.max(to, partner);
      if (partner < from) {
        from = partner;
        index = from - 1;
      }
    }
    return { first: from, last: to };
  }

  /** The token at an offset, or the first behind it: of some operators the parser gives the white space before. */
  #indexAt(offset: number): number {
    let low = 0;
    let high = this.#tokens.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#tokens[middle] as Token).end > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #text(index: number): string {
    return this.#tokens[index]?.text ?? '';
  }

  #print({ first, last }: Extent): string {
    let text = '';
    let before = '';
    for (const token of this.#tokens.slice(first, last + 1)) {
      const apart = token.spaced && !CLINGS_TO_NEXT.has(before) && !CLINGS_TO_LAST.has(token.text);
      text += text !== '' && apart ? ` ${token.text}` : token.text;
      before = token.text;
    }
    return text;
  }
}

function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let spaced = false;
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(source); match !== null; match = TOKEN.exec(source)) {
    if (match[1] === undefined) {
      const [text] = match;
      tokens.push({ text: onOneLine(text), start: match.index, end: match.index + text.length, spaced });
    }
    spaced = match[1] !== undefined;
  }
  return tokens;
}

/** Of a string between triple quotes. In a raw one a line break cannot be written otherwise. */
function onOneLine(token: string): string {
  return /^[rR]|^[bB][rR]/.test(token)
    ? token
    : token.replace(/\r\n?|\n/g, (end) => (end === '\n' ? '\\n' : end === '\r' ? '\\r' : '\\r\\n'));
}

function partnersOf(tokens: readonly Token[]): ReadonlyMap<number, number> {
  const partners = new Map<number, number>();
  const open: number[] = [];
  tokens.forEach(({ text }, index) => {
    if (OPENING.has(text)) open.push(index);
    if (!CLOSING.has(text)) return;
    const partner = open.pop();
    if (partner === undefined) return;
    partners.set(partner, index);
    partners.set(index, partner);
  });
  return partners;
}
