/**
 * A predicate's intermediate form → the rows in which it is true. CEL's logic has three values (an absent attribute is an error, which && and ||
 * absorb), so a bool expression is two sets of rows, true and false; in the rest it is an error. What columns cannot tell (lists, values
 * of windows, texts other than equality) is unknown: each set has a lower and an upper bound, the rows surely in it and those possibly in it. && and ||
 * and ! only ever combine bounds of the same kind, so bounds of the parts give bounds of the whole.
 *
 * Conditions inside numbers (absent or there, a default, `? :`, out of range) are lifted out of them: a number is given on, case by case, to whoever asked for it.
 */
import { SCAN_COMPARISONS_MAX } from '../constants.ts';
import { type Ir, repOf } from '../rules/ir.ts';
import { TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from '../rules/runtime-time.ts';
import type { ScanColumn } from '../state/column-view.ts';
import { type Bits, BitTree, type Comparison, MIRRORED, type Num } from './scan-bits.ts';

/** What there is to know of a bool expression. `surely` ⊆ the rows ⊆ `possibly`. */
interface Truth {
  readonly surelyTrue: Bits;
  readonly possiblyTrue: Bits;
  readonly surelyFalse: Bits;
  readonly possiblyFalse: Bits;
}

type Text = { readonly slot: number } | { readonly text: string };

export interface PredicateBits {
  readonly surely: Bits;
  readonly possibly: Bits;
}

/** 2^63 ns in ms, as CEL bounds durations; see runtime-time.ts. */
const SPAN_MS_MAX = 9223372036854;

const COMPARISONS: ReadonlySet<string> = new Set(Object.keys(MIRRORED));

/** `columns` by slot, of all slots that the predicate and its segments read; `segments` by index. */
export function predicateBits(
  predicate: Ir,
  columns: ReadonlyMap<number, ScanColumn>,
  segments: readonly Ir[],
): PredicateBits {
  const tree = new BitTree();
  const { surelyTrue, possiblyTrue } = new Predicate(tree, columns, segments).truth(predicate);
  if (tree.comparisons > SCAN_COMPARISONS_MAX) return { surely: tree.none, possibly: tree.all };
  return { surely: surelyTrue, possibly: possiblyTrue };
}

class Predicate {
  readonly #tree: BitTree;
  readonly #columns: ReadonlyMap<number, ScanColumn>;
  readonly #segments: readonly Ir[];
  readonly #unknown: Truth;
  readonly #error: Truth;

  constructor(tree: BitTree, columns: ReadonlyMap<number, ScanColumn>, segments: readonly Ir[]) {
    this.#tree = tree;
    this.#columns = columns;
    this.#segments = segments;
    const { none, all } = tree;
    this.#unknown = { surelyTrue: none, possiblyTrue: all, surelyFalse: none, possiblyFalse: all };
    this.#error = { surelyTrue: none, possiblyTrue: none, surelyFalse: none, possiblyFalse: none };
  }

  truth(ir: Ir): Truth {
    const tree = this.#tree;
    if (tree.comparisons > SCAN_COMPARISONS_MAX) return this.#unknown;
    switch (ir.op) {
      case 'const':
        return this.#exactly(tree.constant(ir.value === true));
      case 'slot':
        return this.#boolSlot(ir);
      case 'has':
        return this.#has(ir.slot);
      case 'segment':
        return this.truth(this.#segments[ir.index] as Ir);
      case 'and':
        return ir.items.map((item) => this.truth(item)).reduce((a, b) => this.#both(a, b));
      case 'or':
        return negated(ir.items.map((item) => negated(this.truth(item))).reduce((a, b) => this.#both(a, b)));
      case 'if':
        return this.#either(this.truth(ir.condition), this.truth(ir.whenTrue), this.truth(ir.whenFalse));
      case 'member':
        return this.#member(ir.item, ir.values);
      case 'call':
        return this.#call(ir);
      default:
        return this.#unknown;
    }
  }

  #call({ name, args }: Extract<Ir, { op: 'call' }>): Truth {
    const [left, right] = args as [Ir, Ir];
    if (name === 'not') return negated(this.truth(left));
    if (!COMPARISONS.has(name)) return this.#unknown;
    const comparison = name as Comparison;
    const rep = repOf(left);
    if (rep === 'bool') {
      const [a, b] = [this.truth(left), this.truth(right)];
      return comparison === 'same' ? this.#either(a, b, negated(b)) : this.#either(a, negated(b), b);
    }
    if (rep === 'string') {
      if (comparison !== 'same' && comparison !== 'differ') return this.#unknown;
      const same = this.#text(left, (a) => this.#text(right, (b) => this.#exactly(this.#sameText(a, b))));
      return comparison === 'same' ? same : negated(same);
    }
    return this.#number(left, (a) => this.#number(right, (b) => this.#exactly(this.#tree.compare(comparison, a, b))));
  }

  #member(item: Ir, values: Ir): Truth {
    if (values.op !== 'constants') return this.#unknown;
    const constants = values.values;
    if (values.rep === 'texts')
      return this.#text(item, (text) => this.#exactly(this.#textAmong(text, constants as string[])));
    return this.#number(item, (number) => this.#exactly(this.#tree.numberAmong(number, constants as number[])));
  }

  // --- Slots -------------------------------------------------------------------------------------------------------------------

  #boolSlot(ir: Extract<Ir, { op: 'slot' }>): Truth {
    const column = this.#columns.get(ir.slot);
    if (ir.from !== 'profile' || column?.kind !== 'bool')
      return this.#number(ir, (number) => this.#exactly(this.#tree.compare('differ', number, this.#tree.number(0))));
    const empty = column.empty === null ? this.#error : this.#exactly(this.#tree.constant(column.empty !== 0));
    return this.#choose(this.#tree.presence(ir.slot), this.#exactly(this.#tree.trueIn(ir.slot)), empty);
  }

  #has(slot: number): Truth {
    const tree = this.#tree;
    const column = this.#columns.get(slot);
    if (column === undefined) return this.#unknown;
    if (column.kind !== 'blocks') return this.#exactly(tree.presence(slot));
    return this.#choose(tree.noBlocks, this.#exactly(tree.constant(column.empty !== null)), this.#unknown);
  }

  #number(ir: Ir, then: (number: Num) => Truth): Truth {
    const tree = this.#tree;
    if (tree.comparisons > SCAN_COMPARISONS_MAX) return this.#unknown;
    switch (ir.op) {
      case 'const':
        return ['int', 'double', 'ms', 'spanMs'].includes(ir.rep) ? then(tree.number(Number(ir.value))) : this.#unknown;
      case 'now':
        return then(tree.now);
      case 'slot':
        return ir.from === 'profile' ? this.#numberSlot(ir.slot, then) : this.#unknown;
      case 'if':
        return this.#either(
          this.truth(ir.condition),
          this.#number(ir.whenTrue, then),
          this.#number(ir.whenFalse, then),
        );
      case 'call':
        return this.#calculation(ir, then);
      default:
        return this.#unknown;
    }
  }

  #numberSlot(slot: number, then: (number: Num) => Truth): Truth {
    const tree = this.#tree;
    const column = this.#columns.get(slot);
    if (column?.kind === 'blocks') {
      const empty = column.empty === null ? this.#error : then(tree.number(column.empty));
      return this.#choose(tree.noBlocks, empty, this.#unknown);
    }
    if (column?.kind !== 'double' && column?.kind !== 'int') return this.#unknown;
    const empty = column.empty === null ? this.#error : then(tree.number(column.empty));
    return this.#choose(tree.presence(slot), then(tree.slot(slot)), empty);
  }

  #calculation({ name, args }: Extract<Ir, { op: 'call' }>, then: (number: Num) => Truth): Truth {
    const tree = this.#tree;
    const [left, right] = args as [Ir, Ir];
    const two = (make: (a: Num, b: Num) => Truth): Truth =>
      this.#number(left, (a) => this.#number(right, (b) => make(a, b)));
    switch (name) {
      case 'addSafe':
      case 'addDouble':
        return two((a, b) => then(tree.calculate('add', a, b)));
      case 'subtractSafe':
      case 'subtractDouble':
        return two((a, b) => then(tree.calculate('subtract', a, b)));
      case 'multiplySafe':
        return two((a, b) => then(tree.calculate('add', tree.calculate('multiply', a, b), tree.number(0))));
      case 'multiplyDouble':
        return two((a, b) => then(tree.calculate('multiply', a, b)));
      case 'divideDouble':
        return two((a, b) => then(tree.calculate('divide', a, b)));
      case 'negateSafe':
        return this.#number(left, (a) => then(tree.calculate('subtract', tree.number(0), a)));
      case 'negateDouble':
        return this.#number(left, (a) => then(tree.unary('negate', a)));
      case 'toDouble':
        return this.#number(left, then);
      case 'spanMs':
        return two((a, b) => this.#checkSpan(tree.calculate('subtract', a, b), then));
      case 'addSpansMs':
        return two((a, b) => this.#checkSpan(tree.calculate('add', a, b), then));
      case 'addSpanMs':
        return two((a, b) => this.#checkTime(tree.calculate('add', a, b), then));
      case 'subtractSpanMs':
        return two((a, b) => this.#checkTime(tree.calculate('subtract', a, b), then));
      default:
        return this.#unknown;
    }
  }

  /** A span out of range is an error. */
  #checkSpan(span: Num, then: (number: Num) => Truth): Truth {
    const inRange = this.#tree.compare('lessEqual', this.#tree.unary('abs', span), this.#tree.number(SPAN_MS_MAX));
    return this.#choose(inRange, then(span), this.#error);
  }

  #checkTime(time: Num, then: (number: Num) => Truth): Truth {
    const tree = this.#tree;
    const inRange = tree.and(
      tree.compare('greaterEqual', time, tree.number(TIMESTAMP_MS_MIN)),
      tree.compare('lessEqual', time, tree.number(TIMESTAMP_MS_MAX)),
    );
    return this.#choose(inRange, then(time), this.#error);
  }

  // --- Texts -------------------------------------------------------------------------------------------------------------------

  #text(ir: Ir, then: (text: Text) => Truth): Truth {
    if (ir.op === 'const') return then({ text: ir.value as string });
    if (ir.op === 'if')
      return this.#either(this.truth(ir.condition), this.#text(ir.whenTrue, then), this.#text(ir.whenFalse, then));
    const column = ir.op === 'slot' && ir.from === 'profile' ? this.#columns.get(ir.slot) : undefined;
    if (ir.op !== 'slot' || column?.kind !== 'code') return this.#unknown;
    const empty = column.empty === null ? this.#error : then({ text: column.empty });
    return this.#choose(this.#tree.presence(ir.slot), then({ slot: ir.slot }), empty);
  }

  #sameText(a: Text, b: Text): Bits {
    if ('text' in a)
      return 'text' in b ? this.#tree.constant(a.text === b.text) : this.#tree.textAmong(b.slot, [a.text]);
    return 'text' in b ? this.#tree.textAmong(a.slot, [b.text]) : this.#tree.sameText(a.slot, b.slot);
  }

  #textAmong(text: Text, texts: readonly string[]): Bits {
    return 'text' in text ? this.#tree.constant(texts.includes(text.text)) : this.#tree.textAmong(text.slot, texts);
  }

  // --- Logic -------------------------------------------------------------------------------------------------------------------

  #exactly(bits: Bits): Truth {
    const inverse = this.#tree.not(bits);
    return { surelyTrue: bits, possiblyTrue: bits, surelyFalse: inverse, possiblyFalse: inverse };
  }

  #both(a: Truth, b: Truth): Truth {
    const tree = this.#tree;
    return {
      surelyTrue: tree.and(a.surelyTrue, b.surelyTrue),
      possiblyTrue: tree.and(a.possiblyTrue, b.possiblyTrue),
      surelyFalse: tree.or(a.surelyFalse, b.surelyFalse),
      possiblyFalse: tree.or(a.possiblyFalse, b.possiblyFalse),
    };
  }

  /** `? :`, an error where the condition is one. */
  #either(condition: Truth, yes: Truth, no: Truth): Truth {
    const tree = this.#tree;
    const pick = (isTrue: Bits, a: Bits, isFalse: Bits, b: Bits): Bits =>
      tree.or(tree.and(isTrue, a), tree.and(isFalse, b));
    const { surelyTrue, possiblyTrue, surelyFalse, possiblyFalse } = condition;
    return {
      surelyTrue: pick(surelyTrue, yes.surelyTrue, surelyFalse, no.surelyTrue),
      possiblyTrue: pick(possiblyTrue, yes.possiblyTrue, possiblyFalse, no.possiblyTrue),
      surelyFalse: pick(surelyTrue, yes.surelyFalse, surelyFalse, no.surelyFalse),
      possiblyFalse: pick(possiblyTrue, yes.possiblyFalse, possiblyFalse, no.possiblyFalse),
    };
  }

  /** The same for a condition that is known of every row. */
  #choose(condition: Bits, yes: Truth, no: Truth): Truth {
    const choose = (a: Bits, b: Bits): Bits => this.#tree.choose(condition, a, b);
    return {
      surelyTrue: choose(yes.surelyTrue, no.surelyTrue),
      possiblyTrue: choose(yes.possiblyTrue, no.possiblyTrue),
      surelyFalse: choose(yes.surelyFalse, no.surelyFalse),
      possiblyFalse: choose(yes.possiblyFalse, no.possiblyFalse),
    };
  }
}

function negated({ surelyTrue, possiblyTrue, surelyFalse, possiblyFalse }: Truth): Truth {
  return {
    surelyTrue: surelyFalse,
    possiblyTrue: possiblyFalse,
    surelyFalse: surelyTrue,
    possiblyFalse: possiblyTrue,
  };
}
