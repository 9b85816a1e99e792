/**
 * A suite's own process: what the code of one suite taught the compiler, what it left in memory, or what crashed it, is no other's concern.
 * Arguments: the suite's name, `quick` or `full`, its folder. It leads a process group; whoever started it ends the group.
 */
import { strict as assert } from 'node:assert';
import type { Bench, Spread } from './suite.ts';
import type { SuiteMessage } from './suite-result.ts';
import { suiteNamed } from './suites.ts';

const [name = '', mode, folder = ''] = process.argv.slice(2);

function send(message: SuiteMessage): void {
  process.send?.(message);
}

function checkSpread({ median, low, high, rounds }: Spread, what: string): void {
  assert(
    Number.isFinite(median) &&
      Number.isFinite(low) &&
      Number.isFinite(high) &&
      rounds >= 1 &&
      low <= median &&
      median <= high &&
      low > 0,
    `${what}: ${median} (${low} to ${high}) over ${rounds} rounds is no measurement`,
  );
}

const bench: Bench = {
  quick: mode === 'quick',
  folder,
  measurement(measurement) {
    checkSpread(measurement, measurement.name);
    assert(measurement.unit !== '', `${measurement.name} has no unit`);
    send({ kind: 'measurement', measurement });
  },
  ratio(ratio) {
    checkSpread(ratio, ratio.name);
    send({ kind: 'ratio', ratio });
  },
  series(series) {
    for (const { x, y } of series.points)
      assert(Number.isFinite(x) && Number.isFinite(y), `${series.name}: (${x}, ${y}) is no point`);
    send({ kind: 'series', series });
  },
  skip(what, why) {
    assert(why !== '', `${what} is skipped without a reason`);
    send({ kind: 'skip', skip: { what, why } });
  },
  note(text) {
    send({ kind: 'note', text });
  },
  progress(text) {
    send({ kind: 'progress', text });
  },
};

// Without the process that listens nothing here is of use, and nobody else would end what the suite has started.
process.on('disconnect', () => process.kill(-process.pid, 'SIGKILL'));

function end(error: unknown): void {
  const text = error === null ? null : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.send?.({ kind: 'ended', error: text } satisfies SuiteMessage, () => process.exit(text === null ? 0 : 1));
}
process.on('uncaughtException', end);

const suite = suiteNamed(name);
assert(suite !== undefined, `no suite "${name}"`);
suite.run(bench).then(() => end(null), end);
