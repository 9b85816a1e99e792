/** What came of the tests, for a terminal: a line for each file, then every failure with what was expected, what came, and why. */
import { printable, released } from '../explain/quantities.ts';
import type { TrialFailure, TrialResult } from './check-trial.ts';

export interface ReportStyle {
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

const LABEL_WIDTH = 10;
/** Wider lines are hard to read. */
const WIDTH_MAX = 100;
const WIDTH_MIN = 40;

export function reportText(results: readonly TrialResult[], style: ReportStyle): string {
  const writer = new Writer(style);
  const files = new Map<string, TrialResult[]>();
  for (const result of results) {
    const { file } = result.trial.place;
    files.set(file, [...(files.get(file) ?? []), result]);
  }
  for (const [file, ofFile] of files) writer.file(file, ofFile);
  for (const result of results) if (result.failures.length > 0) writer.failed(result);
  writer.total(results);
  return writer.text();
}

/** `12 passed, 1 failed`. */
export function totalWords(results: readonly TrialResult[]): string {
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  const passed = `${results.length - failed} passed`;
  return failed === 0 ? passed : `${passed}, ${failed} failed`;
}

class Writer {
  readonly #lines: string[] = [];
  readonly #colour: boolean;
  readonly #width: number;

  constructor({ colour, width }: ReportStyle) {
    this.#colour = colour;
    this.#width = Math.max(WIDTH_MIN, Math.min(WIDTH_MAX, width));
  }

  text(): string {
    return released(`${this.#lines.join('\n')}\n`);
  }

  file(file: string, results: readonly TrialResult[]): void {
    const failed = results.filter(({ failures }) => failures.length > 0).length;
    const cases = `${results.length} ${results.length === 1 ? 'case' : 'cases'}`;
    const count = failed === 0 ? cases : `${cases}, ${failed} failed`;
    this.#lines.push(`${this.#mark(failed === 0)} ${file}  ${this.#dim(count)}`);
  }

  failed({ trial, failures }: TrialResult): void {
    this.#lines.push('', ...this.#wrapped(trial.name, '  ', `${this.#mark(false)} `));
    for (const failure of failures) this.#failure(failure);
  }

  total(results: readonly TrialResult[]): void {
    const good = results.every(({ failures }) => failures.length === 0);
    this.#lines.push('', this.#paint(good ? 32 : 31, totalWords(results)));
  }

  #failure({ place, step, moment, mismatch, message, why }: TrialFailure): void {
    const at = step === 0 ? moment : `step ${step}, ${moment}`;
    this.#lines.push(`  ${this.#dim(`${place.file}:${place.line}:${place.column}`)}`, ...this.#wrapped(at, '  '));
    if (message !== null) this.#block('came', [message]);
    if (mismatch !== null) {
      this.#block('expected', mismatch.expected);
      this.#block('came', mismatch.came);
    }
    this.#block('why', why);
  }

  /** Lines beside a label; what is indented in them stays so. */
  #block(label: string, lines: readonly string[]): void {
    const indent = ' '.repeat(4 + LABEL_WIDTH);
    lines.forEach((line, i) => {
      const inner = /^ */.exec(line)?.[0] ?? '';
      const first = i === 0 ? `    ${this.#dim(label.padEnd(LABEL_WIDTH))}` : indent;
      this.#lines.push(
        ...this.#wrapped(line.trimStart(), `${indent}${inner}  `, `${first}${inner}`, indent.length + inner.length),
      );
    });
  }

  /** Cut at spaces so that it fits; words that are longer stay whole. `firstWidth`: columns that `first` takes. */
  #wrapped(text: string, indent: string, first = indent, firstWidth = indent.length): string[] {
    const lines: string[] = [];
    let line = '';
    for (const word of printable(text).split(' ')) {
      const room = this.#width - (lines.length === 0 ? firstWidth : indent.length);
      if (line !== '' && line.length + 1 + word.length > room) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
    return lines.map((part, i) => `${i === 0 ? first : indent}${part}`);
  }

  #mark(passed: boolean): string {
    return passed ? this.#paint(32, '✓') : this.#paint(31, '✗');
  }

  #dim(text: string): string {
    return this.#paint(2, text);
  }

  #paint(code: number, text: string): string {
    return this.#colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** The same for programs: `file` within the workspace's folder, lines and columns from 1. */
export function reportJson(results: readonly TrialResult[]): object {
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  return {
    passed: results.length - failed,
    failed,
    cases: results.map(({ trial, failures }) => ({
      file: trial.place.file,
      line: trial.place.line,
      name: trial.name,
      passed: failures.length === 0,
      failures: failures.map(({ place, step, moment, mismatch, message, why }) => ({
        ...place,
        step,
        moment,
        expected: mismatch?.expected ?? null,
        came: mismatch?.came ?? [message],
        why: why.map(released),
      })),
    })),
  };
}
