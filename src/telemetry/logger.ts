/**
 * The process log: one JSON object per line on stderr (a readable line when that is a terminal), level from BECKON_LOG.
 *
 * Customer data never gets in. A line carries scalars only: a field that holds an object or an array is replaced by `[redacted]`, and so is any field named
 * like something that identifies or describes a customer. Errors (`err`) are our own or the system's, and keep their stack; the error text of a bad event
 * quotes the event, and goes to the dead letters instead of here.
 */
import { type DestinationStream, destination, type Level, type Logger, pino, stdTimeFunctions } from 'pino';

export type { Logger } from 'pino';

const LEVELS: readonly string[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
const REDACTED = '[redacted]';
/** Names under which customer data would travel. Counts belong under a plural: `customers: 12` is fine. */
const CUSTOMER_FIELDS = new Set([
  'customer',
  'id',
  'ids',
  'event',
  'data',
  'payload',
  'body',
  'profile',
  'attributes',
  'contact',
  'phone',
  'email',
  'name',
]);

export interface LoggerOptions {
  /** fatal | error | warn | info | debug | trace | silent. Default: BECKON_LOG, else info. */
  readonly level?: string;
  /** Lines for people. Default: whether stderr is a terminal. */
  readonly pretty?: boolean;
  /** Default: stderr, synchronously, so that the last line before a crash is not lost. */
  readonly destination?: DestinationStream;
}

export function createLogger(options: LoggerOptions = {}): Logger {
  const sink = options.destination ?? destination({ fd: 2, sync: true });
  const pretty = options.pretty ?? process.stderr.isTTY === true;
  return pino(
    {
      level: logLevel(options.level ?? process.env['BECKON_LOG']),
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      // For the bindings of child loggers, which formatters do not see.
      serializers: Object.fromEntries([...CUSTOMER_FIELDS].map((field) => [field, () => REDACTED])),
      formatters: { level: (label) => ({ level: label }), log: redact },
    },
    pretty ? { write: (line: string) => sink.write(prettyLine(line)) } : sink,
  );
}

/** An unknown level must not silence a node: it falls back to info. */
function logLevel(level: string | undefined): Level | 'silent' {
  const wanted = (level ?? 'info').toLowerCase();
  return LEVELS.includes(wanted) ? (wanted as Level | 'silent') : 'info';
}

/** Exported for tests of the rule itself. */
export function redact(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    const scalar = value === null || typeof value !== 'object';
    kept[key] = value instanceof Error || (scalar && !CUSTOMER_FIELDS.has(key)) ? value : REDACTED;
  }
  return kept;
}

const COLOURS: Readonly<Record<string, string>> = {
  fatal: '\x1b[31m',
  error: '\x1b[31m',
  warn: '\x1b[33m',
  info: '\x1b[32m',
  debug: '\x1b[2m',
  trace: '\x1b[2m',
};

/** `12:30:01.123 INFO  recovered partition=7 records=120`, and an error's stack below. */
export function prettyLine(line: string): string {
  const { time, level, msg, err, ...fields } = JSON.parse(line) as {
    time: string;
    level: string;
    msg?: string;
    err?: { stack?: string; message?: string };
    [field: string]: unknown;
  };
  const rest = Object.entries(fields).map(
    ([key, value]) => ` \x1b[2m${key}=\x1b[0m${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const stack = err ? `\n${err.stack ?? err.message ?? ''}` : '';
  return `${time.slice(11, 23)} ${COLOURS[level] ?? ''}${level.toUpperCase().padEnd(5)}\x1b[0m ${msg ?? ''}${rest.join('')}${stack}\n`;
}
