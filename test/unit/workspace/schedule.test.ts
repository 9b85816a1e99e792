/** Cron text, the schedules of a workspace, and due times against an oracle that looks at every minute. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dateOfDays } from '../../../src/workspace/calendar.ts';
import { compileSchedule, compileSchedules, noSchedules } from '../../../src/workspace/compile-schedule.ts';
import { parseCron } from '../../../src/workspace/cron.ts';
import { parseOffset } from '../../../src/workspace/duration.ts';
import { IssueList } from '../../../src/workspace/issue-list.ts';
import { nextDueTime } from '../../../src/workspace/schedule-times.ts';
import type { Schedule } from '../../../src/workspace/workspace.ts';
import { YamlFile } from '../../../src/workspace/yaml-file.ts';
import { zoneTable } from '../../../src/workspace/zone-table.ts';
import { Zones } from '../../../src/workspace/zones.ts';
import { compiled, issueLines, smallWorkspace } from '../../support/workspaces/small-workspace.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const zones = new Zones(zoneTable());

function schedule(text: string, offsetMs = 0): Schedule {
  const fields = parseCron(text);
  if ('message' in fields) throw new Error(fields.message);
  return { source: text, ...fields, offsetMs };
}

/** Due times after an instant, as ISO text. */
function due(text: string, zone: string, after: string, count = 1, offsetMs = 0): string[] {
  const times: string[] = [];
  let at = Date.parse(after);
  for (let i = 0; i < count; i++) {
    const next = nextDueTime(schedule(text, offsetMs), zones, zone, at);
    if (next === null) break;
    times.push(new Date(next).toISOString().replace(':00.000Z', 'Z'));
    at = next;
  }
  return times;
}

describe('cron', () => {
  const all = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

  test('has lists, ranges, steps and names', () => {
    expect(parseCron('*/20  9-17/4,3 1,15,15 jan,Mar-5 Mon-FRI')).toEqual({
      minutes: [0, 20, 40],
      hours: [3, 9, 13, 17],
      daysOfMonth: [1, 15],
      months: [1, 3, 4, 5],
      daysOfWeek: [1, 2, 3, 4, 5],
    });
    expect(parseCron(' * * * * * ')).toEqual({
      minutes: all(0, 59),
      hours: all(0, 23),
      daysOfMonth: all(1, 31),
      months: all(1, 12),
      daysOfWeek: all(0, 6),
    });
  });

  test.each([
    ['7', [0]],
    ['0,7', [0]],
    ['5-7', [0, 5, 6]],
    ['fri-sun', [0, 5, 6]],
    ['sun-tue', [0, 1, 2]],
    ['*/2', [0, 2, 4, 6]],
  ])('day of week %s', (text, days) => {
    expect(parseCron(`0 0 * * ${text}`)).toMatchObject({ daysOfWeek: days });
  });

  test.each([
    ['', 0, /has five fields, .* this has 0$/],
    ['0 10 * *', 0, /this has 4$/],
    ['0 0 10 * * *', 0, /this has 6: there are no seconds here$/],
    ['@daily', 0, /this has 1$/],
    ['60 10 * * *', 0, /expected a minute from 0 to 59, got "60"$/],
    ['0 10,25 * * *', 5, /expected an hour from 0 to 23, got "25"$/],
    ['0 10 0 * *', 5, /day of month from 1 to 31, got "0"$/],
    ['0 10 ? * mon', 5, /`\?` is not supported: write `\*` for any day of month$/],
    ['0 10 * janu *', 7, /month from 1 to 12 or a name jan … dec, got "janu"; did you mean `jan`\?$/],
    ['0 10 * * 8', 9, /day of week from 0 to 7 or a name sun … sat, got "8"$/],
    ['0 22-2 * * *', 2, /the range 22-2 runs backwards: write it as two, 22-23,0-2$/],
    ['5/15 * * * *', 0, /a step is taken in a range: write 5-59\/15$/],
    ['*/0 * * * *', 0, /expected a step such as \*\/15, got "\*\/0"$/],
    ['*/x * * * *', 0, /expected a step/],
    ['1,,2 * * * *', 2, /the minute has an empty entry$/],
    ['1-2-3 * * * *', 0, /got "1-2-3"$/],
    ['0 10 L * *', 5, /got "L"$/],
    ['-1 10 * * *', 0, /got "-1"$/],
    ['1e1 10 * * *', 0, /got "1e1"$/],
  ])('%j is refused at %d', (text, offset, message) => {
    const fault = parseCron(text);
    expect(fault).toMatchObject({ offset });
    expect((fault as { message: string }).message).toMatch(message);
  });

  test('never throws, and what it accepts lies within its fields', () => {
    const text = fc.array(
      fc.oneof(fc.constantFrom(...'0123456789*/-, \t?LW#@', 'mon', 'jan', ' * '), fc.string({ maxLength: 3 })),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(text, (parts) => {
        const fields = parseCron(parts.join(''));
        if ('message' in fields) return;
        expect(fields.daysOfWeek.every((day) => day >= 0 && day <= 6)).toBe(true);
        for (const values of Object.values(fields) as number[][]) expect(values.length).toBeGreaterThan(0);
      }),
    );
  });
});

test('offsets are durations with or without a minus sign', () => {
  expect(['-3h', '30m', '-1d12h', '0s', '-0s', '3', '--1h', '- 1h', ''].map(parseOffset)).toEqual([
    -3 * HOUR_MS,
    HOUR_MS / 2,
    -36 * HOUR_MS,
    0,
    0,
    null,
    null,
    null,
    null,
  ]);
});

describe('a date', () => {
  test('agrees with the calendar of the runtime', () => {
    fc.assert(
      fc.property(fc.integer({ min: -700_000, max: 2_900_000 }), (days) => {
        const date = new Date(days * 86_400_000);
        expect(dateOfDays(days)).toEqual({
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
        });
      }),
    );
  });
});

describe('due times', () => {
  test('are strictly later', () => {
    expect(due('0 10 * * *', 'UTC', '2011-01-01T09:59:59.999Z', 2)).toEqual(['2011-01-01T10:00Z', '2011-01-02T10:00Z']);
    expect(due('0 10 * * *', 'UTC', '2011-01-01T10:00:00Z')).toEqual(['2011-01-02T10:00Z']);
  });

  test("go by the zone's wall clock", () => {
    expect(due('0 10 * * *', 'Europe/London', '2011-03-26T00:00:00Z', 3)).toEqual([
      '2011-03-26T10:00Z',
      '2011-03-27T09:00Z',
      '2011-03-28T09:00Z',
    ]);
  });

  test('that daylight saving skips fall due when the gap ends, once', () => {
    expect(due('*/20 1 * * *', 'Europe/London', '2011-03-26T12:00:00Z', 2)).toEqual([
      '2011-03-27T01:00Z',
      '2011-03-28T00:00Z',
    ]);
    expect(due('30 1,2 * * *', 'Europe/London', '2011-03-27T00:00:00Z', 3)).toEqual([
      '2011-03-27T01:00Z',
      '2011-03-27T01:30Z',
      '2011-03-28T00:30Z',
    ]);
  });

  test('that come twice fall due at their first', () => {
    expect(due('30 1 * * *', 'Europe/London', '2011-10-29T12:00:00Z', 2)).toEqual([
      '2011-10-30T00:30Z',
      '2011-10-31T01:30Z',
    ]);
    expect(due('30 * * * *', 'Europe/London', '2011-10-30T00:00:00Z', 2)).toEqual([
      '2011-10-30T00:30Z',
      '2011-10-30T02:30Z',
    ]);
  });

  test('have either kind of day where both are restricted', () => {
    expect(due('0 0 13 * fri', 'UTC', '2011-05-01T00:00:00Z', 4)).toEqual([
      '2011-05-06T00:00Z',
      '2011-05-13T00:00Z',
      '2011-05-20T00:00Z',
      '2011-05-27T00:00Z',
    ]);
    expect(due('0 0 13 6 *', 'UTC', '2011-05-01T00:00:00Z')).toEqual(['2011-06-13T00:00Z']);
  });

  test('may be moved', () => {
    const after = '2011-01-05T17:00:00Z';
    expect(due('0 20 * * 3,6', 'UTC', after, 2, -3 * HOUR_MS)).toEqual(['2011-01-08T17:00Z', '2011-01-12T17:00Z']);
    expect(due('0 20 * * 3,6', 'UTC', after, 1, 2 * HOUR_MS)).toEqual(['2011-01-05T22:00Z']);
  });

  test('may be years away, or never come', () => {
    expect(due('0 0 29 2 *', 'UTC', '2096-03-01T00:00:00Z')).toEqual(['2104-02-29T00:00Z']);
    expect(due('0 0 31 2,4 *', 'UTC', '2011-01-01T00:00:00Z')).toEqual([]);
    expect(nextDueTime(schedule('* * * * *'), zones, 'Mars/Olympus', 0)).toBeNull();
    expect(nextDueTime(schedule('* * * * *'), zones, 'UTC', Number.POSITIVE_INFINITY)).toBeNull();
  });

  test('before 1970 too', () => {
    expect(due('0 0 * * mon', 'UTC', '1969-12-24T00:00:00Z', 2)).toEqual(['1969-12-29T00:00Z', '1970-01-05T00:00Z']);
  });
});

/** Walks minute by minute over three days and asks the wall clock at each what local times it has newly shown; slow and obvious. */
function oracle(cron: Schedule, zone: string, afterMs: number): number | null {
  const start = Math.floor((afterMs - cron.offsetMs) / MINUTE_MS) * MINUTE_MS - 48 * HOUR_MS;
  const wall = (utcMs: number): number => utcMs + (zones.offsetMinutes(zone, utcMs) as number) * MINUTE_MS;
  let shown = wall(start);
  for (let utcMs = start + MINUTE_MS; utcMs < start + 5 * 24 * HOUR_MS; utcMs += MINUTE_MS) {
    for (; shown < wall(utcMs); shown += MINUTE_MS)
      if (matches(cron, new Date(shown + MINUTE_MS)) && utcMs + cron.offsetMs > afterMs) return utcMs + cron.offsetMs;
  }
  return null;
}

function matches(cron: Schedule, date: Date): boolean {
  const ofMonth = cron.daysOfMonth.includes(date.getUTCDate());
  const ofWeek = cron.daysOfWeek.includes(date.getUTCDay());
  const either = cron.daysOfMonth.length < 31 && cron.daysOfWeek.length < 7;
  return (
    cron.minutes.includes(date.getUTCMinutes()) &&
    cron.hours.includes(date.getUTCHours()) &&
    cron.months.includes(date.getUTCMonth() + 1) &&
    (either ? ofMonth || ofWeek : ofMonth && ofWeek)
  );
}

test('due times are those of an oracle that looks at every minute', () => {
  /** Instants at which clocks change by an hour, half an hour or a day, and one where they do not. */
  const changes = [
    ['Europe/London', '2011-03-27T01:00:00Z'],
    ['Europe/London', '2011-10-30T01:00:00Z'],
    ['America/Sao_Paulo', '2010-10-17T03:00:00Z'],
    ['America/Sao_Paulo', '2011-02-20T02:00:00Z'],
    ['Australia/Lord_Howe', '2011-04-02T15:00:00Z'],
    ['Australia/Lord_Howe', '2011-10-01T15:30:00Z'],
    ['Atlantic/Azores', '2010-10-31T01:00:00Z'],
    ['Asia/Kathmandu', '2011-01-31T12:00:00Z'],
    ['Pacific/Apia', '2011-12-30T10:00:00Z'],
  ] as const;
  const some = (from: number, to: number) =>
    fc.oneof(
      fc.constant(Array.from({ length: to - from + 1 }, (_, i) => from + i)),
      fc
        .uniqueArray(fc.integer({ min: from, max: to }), { minLength: 1, maxLength: 6 })
        .map((values) => values.toSorted((a, b) => a - b)),
    );
  const cron = fc.record({
    source: fc.constant(''),
    minutes: some(0, 59),
    hours: some(0, 23),
    daysOfMonth: some(1, 31),
    months: some(1, 12),
    daysOfWeek: some(0, 6),
    offsetMs: fc.constantFrom(0, 0, -3 * HOUR_MS, 90_000),
  });
  fc.assert(
    fc.property(
      cron,
      fc.constantFrom(...changes),
      fc.integer({ min: -30 * 3600, max: 30 * 3600 }),
      (scheduled, [zone, change], seconds) => {
        const afterMs = Date.parse(change) + seconds * 1000;
        const expected = oracle(scheduled, zone, afterMs);
        const actual = nextDueTime(scheduled, zones, zone, afterMs);
        // The oracle looks no further than some days.
        if (expected !== null) expect(actual).toBe(expected);
        else expect(actual ?? Number.POSITIVE_INFINITY).toBeGreaterThan(afterMs + 24 * HOUR_MS);
      },
    ),
    { numRuns: 400 },
  );
});

describe('schedules of a workspace', () => {
  const issues = new IssueList();
  const file = YamlFile.parse(
    'workspace.yaml',
    'schedules:\n  draw: "0  20 * * wed,sat"\n  bad: "0 24 * * *"\nuntil: drawn\nagain: draw\ncron: |\n  0 10 * * moon\n',
    issues,
  ) as YamlFile;
  const declared = compileSchedules({ draw: '0  20 * * wed,sat', bad: '0 24 * * *' }, file, issues);

  test('report what is wrong where it stands', () => {
    expect(compileSchedule('drawn', undefined, declared, file, ['until'], issues)).toBeNull();
    expect(compileSchedule('0 10 * * moon\n', undefined, declared, file, ['cron'], issues)).toBeNull();
    expect(compileSchedule('bad', undefined, declared, file, ['again'], issues)).toBeNull();
    expect(issues.issues.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual([
      '3:11 expected an hour from 0 to 23, got "24"',
      '4:8 unknown schedule `drawn`; did you mean `draw`?',
      '7:12 expected a day of week from 0 to 7 or a name sun … sat, got "moon"; did you mean `mon`?',
    ]);
  });

  test('are referred to by name, with an offset', () => {
    const moved = compileSchedule('draw', '-3h', declared, file, ['again'], issues);
    expect(moved).toMatchObject({
      source: 'draw (0 20 * * wed,sat), -3h',
      minutes: [0],
      hours: [20],
      daysOfWeek: [3, 6],
      offsetMs: -3 * HOUR_MS,
    });
    expect(compileSchedule(' 0 10 * * *', undefined, declared, file, ['again'], issues)).toMatchObject({
      source: '0 10 * * *',
      offsetMs: 0,
    });
  });

  test('where there are none, a name is told what to be', () => {
    const own = new IssueList();
    expect(compileSchedule('daily', undefined, noSchedules(true), file, ['until'], own)).toBeNull();
    expect(compileSchedule('daily', undefined, noSchedules(false), file, ['until'], own)).toBeNull();
    expect(own.issues.map((issue) => issue.message)).toEqual([
      'unknown schedule `daily`: write cron such as "0 10 * * *", or declare the name under `schedules` in workspace.yaml',
    ]);
  });

  test('are checked in workspace.yaml', () => {
    const settings = 'name: retail\ntimezone: Europe/London\nchannels: [pos, push, sms, email]\n';
    const of = (text: string): string[] => issueLines(smallWorkspace({ 'workspace.yaml': `${settings}${text}` }));
    expect(of('schedules: {draw: "0 20 * *"}\n')).toEqual([
      expect.stringMatching(/^workspace\.yaml:4:20 a schedule has five fields, .* this has 4$/),
    ]);
    expect(of('schedules: {draw: 20}\n')).toEqual([
      'workspace.yaml:4:19 expected cron text such as "0 10 * * *", got 20',
    ]);
    expect(of('schedules: {}\n')).toEqual([]);
    compiled(smallWorkspace({ 'workspace.yaml': `${settings}schedules: {draw: "0 20 * * 3,6"}\n` }));
  });
});
