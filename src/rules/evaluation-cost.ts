/**
 * An upper bound on what one evaluation may cost, in steps of a few nanoseconds: nodes, times the lengths of the lists that loops walk over, plus the text that
 * is looked through or built. Lengths are those that events may have at most (constants.ts), so that a rule is accepted or refused once, when it is checked.
 */
import {
  EVENT_BYTES_MAX,
  EVENT_LIST_LENGTH_MAX,
  EVENT_STRING_LENGTH_MAX,
  EXPRESSION_LIST_LENGTH_MAX,
  EXPRESSION_TEXT_LENGTH_MAX,
  ID_BYTES_MAX,
} from '../constants.ts';
import type { Ir, IrLoop, IrRange } from './ir.ts';
import { childrenOf } from './ir-traits.ts';

/** A field of a list's element is short on average: an event's size bounds the sum over all of its elements. */
const ITEM_TEXT_LENGTH = EVENT_BYTES_MAX / EVENT_LIST_LENGTH_MAX;
/** UTF-16 units that one step of searching, comparing or copying gets through. */
const TEXT_PER_STEP = 32;
/** A call through boxed values. */
const CALL_STEPS = 16;
/** Digits of an int or a double, a timestamp with all its digits. */
const NUMBER_TEXT_LENGTH = 40;

/** `texts`: length of the text that the variable of each loop around stands for. */
export function evaluationCost(ir: Ir, texts: ReadonlyMap<number, number> = new Map()): number {
  if (ir.op === 'loop') return loopCost(ir, texts);
  return childrenOf(ir).reduce((sum, child) => sum + evaluationCost(child, texts), ownCost(ir, texts));
}

function loopCost(loop: IrLoop, texts: ReadonlyMap<number, number>): number {
  const { range, predicate, transform } = loop;
  const inside = new Map(texts).set(loop.local, itemTextLength(range, texts));
  const body = [predicate, transform].reduce(
    (sum, part) => sum + (part === null ? 0 : evaluationCost(part, inside)),
    1,
  );
  const made = 'value' in range ? evaluationCost(range.value, texts) : 0;
  return made + rangeLength(range) * body;
}

function ownCost(ir: Ir, texts: ReadonlyMap<number, number>): number {
  switch (ir.op) {
    case 'constants':
      return 1 + ir.values.length / 8;
    case 'eventList':
      return EVENT_LIST_LENGTH_MAX;
    case 'matches':
      return textLength(ir.text, texts) * (ir.pattern.op === 'pattern' ? ir.pattern.instructions : 1);
    case 'overload':
    case 'dispatch':
      return CALL_STEPS + (textLength(ir, texts) + textLength(ir.args[0], texts)) / TEXT_PER_STEP;
    case 'call':
      return 1 + callText(ir.name) * (textLength(ir.args[0], texts) / TEXT_PER_STEP) + callItems(ir);
    default:
      return 1;
  }
}

/** 1 for operations that read their first operand's text from end to end. */
function callText(name: string): 0 | 1 {
  return /^(contains|startsWith|endsWith|concatenate|countCodePoints|text)/.test(name) ? 1 : 0;
}

/** Searching and comparing lists. */
function callItems(ir: Extract<Ir, { op: 'call' }>): number {
  const lists = ['includes', 'boxedContains', 'equal', 'unequal'].includes(ir.name) ? ir.args : [];
  return lists.reduce((sum, list) => sum + (isList(list) ? listLength(list) : 0), 0);
}

function isList(ir: Ir): boolean {
  if (ir.op === 'box') return isList(ir.value);
  return 'rep' in ir && ir.rep === 'list';
}

function rangeLength(range: IrRange): number {
  return 'value' in range ? listLength(range.value) : EVENT_LIST_LENGTH_MAX;
}

/** Items of a list, keys of a map. */
function listLength(ir: Ir): number {
  switch (ir.op) {
    case 'list':
      return ir.items.length;
    case 'map':
      return ir.entries.length;
    case 'box':
    case 'unbox':
      return listLength(ir.value);
    case 'loop':
      return rangeLength(ir.range);
    case 'if':
      return Math.max(listLength(ir.whenTrue), listLength(ir.whenFalse));
    case 'slot':
    case 'eventList':
      return EVENT_LIST_LENGTH_MAX;
    case 'overload':
      if (ir.id !== 'add_list') return EXPRESSION_LIST_LENGTH_MAX;
      return Math.min(
        EXPRESSION_LIST_LENGTH_MAX,
        ir.args.reduce((sum, arg) => sum + listLength(arg), 0),
      );
    default:
      return EXPRESSION_LIST_LENGTH_MAX;
  }
}

function itemTextLength(range: IrRange, texts: ReadonlyMap<number, number>): number {
  return 'value' in range ? itemsTextLength(range.value, texts) : ITEM_TEXT_LENGTH;
}

/** Text of each item of a list, if its items are texts. */
function itemsTextLength(ir: Ir, texts: ReadonlyMap<number, number>): number {
  switch (ir.op) {
    case 'list':
      return ir.items.reduce((most, item) => Math.max(most, textLength(item, texts)), 0);
    case 'map':
      return ir.entries.reduce((most, [key]) => Math.max(most, textLength(key, texts)), 0);
    case 'box':
    case 'unbox':
      return itemsTextLength(ir.value, texts);
    case 'eventList':
      return ITEM_TEXT_LENGTH;
    case 'loop': {
      const own = itemTextLength(ir.range, texts);
      return ir.transform === null ? own : textLength(ir.transform, new Map(texts).set(ir.local, own));
    }
    default:
      return EVENT_STRING_LENGTH_MAX;
  }
}

/** Functions whose result is no longer than the text that they are called on. */
const SHRINKING = /^string_(lowerAscii|upperAscii|trim|reverse|int_charAt|int_substring|int_int_substring)$/;
const FROM_NUMBERS = /^(int|uint|double|bool|timestamp|duration)_to_string$/;

/** 0 for what is no text. */
function textLength(ir: Ir | undefined, texts: ReadonlyMap<number, number>): number {
  switch (ir?.op) {
    case undefined:
      return 0;
    case 'const':
      return typeof ir.value === 'string' ? ir.value.length : 0;
    case 'slot':
      return ir.rep === 'string' ? EVENT_STRING_LENGTH_MAX : 0;
    case 'meta':
      return ir.rep === 'string' ? ID_BYTES_MAX : 0;
    case 'column':
      return ITEM_TEXT_LENGTH;
    case 'local':
      return texts.get(ir.local) ?? EVENT_STRING_LENGTH_MAX;
    case 'box':
    case 'unbox':
      return textLength(ir.value, texts);
    case 'if':
      return Math.max(textLength(ir.whenTrue, texts), textLength(ir.whenFalse, texts));
    case 'call':
      return callResultLength(ir, texts);
    case 'overload':
      if (SHRINKING.test(ir.id)) return textLength(ir.args[0], texts);
      if (FROM_NUMBERS.test(ir.id)) return NUMBER_TEXT_LENGTH;
      return /_(replace|join|format|string)$|quote$/.test(ir.id) ? EXPRESSION_TEXT_LENGTH_MAX : 0;
    case 'dispatch':
      return EXPRESSION_TEXT_LENGTH_MAX;
    default:
      return 0;
  }
}

function callResultLength(ir: Extract<Ir, { op: 'call' }>, texts: ReadonlyMap<number, number>): number {
  if (ir.name === 'intText') return NUMBER_TEXT_LENGTH;
  if (ir.name === 'concatenate') {
    const both = ir.args.reduce((sum, arg) => sum + textLength(arg, texts), 0);
    return Math.min(EXPRESSION_TEXT_LENGTH_MAX, both);
  }
  // An item of a list or map.
  return ir.rep === 'dyn' ? EVENT_STRING_LENGTH_MAX : 0;
}
