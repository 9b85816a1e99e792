/** What people see for wrong Liquid, at its place in the YAML. */
import { expect, test } from 'vitest';
import { edited, issueLines, smallWorkspace } from '../../support/workspaces/small-workspace.ts';

const NEEDED = 'what a message says must follow from the event and the profile alone';

/** The lines for a template whose push message is a block of YAML, its text beginning on line 3, column 5. */
function linesOf(liquid: string): string[] {
  const body = liquid.replaceAll('\n', '\n    ');
  return issueLines(smallWorkspace({ 'templates/hearts.yaml': `push:\n  body: |\n    ${body}\nsms: {text: x}\n` })).map(
    (line) => line.replace('templates/hearts.yaml:', ''),
  );
}

test.each([
  ["{{ event.ts | date: '%d' }}", [`3:19 filter \`date\` is not available: it depends on clock and locale; ${NEEDED}`]],
  ['{{ profile.tags | sample }}', [`3:23 filter \`sample\` is not available: it is left to chance; ${NEEDED}`]],
  ["{{ 'x' | upcas }}", ['3:14 filter `upcas` is not available; did you mean `upcase`?']],
  ["{{ 'x' | sha256 }}", ['3:14 filter `sha256` is not available']],
  ["{{ 'x' | truncate: 1, 2, 3 }}", ['3:14 filter `truncate` takes 0 to 2 arguments, not 3']],
  ["{{ 'x' | append }}", ['3:14 filter `append` takes 1 argument, not 0']],
  ["{{ 'x' | upcase: 1 }}", ['3:14 filter `upcase` takes no argument, not 1']],
  ["{% include 'x' %}", ['3:5 tag `include` is not available: a message stands in one piece, without other files']],
  ['{% iff x %}', ['3:5 tag `iff` is not available; did you mean `if`?']],
  ['{% endif %}', ['3:5 `{% endif %}` has no tag that it belongs to']],
  ['{% if event.total %}x', ['3:5 not valid Liquid: tag {% if event.total %} not closed']],
  ['a\nb {{ event.total', ['4:7 not valid Liquid: output "{{ event.total\\n" not closed']],
  ['{{ profile.cuntry }}', ['3:16 unknown attribute or aggregate `cuntry`; did you mean `country`?']],
  ["{{ profile['cuntry'] }}", ['3:16 unknown attribute or aggregate `cuntry`; did you mean `country`?']],
  ['{{ event.totl }}', ['3:14 event `receipt` has no field `totl`; did you mean `total`?']],
  ['{{ event.address.cty }}', ['3:22 event `receipt` has no field `cty`; did you mean `city`?']],
  ['{{ segment.vp }}', ['3:16 unknown segment `vp`; did you mean `vip`?']],
  ['{{ offer.titel }}', ['3:14 an offer has no `titel`; did you mean `title`?']],
  [
    '{{ customer }}',
    ['3:8 unknown variable `customer`; there are `event`, `trigger`, `profile`, `segment`, `offer`, `campaign`'],
  ],
  ['{{ event.address }}', ['3:8 `event.address` is no single value: name one of its fields']],
  ['{{ event.items }}', ['3:8 `event.items` is a list: go through it with `for`, or use `join` or `size`']],
  ['{{ profile | size }}', ['3:18 a filter works on a value or a list: name a field before `| size`']],
  ["{{ 'x' | append: event }}", ['3:22 an argument of a filter is a single value: name a field']],
  ['{{ event.items.length }}', ['3:20 a list has no `length`: go through it with `for`, or use first, last or size']],
  ['{{ event.total.x }}', ['3:20 a double has no field `x`']],
  ['{{ profile[event.store] }}', ['3:16 a field must be named, not computed']],
  ['{{ event.total event.store }}', ['3:20 `event.store` stands alone: an operator or a filter is missing before it']],
  ['{% for i in event.total %}{% endfor %}', ['3:17 `event.total` is no list: `for` goes through lists']],
  ['{% for i in event.items limt: 3 %}{% endfor %}', ['3:29 `for` has no option `limt`; did you mean `limit`?']],
  [
    '{% for i in event.items %}\n{{ i.nam }}\n{% endfor %}',
    ['4:10 an element of `event.items` has no field `nam`; did you mean `name`?'],
  ],
  [
    '{% for i in event.items %}{% endfor %}{{ i.name }}',
    ['3:46 unknown variable `i`; there are `event`, `trigger`, `profile`, `segment`, `offer`, `campaign`'],
  ],
  [
    '{% assign a = event.items | first %}{{ a.nam }}',
    ['3:46 an element of `event.items` has no field `nam`; did you mean `name`?'],
  ],
  [
    '{{ forloop.index }}',
    ['3:8 unknown variable `forloop`; there are `event`, `trigger`, `profile`, `segment`, `offer`, `campaign`'],
  ],
  [
    `${'{% if event.total %}'.repeat(17)}x${'{% endif %}'.repeat(17)}`,
    ['3:325 tags inside tags go too deep: at most 16'],
  ],
])('%j', (liquid, lines) => {
  expect(linesOf(liquid)).toEqual(lines);
});

test.each([
  '{{ event.items.size }} {{ event.items.first.name }} {{ event.items[0].sku }} {{ profile.country.size }}',
  '{% if offer %}{{ offer.title | upcase }}{% endif %}{% if event.total > 5 and profile.country == "FR" or segment.vip %}a{% endif %}',
  '{% for i in event.items reversed %}{{ forloop.index }} {{ i.name | default: event.store }}{% else %}none{% endfor %}',
  '{% assign names = event.items | map: "name" | uniq %}{{ names | join: ", " }}{% capture c %}{{ names.first }}{% endcapture %}{{ c }}',
  '{% for t in profile.tags %}{{ t | capitalize }}{% endfor %}{% for n in (1..3) %}{{ n }}{% endfor %}',
  '{% case event.store %}{% when "web" %}{{ event.id }}{% else %}{{ event.type }} {{ event.ts }}{% endcase %}',
  '{% unless profile.loyalty %}{{ campaign.id }}{% endunless %}{% raw %}{{ anything | goes }}{% endraw %}{% comment %}{{ here.too }}{% endcomment %}',
])('nothing is wrong with %j', (liquid) => {
  expect(linesOf(liquid)).toEqual([]);
});

test('a template is held against the events of all campaigns that use it', () => {
  const changes = {
    ...edited('templates/hearts.yaml', 'For you', '{{ event.total }}'),
    'campaigns/b.yaml': 'id: b\non: login\nchannels: [push]\ntemplate: hearts\noffer: flowers-20\n',
  };
  expect(issueLines(smallWorkspace(changes))).toEqual([
    'templates/hearts.yaml:1:25 event `login` has no field `total`',
  ]);
});

test('a template that no campaign uses may read any field', () => {
  expect(
    issueLines(smallWorkspace({ 'templates/other.yaml': 'push: {a: "{{ event.anything }} {{ profile.cuntry }}"}\n' })),
  ).toEqual(['templates/other.yaml:1:44 unknown attribute or aggregate `cuntry`; did you mean `country`?']);
});

test('in quotes, behind escapes', () => {
  expect(
    issueLines(smallWorkspace(edited('templates/hearts.yaml', '"For you"', '"\\u00e9 \\"{{ profile.cuntry }}\\""'))),
  ).toEqual(['templates/hearts.yaml:1:36 unknown attribute or aggregate `cuntry`; did you mean `country`?']);
});
