/** What `beckon replay` prints: a few lines, and the first difference of every partition that has one. */
import type { PartitionCheck } from '../replay/verify/verify.ts';
import { time } from './inspect-text.ts';

/** `archived` false: there was nothing to compare decisions with. `note`: what the folder may lack; null: nothing. */
export function summaryOf(checks: readonly PartitionCheck[], archived: boolean, note: string | null): string {
  const sum = (of: (check: PartitionCheck) => number): number => checks.reduce((total, check) => total + of(check), 0);
  const events = sum(({ events }) => events);
  const replayMs = sum(({ replayMs }) => replayMs);
  const perSecond = replayMs === 0 ? 0 : Math.round((events * 1000) / replayMs);
  const kept = checks.filter(({ firstSeq }) => firstSeq !== null);
  const lines = [
    kept.length === 0
      ? 'nothing to replay: no partition has a history'
      : `${counted(kept.length, 'partition')}, ${spanOf(kept)}: ${counted(events, 'event')} in ${counted(
          sum(({ records }) => records),
          'record',
        )}, ${number(perSecond)} events/s`,
    ...decisionLines(
      sum,
      archived,
      checks.every(({ difference }) => difference === null),
    ),
  ];
  const snapshots = sum((check) => check.snapshots);
  if (snapshots > 0) lines.push(`${counted(snapshots, 'snapshot')} on the way: the same state`);
  if (note !== null) lines.push(note);
  for (const check of checks) lines.push(...differenceLines(check));
  return `${lines.join('\n')}\n`;
}

function decisionLines(
  sum: (of: (check: PartitionCheck) => number) => number,
  archived: boolean,
  same: boolean,
): string[] {
  const decisions = counted(
    sum((check) => check.decisions),
    'decision',
  );
  if (!archived) return [`${decisions}, compared with nothing: they are kept in NATS, name it with --nats`];
  const compared = number(sum((check) => check.compared));
  const lines = [
    same ? `${decisions}, ${compared} compared: each as it was made` : `${decisions}, ${compared} as they were made`,
  ];
  const forgotten = sum((check) => check.forgotten);
  if (forgotten > 0) lines.push(`${number(forgotten)} older ones are no longer kept`);
  // Where something is lost, nothing of what is behind it will be written.
  const unwritten = sum((check) => (check.difference === null ? check.unwritten : 0));
  if (unwritten > 0)
    lines.push(`${number(unwritten)} are still to be written by the node, when it goes on or starts again`);
  return lines;
}

/** The replay of some partitions may begin later than that of others. */
function spanOf(kept: readonly PartitionCheck[]): string {
  const from = Math.max(...kept.map(({ fromMs }) => fromMs));
  const to = Math.max(...kept.map(({ toMs }) => toMs));
  if (to === 0) return 'no event yet';
  return `${from === 0 ? 'from the first record' : `from ${time(from)}`} to ${time(to)}`;
}

function differenceLines({ partition, difference }: PartitionCheck): string[] {
  if (difference === null) return [];
  if (difference.what === 'state')
    return [
      `partition ${partition}: the state after record ${difference.seq} is not the snapshot's`,
      `  snapshot  ${difference.snapshot}`,
      `  replayed  ${difference.replayed}`,
    ];
  if (difference.what === 'lost') {
    const { number, seq } = difference;
    return [
      `partition ${partition}: decision ${partition}-${number} and what was behind it is lost: it was stored before the snapshot of record ${seq}, and cannot be read`,
    ];
  }
  const { number, seq, decided, replayed } = difference;
  return [
    `partition ${partition}: decision ${partition}-${number} is not what was decided${seq === null ? '' : ` (record ${seq})`}`,
    `  decided   ${decided ?? 'nothing'}`,
    `  replayed  ${replayed ?? 'nothing'}`,
  ];
}

function counted(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? '' : 's'}`;
}

function number(value: number): string {
  return value.toLocaleString('en-GB');
}
