/** Intermediate form to JavaScript, the part about codes of places (place-codes.ts). K is the PlaceReader, filled for the event at hand. */
import { assert } from '../stdx/assert.ts';
import type { Emitter } from './emitter.ts';
import { requireElement, requireList, requirePresent, value } from './generate.ts';
import type { Ir } from './ir.ts';

type CodeIr = Extract<Ir, { op: 'placeCode' | 'columnCode' | 'amongMask' | 'anyElement' | 'noGaps' }>;

export function codeValue(emitter: Emitter, ir: CodeIr, fail: string): string {
  switch (ir.op) {
    case 'placeCode':
      requirePresent(emitter, ir.from, ir, fail);
      return fieldCode(emitter, ir.place);
    case 'columnCode': {
      const index = value(emitter, ir.element, fail);
      requireElement(emitter, ir, index, fail);
      return `${emitter.alias(`K_codes${ir.place}`, `K.columns[${ir.place}].codes`)}[${index}]`;
    }
    case 'amongMask':
      return amongMask(emitter, ir, fail);
    case 'anyElement':
      return anyElement(emitter, ir, fail);
    case 'noGaps':
      return `(${gaps(emitter, ir.place)} === 0)`;
  }
}

function fieldCode(emitter: Emitter, place: number): string {
  const field = emitter.alias('K_field', 'K.field');
  return emitter.alias(`${field}${place}`, `${field}[${place}]`);
}

function gaps(emitter: Emitter, place: number): string {
  return emitter.alias(`K_gaps${place}`, `K.columns[${place}].gaps`);
}

/** One word and one bit of it are the same for all rules; a code that no rule names has no bit. */
function amongMask(emitter: Emitter, ir: Extract<Ir, { op: 'amongMask' }>, fail: string): string {
  const { code, mask, words } = ir;
  assert(code.op === 'placeCode' && mask.op === 'lifted', 'a field of which the constants are lifted');
  const known = value(emitter, code, fail);
  const bit = emitter.alias(`K_bit${code.place}`, `${known} < 0 ? 0 : 1 << ${known}`);
  const first = mask.uniform === true ? '0' : words === 1 ? 'r' : `r * ${words}`;
  if (words === 1) return `((${emitter.vector(mask.vector)}[${first}] & ${bit}) !== 0)`;
  const word = emitter.alias(`K_word${code.place}`, `${known} < 0 ? 0 : ${known} >> 5`);
  return `((${emitter.vector(mask.vector)}[${first} + ${word}] & ${bit}) !== 0)`;
}

function anyElement(emitter: Emitter, ir: Extract<Ir, { op: 'anyElement' }>, fail: string): string {
  const { place, list, codes } = ir;
  assert(codes.op === 'lifted', 'constants are lifted');
  if (!ir.sure) requireList(emitter, list, fail);
  const seen = emitter.alias(`K_seen${place}`, `K.columns[${place}].seen`);
  const starts = emitter.starts(codes.vector);
  const row = codes.uniform === true ? '0' : 'r';
  const next = codes.uniform === true ? '1' : 'r + 1';
  const found =
    codes.rep === 'codes'
      ? `R.anySeen(${emitter.vector(codes.vector)}, ${starts}[${row}], ${starts}[${next}], ${seen})`
      : `(${seen}[${value(emitter, codes, fail)}] !== 0)`;
  if (ir.sure || !ir.gaps) return found;
  const name = emitter.name('t');
  emitter.emit(`const ${name} = ${found};`);
  emitter.emit(`if (!${name} && ${gaps(emitter, place)} !== 0) ${fail}`);
  return name;
}
