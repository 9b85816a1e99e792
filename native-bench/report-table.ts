/** The report for a terminal: a table per suite, then the bars. Colours only where a terminal shows them and nobody objects. */
import { styleText } from 'node:util';
import { BARS } from './bars.ts';
import { formatNumber } from './format-number.ts';
import type { BarRatio, Report } from './report.ts';
import type { Spread } from './suite.ts';
import type { SuiteResult } from './suite-result.ts';

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';
const TEXT_WIDTH = 120;
const NAME_WIDTH_MAX = 60;

export type Paint = (style: Style, text: string) => string;

/** For a stream that is a terminal or not; https://no-color.org. */
export function painter(isTerminal: boolean): Paint {
  const colours = isTerminal && (process.env['NO_COLOR'] ?? '') === '';
  return (style, text) => (colours ? styleText(style, text) : text);
}

export function suiteTable(result: SuiteResult, paint: Paint): string {
  const { suite, status, error, seconds, measurements, ratios, skips, notes } = result;
  const state = status === 'done' ? '' : `  ${paint(status === 'failed' ? 'red' : 'yellow', status)}`;
  const lines = [
    '',
    `${paint('bold', suite.name)}  ${paint('dim', `${suite.about}, ${seconds.toFixed(1)} s`)}${state}`,
  ];
  if (measurements.length > 0) {
    const rows = measurements.map(({ name, unit, detail = '', ...spread }) => rowOf(name, spread, unit, detail));
    lines.push(...table(['', 'median', '', 'low', 'high'], rows, paint));
  }
  if (ratios.length > 0) {
    const rows = ratios.map(({ key, name, detail, ...spread }) =>
      rowOf(
        key === null || key === name ? name : `${name} (${key})`,
        spread,
        key === null ? '×' : BARS[key].unit,
        detail,
      ),
    );
    lines.push(...table(['ratio', 'median', '', 'low', 'high'], rows, paint));
  }
  for (const note of notes) lines.push(...wrap(note, '  '));
  for (const { what, why } of skips) lines.push(...wrap(`${what}: ${why}`, `  ${paint('yellow', 'skipped')} `, 10));
  if (error !== null) lines.push(...error.split('\n').map((line) => `  ${paint('red', line)}`));
  return lines.join('\n');
}

/** Empty if no suite that ran has a bar; of all bars only where all suites ran. */
export function barTable({ ratios, quick }: Report, everything: boolean, paint: Paint): string {
  const told = Object.entries(ratios).filter(([, { suite }]) => everything || suite !== null);
  if (told.length === 0) return '';
  const rows = told.map(([key, { median, low, high, rounds, unit, wanted, bar, ...ratio }]) => {
    const style = ratio.met === null ? 'dim' : ratio.met ? 'green' : 'red';
    const spread = median === null || low === null || high === null ? null : { median, low, high, rounds };
    return {
      cells: [...cellsOf(key, spread, unit), `${wanted === 'at least' ? '≥' : '≤'} ${formatBar(bar)} ${unit}`],
      end: paint(style, verdict(ratio, quick)),
      detail: '',
    };
  });
  return [
    '',
    paint('bold', 'Bars'),
    ...table(['', 'median', '', 'low', 'high', 'bar'], rows, paint),
    ...(quick ? ['  A quick run: these numbers show that the benchmarks work, and nothing else.'] : []),
  ].join('\n');
}

export function machineLines({ machine, seconds }: Report, paint: Paint): string {
  const { cpu, cores, memoryGiB, system, node, loadAtBegin, loadAtEnd, warnings } = machine;
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, load ${loadAtBegin.toFixed(2)} → ${loadAtEnd.toFixed(2)}, ${(seconds / 60).toFixed(1)} minutes`,
    ...warnings.map((warning) => paint('yellow', `warning: ${warning}`)),
  ].join('\n');
}

function verdict({ met, missedBy, reason }: Pick<BarRatio, 'met' | 'missedBy' | 'reason'>, quick: boolean): string {
  if (reason !== null) return reason;
  if (quick) return 'no claim';
  return met === true
    ? 'met'
    : `missed by ${((missedBy ?? 0) * 100).toFixed(missedBy !== null && missedBy < 0.1 ? 1 : 0)} %`;
}

function formatBar(value: number): string {
  return value >= 1000 ? formatNumber(value) : String(value);
}

function rowOf(name: string, spread: Spread, unit: string, detail: string): Row {
  return { cells: cellsOf(name, spread, unit), end: '', detail };
}

/** A single measurement has no spread worth showing. */
function cellsOf(name: string, spread: Spread | null, unit: string): string[] {
  if (spread === null) return [name, '–', unit, '', ''];
  const { median, low, high, rounds } = spread;
  return [name, formatNumber(median), unit, ...(rounds === 1 ? ['', ''] : [formatNumber(low), formatNumber(high)])];
}

interface Row {
  /** The first is a name, which may be long. */
  readonly cells: readonly string[];
  /** Behind the last cell. */
  readonly end: string;
  /** Below, once for rows that follow each other and share it. */
  readonly detail: string;
}

/** Names, units and bars to the left, numbers to the right. */
function table(headers: readonly string[], rows: readonly Row[], paint: Paint): string[] {
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...rows.map(({ cells }) => Math.min(NAME_WIDTH_MAX, cells[column]?.length ?? 0))),
  );
  const line = (cells: readonly string[]) =>
    `  ${cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const left = column === 0 || headers[column] === '' || headers[column] === 'bar';
        const text = left ? cell.padEnd(width) : cell.padStart(width);
        return headers[column] === 'low' || headers[column] === 'high' ? paint('dim', text) : text;
      })
      .join('  ')}`;
  const lines = [paint('dim', line(headers).trimEnd())];
  for (const [index, { cells, end, detail }] of rows.entries()) {
    const name = wrapped(cells[0] ?? '', NAME_WIDTH_MAX);
    for (const part of name.slice(0, -1)) lines.push(`  ${part}`);
    lines.push(`${line([name.at(-1) ?? '', ...cells.slice(1)])}  ${end}`.trimEnd());
    if (detail !== '' && rows[index + 1]?.detail !== detail)
      lines.push(...wrapped(detail, TEXT_WIDTH - 6).map((text) => `      ${paint('dim', text)}`));
  }
  return lines;
}

function wrap(text: string, prefix: string, indent = prefix.length): string[] {
  return wrapped(text, TEXT_WIDTH - indent).map((line, index) => (index === 0 ? prefix : ' '.repeat(indent)) + line);
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
