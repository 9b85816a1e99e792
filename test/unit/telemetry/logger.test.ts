import { describe, expect, it } from 'vitest';
import { createLogger, prettyLine } from '../../../src/telemetry/logger.ts';

function capture(options: { level?: string; pretty?: boolean } = {}): {
  lines: string[];
  log: ReturnType<typeof createLogger>;
} {
  const lines: string[] = [];
  return {
    lines,
    log: createLogger({ pretty: false, ...options, destination: { write: (line: string) => void lines.push(line) } }),
  };
}

describe('logger', () => {
  it('writes one JSON object per line, with a level name and an ISO time', () => {
    const { lines, log } = capture();
    log.info({ partition: 7, records: 120 }, 'recovered');
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0] ?? '');
    expect(line).toMatchObject({ level: 'info', msg: 'recovered', partition: 7, records: 120 });
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line).not.toHaveProperty('hostname');
  });

  it('lets no customer data through, whatever is handed to it', () => {
    const { lines, log } = capture();
    const secrets = {
      customer: '17850',
      ids: ['+447700900123'],
      event: { total: 139.12 },
      profile: { name: 'Ada' },
      nested: { deep: { phone: '+44' } },
      email: 'ada@example.org',
    };
    log.warn(secrets, 'rejected');
    log.child({ partition: 1, phone: '+44' }).error({ ...secrets, count: 2 }, 'again');
    const text = lines.join('');
    for (const secret of ['17850', '+44', '139.12', 'Ada', 'ada@']) expect(text).not.toContain(secret);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({
      partition: 1,
      count: 2,
      customer: '[redacted]',
      nested: '[redacted]',
    });
  });

  it('keeps an error with its stack', () => {
    const { lines, log } = capture();
    log.error({ err: new Error('disk is gone') }, 'stopping');
    const line = JSON.parse(lines[0] ?? '');
    expect(line.err.message).toBe('disk is gone');
    expect(line.err.stack).toContain('logger.test');
  });

  it('takes its level, and an unknown one is info rather than silence', () => {
    const quiet = capture({ level: 'error' });
    quiet.log.info('no');
    quiet.log.error('yes');
    expect(quiet.lines).toHaveLength(1);
    const unknown = capture({ level: 'loud' });
    unknown.log.debug('no');
    unknown.log.info('yes');
    expect(unknown.lines).toHaveLength(1);
  });

  it('is readable on a terminal', () => {
    const { lines, log } = capture({ pretty: true });
    log.info({ partition: 7, path: 'wal/0' }, 'recovered');
    const plain = (lines[0] ?? '').replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '');
    expect(plain).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}recovered partition=7 path=wal\/0\n$/);
    expect(
      prettyLine('{"level":"error","time":"2026-01-01T00:00:00.000Z","msg":"stop","err":{"stack":"Error: x\\n at y"}}'),
    ).toContain('\nError: x\n at y\n');
  });
});
