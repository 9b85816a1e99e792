/**
 * `nats://user:password@host:port,…` taken apart. Errors never quote what was given: it may hold a password.
 */
export interface ServerUrls {
  /** host:port each. */
  readonly hosts: string[];
  readonly user: string | null;
  readonly password: string;
  readonly token: string | null;
  /** At least one of them insists on TLS; then all do. */
  readonly tls: boolean;
}

/** The message is meant for whoever wrote the URL. */
export class ServerUrlError extends Error {
  override readonly name = 'ServerUrlError';
}

const PORT_DEFAULT = '4222';

/** One or more server URLs, separated by commas. A bare `host:port` counts as nats://. Throws ServerUrlError. */
export function parseServers(servers: string): ServerUrls {
  const parts = servers.split(',').map((part) => part.trim());
  const urls = parts.map((part, index) =>
    parseServer(part, parts.length > 1 ? `NATS server ${index + 1}` : 'the NATS server'),
  );
  const signedIn = urls.filter((url) => url.username !== '');
  const [first, ...others] = signedIn;
  if (others.some((url) => url.username !== first?.username || url.password !== first?.password)) {
    throw new ServerUrlError('all NATS servers must be given the same user, password or token');
  }
  const user = decoded(first?.username ?? '');
  const password = decoded(first?.password ?? '');
  const isToken = user !== '' && password === '';
  return {
    hosts: urls.map((url) => `${url.hostname}:${url.port === '' ? PORT_DEFAULT : url.port}`),
    user: user === '' || isToken ? null : user,
    password,
    token: isToken ? user : null,
    tls: urls.some((url) => url.protocol === 'tls:'),
  };
}

function parseServer(text: string, which: string): URL {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `nats://${text}`;
  if (!URL.canParse(full) || new URL(full).hostname === '') {
    throw new ServerUrlError(`${which} is not a URL like nats://127.0.0.1:4222`);
  }
  const url = new URL(full);
  if (url.protocol !== 'nats:' && url.protocol !== 'tls:') {
    throw new ServerUrlError(`${which} begins with ${url.protocol}//; nats:// and tls:// are supported`);
  }
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '') {
    throw new ServerUrlError(`${which} has something behind its port; percent-encode / ? # and @ in a password`);
  }
  return url;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ServerUrlError('the user, password or token of the NATS server is not percent-encoded correctly');
  }
}
