/** Writes JSON as no serializer would, but as RFC 8259 allows: random white space, escapes, keys given twice. And breaks it. */
import type { Prng } from '../../src/stdx/prng.ts';

const spaces = ['', '', '', ' ', '\n', '\t', '\r\n', '  '];

/** `oneLine`: without line breaks, for NDJSON. */
export function spellOddly(value: unknown, prng: Prng, oneLine = false): string {
  const space = (): string => {
    const text = prng.pick(spaces);
    return oneLine ? text.replace(/[\r\n]+/, ' ') : text;
  };
  const spell = (inner: unknown): string => {
    if (typeof inner === 'string') return spellString(inner, prng);
    if (Array.isArray(inner)) return `[${space()}${inner.map((item) => spell(item) + space()).join(`,${space()}`)}]`;
    if (typeof inner !== 'object' || inner === null) return JSON.stringify(inner);
    const members = Object.entries(inner).map(([key, item]) => {
      const member = `${spellString(key, prng)}${space()}:${space()}${spell(item)}${space()}`;
      // The last of equal keys counts.
      return prng.below(12) === 0 ? `${spellString(key, prng)}:${prng.pick(['1', '"other"', '{}'])},${member}` : member;
    });
    return `{${space()}${members.join(`,${space()}`)}}`;
  };
  return spell(value);
}

function spellString(text: string, prng: Prng): string {
  let spelt = '"';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Lone surrogates have no UTF-8: only an escape can write them.
    const mustEscape = unit < 0x20 || unit === 0x22 || unit === 0x5c || (unit >= 0xd800 && unit <= 0xdfff);
    const hex = `\\u${unit.toString(16).padStart(4, '0')}`;
    if (mustEscape || prng.below(10) === 0)
      spelt += prng.below(2) === 0 ? hex : hex.toUpperCase().replace('\\U', '\\u');
    else spelt += text[i];
  }
  return `${spelt}"`;
}

const junk = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '0',
  '-',
  'e',
  '.',
  't',
  'null',
  ' ',
  '\n',
  '\u0000',
  '\\u00',
  '1.',
];

/** One to three bytes' worth of damage. */
export function damage(text: string, prng: Prng): string {
  let damaged = text;
  for (let i = prng.below(3); i >= 0; i--) {
    const at = prng.below(damaged.length + 1);
    const kind = prng.below(4);
    if (kind === 0) damaged = damaged.slice(0, at);
    else if (kind === 1) damaged = damaged.slice(0, at) + damaged.slice(at + 1);
    else if (kind === 2) damaged = damaged.slice(0, at) + prng.pick(junk) + damaged.slice(at);
    else damaged = damaged.slice(0, at) + prng.pick(junk) + damaged.slice(at + 1);
  }
  return damaged;
}
