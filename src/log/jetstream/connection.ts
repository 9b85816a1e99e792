/**
 * A connection to NATS that Beckon can rely on: a server that is new enough, JetStream enabled, reconnecting for as long as it takes. Whoever connects
 * hears of what happens to the connection through `onStatus`; no event and no error carries a password, a token or a key.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Authenticator,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  DebugEvents,
  ErrorCode,
  Events,
  type NatsConnection,
  type NatsError,
  type Status,
} from 'nats';
import {
  NATS_CONNECT_MS_MAX,
  NATS_PING_INTERVAL_MS,
  NATS_RECONNECT_JITTER_MS,
  NATS_RECONNECT_WAIT_MS,
  NATS_REQUEST_MS_MAX,
  NATS_SERVER_VERSION_MIN,
} from '../../constants.ts';
import { isSubjectToken, JetStreamError } from './names.ts';
import { parseServers, type ServerUrls } from './server-urls.ts';

export interface NatsOptions {
  /** `nats://host:port`, several separated by commas; `tls://` insists on TLS; `user:password@` or `token@` before the host, percent-encoded. */
  readonly servers: string;
  /** How the connection is called in the server's own listings. */
  readonly name: string;
  /** Path of a credentials file (JWT and seed), instead of what the URL says. */
  readonly credentialsFile?: string;
  /** Path of the authorities to trust, PEM, instead of Node's own. */
  readonly authoritiesFile?: string;
  /** Default: `_INBOX.<user>` where the URL names a user, so that a server can keep users from reading each other's answers; else `_INBOX`. */
  readonly inboxPrefix?: string;
  /** False for users whose account is only handed Beckon's subjects by another: its own JetStream is not asked for. Default: true. */
  readonly ownJetStream?: boolean;
  /** How long to go on trying while nobody listens there, for a server that is started along with us. Default: not at all. */
  readonly waitMs?: number;
  readonly onStatus?: (status: NatsStatus) => void;
}

/** What happened to a connection; `server` is its host and port. */
export type NatsStatus =
  | { readonly kind: 'disconnected' | 'reconnected' | 'closing'; readonly server: string }
  /** The server refused something (a permission, a slow consumer), or left pings unanswered. */
  | { readonly kind: 'error'; readonly error: string }
  /** After a reconnect the server turned out to be one that must not be used: the connection is closed and stays closed. */
  | { readonly kind: 'refused'; readonly error: NatsRefusedError };

/** For those who only hand a connection on. */
export type NatsLink = NatsConnection;

/** NATS cannot be used as it is. The message says what was found, what is needed and why. */
export class NatsRefusedError extends Error {
  override readonly name = 'NatsRefusedError';
}

/** Connects, or throws NatsRefusedError. Afterwards reconnects for as long as it takes, until close(). */
export async function connectNats(options: NatsOptions): Promise<NatsConnection> {
  const settings = connectionOptions(options);
  const connection = await connectWithin(settings, options.waitMs ?? 0);
  try {
    checkVersion(connection);
    if (options.ownJetStream !== false) await checkJetStream(connection);
  } catch (error) {
    await connection.close();
    throw error;
  }
  void watch(connection, options.onStatus ?? (() => {}));
  return connection;
}

function connectionOptions(options: NatsOptions): ConnectionOptions {
  const { hosts, user, password, token, tls } = serversOf(options);
  const settings: ConnectionOptions = {
    servers: hosts,
    name: options.name,
    inboxPrefix: options.inboxPrefix ?? (user !== null && isSubjectToken(user) ? `_INBOX.${user}` : '_INBOX'),
    timeout: NATS_CONNECT_MS_MAX,
    maxReconnectAttempts: -1,
    reconnectTimeWait: NATS_RECONNECT_WAIT_MS,
    reconnectJitter: NATS_RECONNECT_JITTER_MS,
    reconnectJitterTLS: NATS_RECONNECT_JITTER_MS,
    pingInterval: NATS_PING_INTERVAL_MS,
    // A server that is being reconfigured refuses a user for a while: go on trying.
    ignoreAuthErrorAbort: true,
    // A stack trace for each request costs more than the request.
    noAsyncTraces: true,
  };
  if (options.credentialsFile !== undefined) settings.authenticator = credentialsOf(options.credentialsFile);
  else if (token !== null) settings.token = token;
  else if (user !== null) Object.assign(settings, { user, pass: password });
  if (options.authoritiesFile !== undefined) settings.tls = { caFile: options.authoritiesFile };
  else if (tls) settings.tls = {};
  return settings;
}

function serversOf(options: NatsOptions): ServerUrls {
  try {
    return parseServers(options.servers);
  } catch (error) {
    throw new NatsRefusedError((error as Error).message);
  }
}

function credentialsOf(path: string): Authenticator {
  try {
    return credsAuthenticator(readFileSync(path));
  } catch (error) {
    // The system's own message names the path; one about the content could quote it.
    const reason = (error as NodeJS.ErrnoException).code ?? 'it is not a credentials file';
    throw new NatsRefusedError(`NATS credentials ${path} cannot be read: ${reason}`);
  }
}

async function connectWithin(settings: ConnectionOptions, waitMs: number): Promise<NatsConnection> {
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    try {
      return await connect(settings);
    } catch (error) {
      const isAbsent = (error as NatsError).code === ErrorCode.ConnectionRefused;
      if (!isAbsent || performance.now() >= giveUpAt) {
        throw new NatsRefusedError(
          `NATS at ${[settings.servers].flat().join(', ')}: ${connectProblem(error as NatsError)}`,
        );
      }
    }
    await sleep(NATS_RECONNECT_WAIT_MS);
  }
}

function connectProblem(error: NatsError): string {
  switch (error.code) {
    case ErrorCode.ConnectionRefused:
      return 'nobody listens there';
    case ErrorCode.AuthorizationViolation:
      return 'the server refused the user, password, token or credentials';
    case ErrorCode.Timeout:
    case ErrorCode.ConnectionTimeout:
      return `no answer within ${NATS_CONNECT_MS_MAX / 1000} s`;
    case ErrorCode.ServerOptionNotAvailable:
      return error.message === 'tls' ? 'the server offers no TLS, which tls:// insists on' : error.message;
    default:
      return error.message || String(error.code);
  }
}

function checkVersion(connection: NatsConnection): void {
  const found = connection.info?.version ?? 'of an unknown version';
  if (!isOlder(found)) return;
  throw new NatsRefusedError(
    `NATS at ${connection.getServer()} is nats-server ${found}; ${NATS_SERVER_VERSION_MIN} or newer is needed. Up to 2.9.20 several contenders could win the same ` +
      'compare-and-set, and up to 2.10.22 a server that was killed could lose whole streams: decisions would be lost or made twice.',
  );
}

/** What follows the three numbers (-RC.1, -beta) is taken for the version that they lead to. */
function isOlder(version: string): boolean {
  const found = (/^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1) ?? ['0', '0', '0']).map(Number);
  const needed = NATS_SERVER_VERSION_MIN.split('.').map(Number);
  const at = found.findIndex((number, index) => number !== needed[index]);
  return at >= 0 && (found[at] as number) < (needed[at] as number);
}

async function checkJetStream(connection: NatsConnection): Promise<void> {
  const refuse = (problem: string): never => {
    throw new NatsRefusedError(`NATS at ${connection.getServer()}: ${problem}`);
  };
  try {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: NATS_REQUEST_MS_MAX });
    await manager.getAccountInfo();
  } catch (error) {
    const { code, message, api_error } = error as NatsError;
    if (api_error?.err_code === JetStreamError.notEnabledForAccount) {
      refuse("JetStream is not enabled for this user's account (`jetstream: enabled` in the account)");
    }
    if (
      api_error?.err_code === JetStreamError.notEnabled ||
      code === ErrorCode.JetStreamNotEnabled ||
      code === ErrorCode.NoResponders
    ) {
      refuse('JetStream is not enabled; start nats-server with --jetstream, or with deploy/nats.conf');
    }
    refuse(`JetStream does not answer: ${message}`);
  }
}

async function watch(connection: NatsConnection, onStatus: (status: NatsStatus) => void): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === Events.Disconnect) onStatus({ kind: 'disconnected', server: String(status.data) });
    else if (status.type === Events.LDM) onStatus({ kind: 'closing', server: String(status.data) });
    else if (status.type === Events.Error) onStatus({ kind: 'error', error: refusalOf(status) });
    else if (status.type === DebugEvents.StaleConnection)
      onStatus({ kind: 'error', error: 'pings were left unanswered' });
    else if (status.type === Events.Reconnect) await checkAgain(connection, String(status.data), onStatus);
  }
}

/** Another server of the cluster may answer after a reconnect, or the same one in another version. */
async function checkAgain(
  connection: NatsConnection,
  server: string,
  onStatus: (status: NatsStatus) => void,
): Promise<void> {
  try {
    checkVersion(connection);
    onStatus({ kind: 'reconnected', server });
  } catch (error) {
    await connection.close();
    onStatus({ kind: 'refused', error: error as NatsRefusedError });
  }
}

/** Subjects may hold a customer's id: only what leads to it is told. */
function refusalOf({ data, permissionContext }: Status): string {
  if (permissionContext === undefined) return String(data);
  const { operation, subject } = permissionContext;
  return `not permitted to ${operation === 'publish' ? 'publish to' : 'subscribe to'} ${shortSubject(subject)}`;
}

function shortSubject(subject: string): string {
  const tokens = subject.split('.');
  return tokens[0] === 'beckon' && tokens.length > 3 ? `${tokens.slice(0, 2).join('.')}.…` : subject;
}
