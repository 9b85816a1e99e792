/** Where a subscriber starts in each partition; a cursor that cannot be followed exactly is a problem, never a silent gap. */
import type { CursorCodec } from '../protocol/cursor.ts';
import type { DecisionSource } from '../protocol/decision-source.ts';
import { badRequest, type Problem } from './problem.ts';

export type StreamStart =
  | { readonly next: readonly number[] }
  /** `ahead`: where a cursor stands that is ahead of what was announced here. */
  | { readonly problem: Problem; readonly ahead?: readonly number[] };

export function resolveStart(from: string, source: DecisionSource, codec: CursorCodec): StreamStart {
  const { first, next } = source.positions();
  if (from === 'latest') return { next };
  if (from === 'earliest') return { next: first };
  const reading = codec.decode(from);
  if ('fault' in reading) return { problem: cursorProblem(reading.fault) };
  const future = reading.next.findIndex((number, partition) => number > (next[partition] as number));
  if (future >= 0) {
    return {
      ahead: reading.next,
      problem: {
        ...badRequest(
          `the cursor is ahead of the stream: partition ${future} has not made decision ${(reading.next[future] as number) - 1} yet. The data may have been restored from an older copy; use from=earliest or from=latest`,
        ),
        type: 'cursor-ahead',
      },
    };
  }
  const old = reading.next.findIndex((number, partition) => number < (first[partition] as number));
  if (old < 0) return { next: reading.next };
  const oldest = codec.encode(reading.next.map((number, partition) => Math.max(number, first[partition] as number)));
  return {
    problem: {
      status: 410,
      type: 'cursor-too-old',
      title: 'The cursor is too old',
      detail: `decisions after it are no longer kept: in partition ${old} the oldest is ${first[old]}, the cursor continues at ${reading.next[old]}. To go on with what is left, use from=earliest, or the cursor given as "oldest"`,
      members: { oldest },
    },
  };
}

function cursorProblem(fault: 'malformed' | 'format' | 'foreign'): Problem {
  const detail = {
    malformed:
      'from= is neither latest nor earliest nor a cursor that was given with a decision: send the cursor exactly as it came',
    format:
      'the cursor was made by another release of Beckon, which wrote cursors differently: use from=earliest or from=latest',
    foreign:
      'the cursor belongs to the decision streams of other data, not to those served here: use from=earliest or from=latest',
  }[fault];
  return { ...badRequest(detail), type: `cursor-${fault}` };
}
