/** What an attribute is until it is set, checked against its type. */
import { DEFAULT_LIST_LENGTH_MAX } from '../constants.ts';
import type { ValueType } from '../protocol/schema.ts';
import { parseDate } from './calendar.ts';
import { show } from './definition-parts.ts';
import type { IssueList } from './issue-list.ts';
import type { Attribute } from './workspace.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

type Default = Attribute['default'];

const EXPECTED: Readonly<Record<ValueType, string>> = {
  bool: '`true` or `false`',
  int: 'a whole number within ±(2^53 − 1)',
  double: 'a number',
  string: 'a text',
  timestamp: 'a timestamp such as 2010-12-01T08:26:00Z, or epoch milliseconds',
  'list<string>': `a list of at most ${DEFAULT_LIST_LENGTH_MAX} texts`,
};

export function compileDefault(
  value: NonNullable<Default>,
  type: ValueType,
  file: YamlFile,
  path: YamlPath,
  issues: IssueList,
): Default {
  const converted = convert(value, type);
  if (converted === null)
    issues.report(
      file.name,
      file.valueMark(path),
      `expected ${EXPECTED[type]} (the attribute is ${type === 'int' ? 'an' : 'a'} ${type}), got ${show(value)}`,
    );
  return converted;
}

function convert(value: NonNullable<Default>, type: ValueType): Default {
  switch (type) {
    case 'bool':
      return typeof value === 'boolean' ? value : null;
    case 'int':
      return Number.isSafeInteger(value) ? value : null;
    case 'double':
      return typeof value === 'number' ? value : null;
    case 'string':
      return typeof value === 'string' ? value : null;
    case 'timestamp':
      return typeof value === 'string' ? parseTimestamp(value) : Number.isSafeInteger(value) ? value : null;
    case 'list<string>':
      return Array.isArray(value) && value.length <= DEFAULT_LIST_LENGTH_MAX ? value : null;
  }
}

const TIMESTAMP_PATTERN = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** The runtime's own parser takes 30 February for 2 March. */
function parseTimestamp(text: string): number | null {
  if (!TIMESTAMP_PATTERN.test(text) || parseDate(text.slice(0, 10)) === null) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
