/** Templates as the machine renders them: what they print, that it never depends on anything but their input, and that nothing gets out of hand. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MESSAGE_LENGTH_MAX } from '../../../src/constants.ts';
import { LIQUID_FILTERS } from '../../../src/workspace/liquid-filters.ts';
import { type MessageScope, MessageTemplates } from '../../../src/workspace/message-templates.ts';

const SCOPE: MessageScope = {
  event: {
    id: 'e1',
    type: 'receipt',
    ts: '2010-12-01T08:26:00.000Z',
    total: 139.1,
    store: 'web',
    address: { city: 'Leeds' },
    items: [
      { sku: 'B', name: 'Lantern', qty: 6, price: 2.5 },
      { sku: 'A', name: 'heart', qty: 1, price: 10 },
      { sku: 'C', name: 'Candle', qty: 3 },
    ],
  },
  profile: { country: 'France', spend: 1000, tags: ['b', 'a', 'b'], empty: '', zero: 0, no: false },
  segment: { vip: true },
  offer: { id: 'flowers-20', title: '20 % off flowers' },
  campaign: { id: 'hearts' },
};

function render(source: string, scope: MessageScope = SCOPE): string | null {
  const templates = new MessageTemplates({
    templates: [{ name: 't', channels: [{ body: source }], profileSlots: [], segments: [], readsEvent: true }],
  });
  return templates.render(0, 0, scope)?.['body'] ?? null;
}

describe('a template prints', () => {
  test.each([
    ['Hello', 'Hello'],
    ['{{ profile.country }} {{ event.address.city }} {{ event.items[1].name }}', 'France Leeds heart'],
    [
      '{{ offer.title }}, {{ campaign.id }}, {{ segment.vip }}, {{ event.ts }}',
      '20 % off flowers, hearts, true, 2010-12-01T08:26:00.000Z',
    ],
    ['[{{ profile.city }}{{ event.nothing.at.all }}{{ nil }}]', '[]'],
    [
      "{{ profile.city | default: 'friend' }} {{ profile.empty | default: 'x' }} {{ profile.zero | default: 5 }} {{ profile.no | default: 'y' }}",
      'friend x 0 y',
    ],
    ['{{ profile.no | default: 1, allow_false: true }}', 'false'],
    ['{% if profile.spend > 500 and segment.vip %}vip{% elsif event %}b{% else %}c{% endif %}', 'vip'],
    ['{% unless profile.city %}nowhere{% endunless %}', 'nowhere'],
    ["{% case event.store %}{% when 'web', 'app' %}online{% else %}shop{% endcase %}", 'online'],
    [
      '{% for i in event.items %}{{ forloop.index }}{{ i.sku }}{% unless forloop.last %}, {% endunless %}{% endfor %}',
      '1B, 2A, 3C',
    ],
    ['{% for i in event.items limit: 2 offset: 1 reversed %}{{ i.sku }}{% endfor %}', 'CA'],
    ['{% for i in event.nothing %}x{% else %}none{% endfor %}', 'none'],
    [
      '{% for n in (1..4) %}{% if n == 2 %}{% continue %}{% endif %}{{ n }}{% if n == 3 %}{% break %}{% endif %}{% endfor %}',
      '13',
    ],
    ['{% assign n = event.items | size %}{% capture x %}<{{ n }}>{% endcapture %}{{ x }}{{ x }}', '<3><3>'],
    [
      'a{%- comment -%} no {{ such.thing }} {%- endcomment -%} b{% # neither %}{% raw %}{{ x }}{% endraw %}',
      'ab{{ x }}',
    ],
    ['{{ event.items.size }} {{ event.items.first.sku }} {{ profile.country.size }}', '3 B 6'],
  ])('%s', (source, text) => {
    expect(render(source)).toBe(text);
  });

  test('every field of the message, in order', () => {
    const templates = new MessageTemplates({
      templates: [
        {
          name: 't',
          channels: [null, { title: 'For {{ profile.country }}', body: 'b', constructor: '{{ 1 }}' }],
          profileSlots: [],
          segments: [],
          readsEvent: false,
        },
      ],
    });
    expect(Object.entries(templates.render(0, 1, SCOPE) ?? {})).toEqual([
      ['title', 'For France'],
      ['body', 'b'],
      ['constructor', '1'],
    ]);
    expect(templates.render(0, 0, SCOPE)).toBeNull();
  });
});

/** An example for every filter that there is. */
const FILTER_EXAMPLES: Readonly<Record<string, readonly (readonly [source: string, text: string | null])[]>> = {
  abs: [['{{ -3.5 | abs }}', '3.5']],
  append: [["{{ 'a' | append: 1 }}", 'a1']],
  at_least: [['{{ 3 | at_least: 5 }}', '5']],
  at_most: [['{{ 3 | at_most: 5 }}', '3']],
  capitalize: [
    ["{{ 'hELLO wORLD' | capitalize }}", 'Hello world'],
    ["{{ 'élan' | capitalize }}", 'Élan'],
  ],
  ceil: [['{{ 1.2 | ceil }}', '2']],
  compact: [["{{ event.items | map: 'price' | compact | join: ',' }}", '2.5,10']],
  default: [["{{ x | default: 'y' }}", 'y']],
  divided_by: [
    ['{{ 7 | divided_by: 2 }}', '3.5'],
    ['{{ 7 | divided_by: 0 }}', null],
  ],
  downcase: [["{{ 'ÀΣЖ' | downcase }}", 'àσж']],
  escape: [['{{ \'<a href="x">&amp;\' | escape }}', '&lt;a href=&quot;x&quot;&gt;&amp;amp;']],
  escape_once: [["{{ '<&amp;&' | escape_once }}", '&lt;&amp;&amp;']],
  first: [['{{ profile.tags | first }}', 'b']],
  fixed: [
    ['{{ event.total | fixed: 2 }}', '139.10'],
    ['{{ 2 | fixed }}', '2.00'],
  ],
  floor: [['{{ -1.2 | floor }}', '-2']],
  join: [["{{ profile.tags | join: '+' }}", 'b+a+b']],
  last: [['{{ profile.tags | last }}', 'b']],
  lstrip: [["{{ '  a ' | lstrip }}", 'a ']],
  map: [["{{ event.items | map: 'sku' | join }}", 'B A C']],
  minus: [['{{ 3 | minus: 0.5 }}', '2.5']],
  modulo: [['{{ 7 | modulo: 3 }}', '1']],
  newline_to_br: [['{{ "a\\nb" | newline_to_br }}', 'a<br />\nb']],
  plus: [
    ["{{ '3' | plus: 2 }}", '5'],
    ["{{ 'x' | plus: 2 }}", '2'],
  ],
  prepend: [["{{ 'a' | prepend: 'b' }}", 'ba']],
  remove: [["{{ 'aXbX' | remove: 'X' }}", 'ab']],
  remove_first: [["{{ 'aXbX' | remove_first: 'X' }}", 'abX']],
  remove_last: [["{{ 'aXbX' | remove_last: 'X' }}", 'aXb']],
  replace: [
    ["{{ 'a.b.c' | replace: '.', '$&' }}", 'a$&b$&c'],
    ["{{ 'abc' | replace: '', 'x' }}", 'abc'],
  ],
  replace_first: [["{{ 'a.b.c' | replace_first: '.', '-' }}", 'a-b.c']],
  replace_last: [["{{ 'a.b.c' | replace_last: '.', '-' }}", 'a.b-c']],
  reverse: [['{{ profile.tags | reverse | join }}', 'b a b']],
  round: [
    [
      '{{ 2.5 | round }} {{ -2.5 | round }} {{ 1.255 | round: 1 }} {{ 4503599627370497.5 | round }}',
      '3 -3 1.3 4503599627370498',
    ],
  ],
  rstrip: [["{{ '  a ' | rstrip }}", '  a']],
  size: [["{{ '👍👍' | size }} {{ profile.tags | size }} {{ 5 | size }}", '2 3 0']],
  slice: [
    ["{{ 'a👍c' | slice: 1 }} {{ 'abcd' | slice: -3, 2 }} {{ 'ab' | slice: -5 }}", '👍 bc '],
    ['{{ profile.tags | slice: 1, 2 | join }}', 'a b'],
  ],
  sort: [
    ['{{ profile.tags | sort | join }}', 'a b b'],
    ["{{ event.items | sort: 'name' | map: 'name' | join }}", 'Candle Lantern heart'],
    ["{{ event.items | sort: 'price' | map: 'sku' | join }}", 'B A C'],
  ],
  split: [["{{ 'a,b,,' | split: ',' | join: '-' }}{{ 'ab' | split: '' | size }}", 'a-b2']],
  strip: [["[{{ '  a ' | strip }}]", '[a]']],
  strip_newlines: [['{{ "a\\nb" | strip_newlines }}', 'ab']],
  sum: [["{{ event.items | sum: 'qty' }} {{ profile.tags | sum }}", '10 0']],
  times: [
    ['{{ 3 | times: 1.5 }}', '4.5'],
    [`{{ ${'9'.repeat(300)} | times: ${'9'.repeat(300)} }}`, null],
  ],
  truncate: [
    ["{{ 'abcdefgh' | truncate: 5 }} {{ 'abc' | truncate: 5 }} {{ '👍👍👍' | truncate: 2, '' }}", 'ab... abc 👍👍'],
  ],
  truncatewords: [["{{ 'a b  c d' | truncatewords: 2 }}", 'a b...']],
  uniq: [['{{ profile.tags | uniq | join }}', 'b a']],
  upcase: [["{{ 'straße ғ' | upcase }}", 'STRASSE Ғ']],
  url_encode: [['{{ "a b&é\\ud800" | url_encode }}', 'a+b%26%C3%A9%EF%BF%BD']],
  where: [
    ["{{ event.items | where: 'sku', 'A' | map: 'name' | join }}", 'heart'],
    ["{{ event.items | where: 'price' | size }}", '2'],
  ],
};

describe('filters', () => {
  test('each has an example', () => {
    expect(Object.keys(FILTER_EXAMPLES).toSorted()).toEqual([...LIQUID_FILTERS.keys()].toSorted());
  });

  test.each(Object.values(FILTER_EXAMPLES).flat())('%s', (source, text) => {
    expect(render(source)).toBe(text);
  });

  test.each(['date', 'sample', 'shuffle', 'sort_natural', 'where_exp', 'sha256', 'json', 'inspect', 'date_to_string'])(
    '%s does not exist',
    (name) => {
      expect(render(`{{ 'x' | ${name}: 'y' }}`)).toBeNull();
    },
  );

  test.each(['include', 'render', 'layout', 'block', 'tablerow', 'increment', 'cycle', 'liquid', 'echo'])(
    'nor does the tag %s',
    (name) => {
      expect(render(`{% ${name} 'x' %}`)).toBeNull();
    },
  );
});

describe('rendering follows from its input alone', () => {
  afterEach(() => vi.restoreAllMocks());

  test('whatever clock, chance and locale say', () => {
    const source = Object.values(FILTER_EXAMPLES)
      .flat()
      .flatMap(([text, result]) => (result === null ? [] : [text]))
      .join('\n');
    const before = render(source);
    expect(before).not.toBeNull();
    vi.spyOn(Date, 'now').mockReturnValue(0);
    vi.spyOn(performance, 'now').mockReturnValue(1e15);
    vi.spyOn(Math, 'random').mockImplementation(() => {
      throw new Error('chance');
    });
    vi.spyOn(String.prototype, 'localeCompare').mockImplementation(() => {
      throw new Error('locale');
    });
    vi.spyOn(Intl, 'DateTimeFormat').mockImplementation(() => {
      throw new Error('locale');
    });
    expect(render(source)).toBe(before);
  });

  test('and leaves its input as it was', () => {
    const scope = structuredClone(SCOPE);
    render("{% assign t = profile.tags | sort | reverse %}{{ event.items | sort: 'sku' | map: 'sku' | join }}", scope);
    expect(scope).toEqual(SCOPE);
  });

  test('case mappings keep to scripts that have been the same for long', () => {
    // U+019B and U+0264 got capitals in Unicode 16.
    expect(render("{{ '\u019b\u0264' | upcase }}")).toBe('\u019b\u0264');
  });
});

describe('nothing gets out of hand', () => {
  const items = Array.from({ length: 4096 }, (_, i) => ({ sku: `S${i}` }));
  const long: MessageScope = { ...SCOPE, event: { items, text: 'x'.repeat(60_000) } };

  test('the longest list can be gone through', () => {
    expect(render('{% for i in event.items %}{{ i.sku }} {% endfor %}', long)?.length).toBe(
      items.map((item) => `${item.sku} `).join('').length,
    );
  });

  test.each([
    ['a loop in a loop', '{% for i in event.items %}{% for j in event.items %}{% endfor %}{% endfor %}'],
    ['a long body', `{% for i in event.items %}${'{% if i.x %}{% endif %}'.repeat(500)}{% endfor %}`],
    ['an endless range', '{% for i in (1..1000000000) %}{% endfor %}'],
    [
      'a text that doubles',
      `{% assign x = 'xxxxxxxxxxxxxxxx' %}${'{% assign x = x | append: x %}'.repeat(60)}{{ x | size }}`,
    ],
    [
      'a capture that doubles',
      `{% assign x = 'xxxxxxxxxxxxxxxx' %}${'{% capture x %}{{ x }}{{ x }}{% endcapture %}'.repeat(60)}{{ x | size }}`,
    ],
    ['a replacement that multiplies', "{{ event.text | replace: 'x', event.text | size }}"],
    ['a long message', '{{ event.text }}{{ event.text }}'],
  ])('%s', (_, source) => {
    expect(render(source, long)).toBeNull();
  });

  test('the bound on a message is for all its fields together', () => {
    const body = 'y'.repeat(MESSAGE_LENGTH_MAX - 1);
    const templates = new MessageTemplates({
      templates: [
        { name: 't', channels: [{ body, title: 'a' }], profileSlots: [], segments: [], readsEvent: false },
        { name: 'u', channels: [{ body, title: 'ab' }], profileSlots: [], segments: [], readsEvent: false },
      ],
    });
    expect(templates.render(0, 0, SCOPE)).not.toBeNull();
    expect(templates.render(1, 0, SCOPE)).toBeNull();
  });

  test('one failure does not spoil the next rendering', () => {
    const templates = new MessageTemplates({
      templates: [
        {
          name: 't',
          channels: [{ body: '{{ 6 | divided_by: event.n }}' }],
          profileSlots: [],
          segments: [],
          readsEvent: true,
        },
      ],
    });
    expect(templates.render(0, 0, { ...SCOPE, event: { n: 0 } })).toBeNull();
    expect(templates.render(0, 0, { ...SCOPE, event: { n: 3 } })).toEqual({ body: '2' });
  });
});

describe('only own properties are read', () => {
  test.each([
    'event.constructor',
    'event.__proto__',
    'event.toString',
    'profile.hasOwnProperty',
    "event['constructor']['prototype']",
    'event.items.map',
    'constructor',
    '__proto__.toString',
  ])('{{ %s }} is empty', (path) => {
    expect(render(`[{{ ${path} }}]`)).toBe('[]');
  });

  test('scopes without prototypes will do', () => {
    const event = Object.assign(Object.create(null), { total: 5 });
    expect(render('{{ event.total }}{{ event }}', { ...SCOPE, event })).toBe('5');
  });
});
