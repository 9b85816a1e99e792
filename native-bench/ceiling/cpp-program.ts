/**
 * A C++ program of this folder: built with `g++ -O3 -march=native` into a folder of the caller's, kept running, and driven by lines over stdin and
 * stdout (each program says at its top which), so that its rounds can alternate with those of whom it is compared with.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const FLAGS = ['-std=c++20', '-O3', '-march=native', '-Wall', '-Wextra'] as const;
/** What the flags are, for the details of a measurement. */
export const COMPILED_WITH = `g++ ${FLAGS.slice(0, 3).join(' ')}`;

export type CppProgramName = 'kernel' | 'scan';

/** There is nothing to compare with: no compiler, or one that cannot build this. A notice, not a failure. */
export class NoCompilerError extends Error {}

export class CppProgram {
  readonly #process: ChildProcess;
  readonly #waiting: { resolve: (answer: string) => void; reject: (error: Error) => void }[] = [];
  #stderr = '';
  #closing = false;

  /** Builds `name`.cpp into `folder` and starts it. NoCompilerError where there is no g++ for C++20. */
  static async start(name: CppProgramName, folder: string): Promise<CppProgram> {
    const binary = join(folder, name);
    await build(join(sourceFolder(), `${name}.cpp`), binary);
    return new CppProgram(binary);
  }

  constructor(binary: string) {
    this.#process = spawn(binary, [], { stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error('the pipes were asked for');
    createInterface({ input: stdout }).on('line', (line) => this.#answered(line));
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.#process.on('error', (error) => this.#fail(error));
    // 'close' and not 'exit': by then stderr has been read.
    this.#process.on('close', (code) => {
      if (!this.#closing) this.#fail(new Error(`${binary} ended with ${code}: ${this.#stderr.trim()}`));
    });
    // A write to a program that has just died fails; that it died is told by 'close'.
    this.#process.stdin?.on('error', () => {});
  }

  /** One line; what the program answers behind `ok`, as words. */
  async command(...words: readonly (string | number)[]): Promise<string[]> {
    const line = words.join(' ');
    const answer = await new Promise<string>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#process.stdin?.write(`${line}\n`);
    });
    const [first, ...rest] = answer.split(' ');
    if (first !== 'ok') throw new Error(`"${line}": ${answer}`);
    return rest;
  }

  /** One line whose answer begins with a number. */
  async measure(...words: readonly (string | number)[]): Promise<number> {
    return Number((await this.command(...words))[0]);
  }

  /** Ends the program: its input ends. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      this.#process.once('close', () => resolve());
      this.#process.stdin?.end();
    });
  }

  #answered(line: string): void {
    this.#waiting.shift()?.resolve(line);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** The sources stay where they are; compiled, this module is in dist/bench/native-bench/ceiling. */
function sourceFolder(): string {
  for (const place of ['./', '../../../../native-bench/ceiling/']) {
    const folder = fileURLToPath(new URL(place, import.meta.url));
    if (existsSync(join(folder, 'kernel.cpp'))) return folder;
  }
  throw new Error('the C++ sources of native-bench/ceiling are not here');
}

function build(source: string, binary: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('g++', [...FLAGS, '-o', binary, source], (error, _stdout, stderr) => {
      if (error === null) resolve();
      else if (error.code === 'ENOENT') reject(new NoCompilerError('g++ is not installed'));
      else if (/-std=c\+\+20|<bit>|march=native/.test(stderr)) reject(new NoCompilerError(`g++ is too old: ${stderr}`));
      else reject(new Error(`g++ refused ${source}:\n${stderr}`));
    });
  });
}
