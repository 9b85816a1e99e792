/** The report for a terminal: a table per suite, then the bars. Colours only where a terminal shows them and nobody objects. */
import { styleText } from 'node:util';
import { formatNumber } from './format-number.ts';
import type { MachineDescription } from './machine-description.ts';
import type { BarRatio, Report } from './report.ts';
import type { Spread } from './suite.ts';
import type { SuiteResult } from './suite-result.ts';

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';
export type Paint = (style: Style, text: string) => string;

/** For a stream that is a terminal or not; https://no-color.org. */
export function painter(isTerminal: boolean): Paint {
  const colours = isTerminal && (process.env['NO_COLOR'] ?? '') === '';
  return (style, text) => (colours ? styleText(style, text) : text);
}

const TEXT_WIDTH = 100;

export function suiteTable(result: SuiteResult, paint: Paint): string {
  const { suite, status, error, seconds, measurements, ratios, skips, notes } = result;
  const state = status === 'done' ? '' : `  ${paint(status === 'failed' ? 'red' : 'yellow', status)}`;
  const lines = [
    '',
    `${paint('bold', suite.name)}  ${paint('dim', `${suite.about}, ${seconds.toFixed(1)} s`)}${state}`,
  ];
  if (measurements.length > 0)
    lines.push(
      ...table(
        ['', 'median', '', 'low', 'high', ''],
        measurements.map(({ name, unit, detail, ...spread }) => [name, ...numbers(spread, unit), detail ?? '']),
        paint,
      ),
    );
  if (ratios.length > 0)
    lines.push(
      ...table(
        ['ratio', 'median', '', 'low', 'high', ''],
        ratios.map(({ key, name, detail, ...spread }) => [
          key === null || key === name ? name : `${name} (${key})`,
          ...numbers(spread, ''),
          detail,
        ]),
        paint,
      ),
    );
  for (const note of notes) lines.push(...wrap(note, '  '));
  for (const { what, why } of skips) lines.push(...wrap(`${what}: ${why}`, `  ${paint('yellow', 'skipped')} `, 10));
  if (error !== null) lines.push(...error.split('\n').map((line) => `  ${paint('red', line)}`));
  return lines.join('\n');
}

export function barTable({ ratios, quick }: Report, paint: Paint): string {
  const rows = Object.entries(ratios).map(([key, ratio]) => [
    key,
    ratio.median === null ? '–' : formatNumber(ratio.median),
    ratio.unit,
    ratio.low === null ? '' : formatNumber(ratio.low),
    ratio.high === null ? '' : formatNumber(ratio.high),
    `${ratio.wanted === 'at least' ? '≥' : '≤'} ${formatBar(ratio.bar)} ${ratio.unit}`,
    verdict(ratio, quick),
  ]);
  return [
    '',
    paint('bold', 'Bars'),
    ...table(['', 'median', '', 'low', 'high', 'bar', ''], rows, (style, text) => {
      if (style !== 'dim') return paint(style, text);
      return text.startsWith('met')
        ? paint('green', text)
        : text.startsWith('missed')
          ? paint('red', text)
          : paint('dim', text);
    }),
    ...(quick ? ['  A quick run: these numbers show that the benchmarks work, and nothing else.'] : []),
  ].join('\n');
}

export function machineLines(machine: MachineDescription, paint: Paint): string {
  const { cpu, cores, memoryGiB, system, node, loadAtBegin, loadAtEnd, warnings } = machine;
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, load ${loadAtBegin.toFixed(2)} → ${loadAtEnd.toFixed(2)}`,
    ...warnings.map((warning) => paint('yellow', `warning: ${warning}`)),
  ].join('\n');
}

function verdict({ met, missedBy, reason }: BarRatio, quick: boolean): string {
  if (reason !== null) return reason;
  if (quick) return 'no claim';
  return met === true
    ? 'met'
    : `missed by ${((missedBy ?? 0) * 100).toFixed(missedBy !== null && missedBy < 0.1 ? 1 : 0)} %`;
}

function formatBar(value: number): string {
  return value >= 1000 ? formatNumber(value) : String(value);
}

function numbers({ median, low, high, rounds }: Spread, unit: string): string[] {
  return rounds === 1
    ? [formatNumber(median), unit, '', '']
    : [formatNumber(median), unit, formatNumber(low), formatNumber(high)];
}

/** First column, units and last column to the left, numbers to the right. The last one may be long and is wrapped below itself. */
function table(headers: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string[] {
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[], style: (text: string, column: number) => string) =>
    `  ${cells
      .slice(0, -1)
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const left = column === 0 || headers[column] === '' || headers[column] === 'bar';
        return style(left ? cell.padEnd(width) : cell.padStart(width), column);
      })
      .join('  ')}`;
  const indent = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 2);
  const lines = [paint('dim', line(headers, (text) => text).trimEnd())];
  for (const row of rows) {
    const [first = '', ...more] = wrapped(row.at(-1) ?? '', Math.max(40, TEXT_WIDTH - indent + 60));
    const head = line(row, (text, column) =>
      headers[column] === 'low' || headers[column] === 'high' ? paint('dim', text) : text,
    );
    lines.push(
      `${head}  ${paint('dim', first)}`.trimEnd(),
      ...more.map((text) => ' '.repeat(indent + 2) + paint('dim', text)),
    );
  }
  return lines;
}

function wrap(text: string, prefix: string, indent = prefix.length): string[] {
  return wrapped(text, TEXT_WIDTH + 20 - indent).map(
    (line, index) => (index === 0 ? prefix : ' '.repeat(indent)) + line,
  );
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
