/**
 * Finds a nats-server without asking the user: NATS_SERVER, then PATH; on Debian and what derives from it, Debian's own package is otherwise fetched into a
 * cache folder and unpacked there. Nothing is installed: apt works on a state of its own, made for the occasion, and the mirror is the machine's own.
 *
 *   <cache>/nats-server/<suite>/usr/sbin/nats-server       cache: BECKON_CACHE, else XDG_CACHE_HOME/beckon, else ~/.cache/beckon
 */
import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { NATS_SERVER_VERSION_MIN } from '../constants.ts';

const run = promisify(execFile);
/** A slow mirror gets its time; the package has 6 MB, the list of all packages 9. */
const FETCH_MS_MAX = 180_000;
const LOCK_POLL_MS = 200;
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const MIRRORS_TRIED_MAX = 4;

/** Suites of Debian and what their nats-server is for: the one to use, the newest, and one that must be refused. */
export type DebianSuite = 'trixie' | 'sid' | 'bookworm';

/** There is no nats-server to be had; the message says what to install. */
export class NatsServerMissing extends Error {
  override readonly name = 'NatsServerMissing';
}

/** The path of a nats-server that Beckon works with. Throws NatsServerMissing. `tell` hears of anything that takes long. */
export async function findNatsServer(tell: (line: string) => void = () => {}): Promise<string> {
  const named = process.env['NATS_SERVER'];
  if (named !== undefined && named !== '') {
    const version = await versionOf(named);
    if (version === null) throw new NatsServerMissing(`NATS_SERVER is ${named}, which is no nats-server`);
    if (isOlder(version)) throw new NatsServerMissing(`NATS_SERVER is ${named}, version ${version}; ${needed()}`);
    return named;
  }
  for (const folder of (process.env['PATH'] ?? '').split(delimiter).filter((entry) => entry !== '')) {
    const path = join(folder, 'nats-server');
    const version = await versionOf(path);
    if (version !== null && !isOlder(version)) return path;
  }
  return fetchNatsServer('trixie', tell);
}

/** The nats-server of a Debian suite, from the cache if it is there. Throws NatsServerMissing where it cannot be had. */
export async function fetchNatsServer(suite: DebianSuite, tell: (line: string) => void = () => {}): Promise<string> {
  const folder = join(cacheFolder(), 'nats-server');
  const path = join(folder, suite, 'usr/sbin/nats-server');
  if ((await versionOf(path)) !== null) return path;
  if (
    process.platform !== 'linux' ||
    !(await isExecutable('/usr/bin/apt-get')) ||
    !(await isExecutable(KEYRING, false))
  ) {
    throw new NatsServerMissing(
      `no nats-server found: ${needed()}. Install it (https://docs.nats.io/running-a-nats-service/introduction/installation), and put it on PATH or name it in NATS_SERVER.`,
    );
  }
  await mkdir(folder, { recursive: true });
  const unlock = await lock(join(folder, `${suite}.lock`));
  try {
    if ((await versionOf(path)) !== null) return path;
    tell(`fetching Debian's nats-server (${suite}) into ${folder}, once`);
    await fetchPackage(suite, folder);
    const version = await versionOf(path);
    if (version === null)
      throw new NatsServerMissing(`Debian's nats-server (${suite}) was fetched to ${path}, but does not run`);
    return path;
  } finally {
    await unlock();
  }
}

/** What `nats-server --version` says, such as 2.10.27; null if that cannot be run. */
export async function versionOf(path: string): Promise<string | null> {
  if (!(await isExecutable(path))) return null;
  try {
    const { stdout, stderr } = await run(path, ['--version'], { timeout: 10_000 });
    return /v(\d+\.\d+\.\d+)/.exec(stdout + stderr)?.[1] ?? null;
  } catch {
    return null;
  }
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const [majorMin = 0, minorMin = 0, patchMin = 0] = NATS_SERVER_VERSION_MIN.split('.').map(Number);
  if (major !== majorMin) return major < majorMin;
  if (minor !== minorMin) return minor < minorMin;
  return patch < patchMin;
}

function needed(): string {
  return `nats-server ${NATS_SERVER_VERSION_MIN} or newer is needed`;
}

export function cacheFolder(): string {
  const own = process.env['BECKON_CACHE'];
  if (own !== undefined && own !== '') return own;
  const shared = process.env['XDG_CACHE_HOME'];
  return join(shared !== undefined && shared !== '' ? shared : join(homedir(), '.cache'), 'beckon');
}

async function isExecutable(path: string, run = true): Promise<boolean> {
  return access(path, run ? constants.X_OK : constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** Tries the machine's own mirrors in turn. Unpacks beside the goal and renames, so that nobody ever sees half a package. */
async function fetchPackage(suite: DebianSuite, folder: string): Promise<void> {
  const failures: string[] = [];
  for (const mirror of (await ownMirrors()).slice(0, MIRRORS_TRIED_MAX)) {
    const work = await mkdtemp(join(folder, '.fetch-'));
    try {
      await downloadAndUnpack(mirror, suite, work);
      await rm(join(folder, suite), { recursive: true, force: true });
      await rename(join(work, 'unpacked'), join(folder, suite));
      return;
    } catch (error) {
      failures.push(lastLine(error));
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  throw new NatsServerMissing(
    `no nats-server found, and Debian's (${suite}) could not be fetched (${failures.join('; ') || 'apt knows no mirror of Debian'}). ${needed()}: put one on PATH or name it in NATS_SERVER.`,
  );
}

async function downloadAndUnpack(mirror: string, suite: DebianSuite, work: string): Promise<void> {
  await Promise.all(
    ['lists/partial', 'cache/archives/partial', 'packages', 'unpacked'].map((part) =>
      mkdir(join(work, part), { recursive: true }),
    ),
  );
  const sources = join(work, 'sources.list');
  await writeFile(sources, `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`);
  const options = [
    `Dir::Etc::SourceList=${sources}`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${join(work, 'lists')}`,
    `Dir::Cache=${join(work, 'cache')}`,
    // Its own user could not write into our folder.
    'APT::Sandbox::User=root',
    'APT::Default-Release=',
    'Acquire::Languages=none',
    'Acquire::Retries=2',
  ].flatMap((option) => ['-o', option]);
  const settings = {
    cwd: join(work, 'packages'),
    timeout: FETCH_MS_MAX,
    maxBuffer: 1 << 24,
    env: { ...process.env, LC_ALL: 'C' },
  };
  await run('apt-get', [...options, '-qq', 'update'], settings);
  await run('apt-get', [...options, '-qq', 'download', 'nats-server'], settings);
  await run('sh', ['-c', 'dpkg -x "$1"/*.deb "$2"', 'sh', settings.cwd, join(work, 'unpacked')], settings);
  await chmod(join(work, 'unpacked'), 0o755);
}

/** Archives that this machine is configured with, Debian's own first. */
async function ownMirrors(): Promise<string[]> {
  const format = '$(ORIGIN)\t$(COMPONENT)\t$(CODENAME)\t$(REPO_URI)';
  const { stdout } = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const rows = stdout
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([, component, , uri]) => component === 'main' && uri !== undefined && !/security/.test(uri));
  const ordered = [
    ...rows.filter(([origin]) => origin === 'Debian'),
    ...rows.filter(([origin]) => origin !== 'Debian'),
  ];
  return [...new Set(ordered.map(([, , , uri]) => uri as string))];
}

/** Two processes must not fetch at once. The lock of a process that is gone is nobody's. */
export async function lock(path: string): Promise<() => Promise<void>> {
  const giveUpAt = performance.now() + FETCH_MS_MAX;
  for (;;) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(await readFile(path, 'utf8').catch(() => ''));
    if (holder > 0 && !isAlive(holder)) await rm(path, { force: true });
    else if (performance.now() > giveUpAt)
      throw new NatsServerMissing(`another process holds ${path}; remove it if none does`);
    else await sleep(LOCK_POLL_MS);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Of a failed command: the last thing it said. */
function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr ?? '').trim().split('\n').at(-1) || message;
}
