import fc from 'fast-check';
import { Packr, pack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { Payload } from '../../../src/machine/decode/payload.ts';
import { Fault } from '../../../src/machine/fault.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const payload = new Payload(new Fault());

interface Cut {
  readonly value?: unknown;
  readonly fault?: string;
  readonly raw: string;
}

function cut(bytes: Uint8Array): Cut[] {
  const cuts: Cut[] = [];
  payload.open(bytes);
  while (payload.next()) {
    const raw = decoder.decode(payload.raw());
    cuts.push(payload.ok ? { value: payload.value, raw } : { fault: payload.fault.error, raw });
  }
  return cuts;
}
const cutText = (text: string): Cut[] => cut(encoder.encode(text));

describe('JSON', () => {
  test('one event, with space around it', () => {
    expect(cutText(' {"a":1}\n')).toEqual([{ value: { a: 1 }, raw: '{"a":1}\n' }]);
  });

  test('an array, each with its own bytes', () => {
    expect(cutText('[{"a":"]"}, {"b":[1,{}]} ,3]')).toEqual([
      { value: { a: ']' }, raw: '{"a":"]"}' },
      { value: { b: [1, {}] }, raw: '{"b":[1,{}]}' },
      { value: 3, raw: '3' },
    ]);
  });

  test('an empty array holds no event', () => {
    expect(cutText('[ ]')).toEqual([]);
  });

  test('a malformed element is set aside alone', () => {
    expect(cutText('[{"a":1},{"b":nope,"c":[1,"]"]},{"d":4}]')).toEqual([
      { value: { a: 1 }, raw: '{"a":1}' },
      { fault: 'not JSON: unexpected "o" at byte 15', raw: '{"b":nope,"c":[1,"]"]}' },
      { value: { d: 4 }, raw: '{"d":4}' },
    ]);
  });

  test.each([
    ['[{"a":1},]', ['{"a":1}', ''], 'unexpected "]" at byte 9'],
    ['[{"a":1} {"b":2}, {"c":3}]', ['{"a":1} {"b":2}', '{"c":3}'], 'unexpected "{" at byte 9'],
    ['[{"a":1}', ['{"a":1}', ''], 'the text ends at byte 8'],
    ['[{"a":1}] x', ['{"a":1}', 'x'], 'unexpected "x" at byte 10'],
    ['{"a":1', ['{"a":1'], 'the text ends at byte 6'],
    ['', [''], 'the text ends at byte 0'],
    ['{"a":01}', ['{"a":01}'], 'unexpected "1" at byte 6'],
    ['{"a":"\u0001"}', ['{"a":"\u0001"}'], 'unexpected byte 0x1 at byte 6'],
    ['{"a":"\\x"}', ['{"a":"\\x"}'], 'unexpected "x" at byte 7'],
    ["{'a':1}", ["{'a':1}"], `unexpected "'" at byte 1`],
    ['\ufeff{"a":1}', ['\ufeff{"a":1}'], 'unexpected byte 0xef at byte 0'],
    ['{"a":NaN}', ['{"a":NaN}'], 'unexpected "N" at byte 5'],
  ])('%s', (text, raws, error) => {
    const cuts = cutText(text);
    expect(cuts.map((each) => each.raw.replace(/^/, text.startsWith('\ufeff') ? '\ufeff' : ''))).toEqual(raws);
    const faults = cuts.flatMap((each) => each.fault ?? []);
    expect(faults).toEqual([`not JSON: ${error}`]);
  });

  test('bad UTF-8 spoils its own element only', () => {
    const bytes = encoder.encode('[{"a":1},{"b":"??"},{"c":3}]');
    bytes.set([0xc3, 0x28], bytes.indexOf(0x3f));
    expect(cut(bytes).map((each) => each.value ?? each.fault)).toEqual([{ a: 1 }, 'not UTF-8', { c: 3 }]);
  });

  test('an event beyond its limit is too large, its neighbours are not', () => {
    const long = JSON.stringify({ a: 'x'.repeat(256 * 1024) });
    const cuts = cutText(`[{"a":1},${long},{"c":3}]`);
    expect(cuts.map((each) => each.value ?? each.fault)).toEqual([
      { a: 1 },
      `the event has ${long.length} bytes, 262144 are allowed`,
      { c: 3 },
    ]);
    expect(cutText(long)[0]?.fault).toContain('262144 are allowed');
  });

  test('a message beyond its limit is one rejection', () => {
    expect(cutText(' '.repeat(1024 * 1024 + 1)).map((each) => each.fault)).toEqual([
      'the message has 1048577 bytes, 1048576 are allowed',
    ]);
  });
});

test('cutting element by element agrees with JSON.parse on well-formed elements', () => {
  const element = fc.json({ maxDepth: 4 });
  fc.assert(
    fc.property(fc.array(element, { minLength: 1, maxLength: 8 }), fc.nat(), (elements, at) => {
      const broken = at % (elements.length + 1);
      const texts = [...elements.slice(0, broken), '{"x":tru}', ...elements.slice(broken)];
      const cuts = cutText(`[${texts.join(' , ')}]`);
      expect(cuts.map((each) => each.raw)).toEqual(texts);
      cuts.forEach((each, i) => {
        if (i === broken) expect(each.fault).toMatch(/^not JSON: unexpected "}"/);
        else expect(each.value).toEqual(JSON.parse(texts[i] as string));
      });
    }),
  );
});

describe('MessagePack', () => {
  test('plain: each event with its own bytes', () => {
    payload.open(pack([{ a: 1 }, { b: 'two' }]));
    const raws: Uint8Array[] = [];
    while (payload.next()) raws.push(payload.raw());
    expect(raws).toEqual([pack({ a: 1 }), pack({ b: 'two' })].map((each) => new Uint8Array(each)));
  });

  test('records: an event is kept as JSON, since its bytes do not stand alone', () => {
    const bytes = new Packr({ useRecords: true }).pack([{ a: 1 }, { a: 2 }]);
    expect(cut(bytes).map((each) => each.raw)).toEqual(['{"a":1}', '{"a":2}']);
  });

  test('what stands behind an unreadable event is rejected with it', () => {
    const bytes = Uint8Array.from([0x93, ...pack({ a: 1 }), 0xc1, 0xc0]);
    const cuts = cut(bytes);
    expect(cuts[0]?.value).toEqual({ a: 1 });
    expect(cuts[1]?.fault).toBe(
      'not MessagePack that Beckon reads: type byte 0xc1 is not supported; the 1 events behind it could not be read either',
    );
    expect(cuts).toHaveLength(2);
  });

  test('bytes behind the last value', () => {
    expect(cut(Uint8Array.from([...pack({ a: 1 }), 0x01]))[0]?.fault).toContain('1 bytes behind the last value');
  });
});

test('any bytes are cut into at least one event or a list', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 100 }),
      fc.constantFrom(...['[', '[{', '{"', '[[['].map((text) => encoder.encode(text))),
      (tail, head) => {
        for (const bytes of [tail, Uint8Array.from([...head, ...tail])]) {
          payload.open(bytes);
          let count = 0;
          while (payload.next()) {
            payload.raw();
            count++;
          }
          expect(count).toBeLessThanOrEqual(bytes.length + 2);
        }
      },
    ),
    { numRuns: 3000 },
  );
});
