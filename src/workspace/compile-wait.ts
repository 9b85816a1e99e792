/** `wait` of a campaign: how long, what cancels it, what takes its place, and what is asked at the end. */
import type { WaitDefinition } from './campaign-parts.ts';
import { type CampaignParts, checkMeeting, compileMeetings } from './compile-meeting.ts';
import { compileSchedule } from './compile-schedule.ts';
import { parseDuration } from './duration.ts';
import type { Deadline, Meeting, Wait } from './workspace.ts';
import type { YamlPath } from './yaml-file.ts';

/** What older YAML read as true and false. */
const FLAGS: Readonly<Record<string, boolean>> = { yes: true, on: true, y: true, no: false, off: false, n: false };

export function compileWait(data: WaitDefinition | undefined, parts: CampaignParts): Wait | null {
  if (data === undefined) return null;
  const { file, trigger, onSchedule, judges, issues, expressions } = parts;
  if (onSchedule) {
    issues.report(
      file.name,
      file.keyMark(['wait']),
      '`wait` needs an event to wait after: on a schedule leave it out, and move the due times with `offset`',
    );
    return null;
  }
  const deadline = compileDeadline(data, parts);
  const unless = compileMeetings(data.unless ?? [], ['wait', 'unless'], parts);
  const restart = compileRestart(data, parts);
  const when =
    data.when === undefined || !judges || trigger === null
      ? null
      : expressions.check(file, ['wait', 'when'], trigger, ['bool']);
  return deadline === null ? null : { deadline, unless, restart, when };
}

function compileDeadline(data: WaitDefinition, parts: CampaignParts): Deadline | null {
  const { file, settings, issues } = parts;
  const report = (path: YamlPath, message: string): null => {
    issues.report(file.name, file.keyMark(path), message);
    return null;
  };
  if (data.for !== undefined && data.until !== undefined)
    return report(['wait', 'until'], '`until` beside `for`: keep the one that is meant');
  if (data.offset !== undefined && data.until === undefined)
    return report(['wait', 'offset'], '`offset` moves the due times of `until`, and there is none');
  if (data.until !== undefined) {
    const schedule = compileSchedule(data.until, data.offset, settings.schedules, file, ['wait', 'until'], issues);
    return schedule === null ? null : { schedule };
  }
  if (data.for === undefined)
    return report(['wait'], 'needs `for`, how long it waits (such as 30m), or `until`, a schedule');
  return { afterMs: parseDuration(data.for) ?? 0 };
}

function compileRestart({ restart }: WaitDefinition, parts: CampaignParts): Meeting | null {
  const { trigger } = parts;
  if (restart === undefined || restart === false || trigger === null) return null;
  if (restart === true) return { event: trigger.index, when: null };
  const plain = FLAGS[String(restart).toLowerCase()];
  if (plain !== undefined) {
    const { file, issues } = parts;
    issues.report(
      file.name,
      file.valueMark(['wait', 'restart']),
      `\`${restart}\` is a text here: write \`restart: ${plain}\``,
    );
    return null;
  }
  const when = checkMeeting(trigger, ['wait', 'restart'], parts);
  return when === null ? null : { event: trigger.index, when };
}
