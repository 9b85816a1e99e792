/**
 * Finds redis-server and tarantool without asking the user: on PATH, or else Debian's packages, unpacked into a cache folder with the shared libraries that the
 * machine lacks. Nothing is installed and no service is started: apt works on lists and a cache of its own and only downloads.
 *
 *   <cache>/<name>/root/usr/bin/<name>       cache: as in src/demo/nats-server-program.ts
 */
import { execFile } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, lock } from '../../src/demo/nats-server-program.ts';

const run = promisify(execFile);
/** A slow mirror gets its time: 9 MB of lists, up to 20 MB of packages. */
const FETCH_MS_MAX = 180_000;

/** A program that can be spawned. */
export interface FoundProgram {
  readonly path: string;
  /** To be added to the environment: where its libraries are. */
  readonly environment: Readonly<Record<string, string>>;
}

export type ProgramName = 'redis-server' | 'tarantool';

/** `fetch`: may download. Returns why there is none as a text. */
export async function findDebianProgram(
  name: ProgramName,
  fetch: boolean,
  tell: (line: string) => void,
): Promise<FoundProgram | string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter).filter((entry) => entry !== '')) {
    const program = { path: join(folder, name), environment: {} };
    if (await answers(program)) return program;
  }
  const folder = join(cacheFolder(), name);
  const cached = await unpackedProgram(folder, name);
  if (await answers(cached)) return cached;
  if (!fetch) return `${name} is neither on PATH nor in the cache (a full run fetches it where there is apt)`;
  if (process.platform !== 'linux' || !(await isExecutable('/usr/bin/apt-get')))
    return `${name} is not on PATH, and there is no apt to fetch it with`;
  return fetchProgram(folder, name, tell);
}

async function fetchProgram(
  folder: string,
  name: ProgramName,
  tell: (line: string) => void,
): Promise<FoundProgram | string> {
  await mkdir(folder, { recursive: true });
  const unlock = await lock(join(folder, 'fetch.lock'));
  try {
    const before = await unpackedProgram(folder, name);
    if (await answers(before)) return before;
    tell(`fetching Debian's ${name} into ${folder}, once`);
    await downloadAndUnpack(folder, name);
    const program = await unpackedProgram(folder, name);
    return (await answers(program)) ? program : `Debian's ${name} was fetched into ${folder}, but does not run`;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return `${name} is not on PATH, and could not be fetched: ${(stderr ?? '').trim().split('\n').at(-1) || message}`;
  } finally {
    await unlock();
  }
}

/** Unpacks beside the goal and renames, so that nobody ever sees half a program. */
async function downloadAndUnpack(folder: string, name: ProgramName): Promise<void> {
  const work = await mkdtemp(join(folder, '.fetch-'));
  try {
    const archives = join(work, 'cache/archives');
    for (const part of ['lists/partial', 'cache/archives/partial', 'root'])
      await mkdir(join(work, part), { recursive: true });
    const options = [
      `Dir::State::Lists=${join(work, 'lists')}`,
      `Dir::Cache=${join(work, 'cache')}`,
      // Both are for the owner of the machine's state, which is only read here.
      'Debug::NoLocking=1',
      'APT::Sandbox::User=root',
      'Acquire::Languages=none',
      'Acquire::Retries=2',
    ].flatMap((option) => ['-o', option]);
    const settings = { timeout: FETCH_MS_MAX, maxBuffer: 1 << 24, env: { ...process.env, LC_ALL: 'C' } };
    await run('apt-get', [...options, '-qq', 'update'], settings);
    await run(
      'apt-get',
      [...options, '-qq', '-y', '--download-only', '--no-install-recommends', 'install', name],
      settings,
    );
    for (const file of await readdir(archives)) {
      if (file.endsWith('.deb')) await run('dpkg', ['-x', join(archives, file), join(work, 'root')], settings);
    }
    await rm(join(folder, 'root'), { recursive: true, force: true });
    await rename(join(work, 'root'), join(folder, 'root'));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function unpackedProgram(folder: string, name: ProgramName): Promise<FoundProgram> {
  const root = join(folder, 'root');
  const libraries: string[] = [];
  for (const parent of [join(root, 'usr/lib'), join(root, 'lib')]) {
    for (const entry of await readdir(parent).catch(() => [] as string[]))
      if (entry.includes('-linux-')) libraries.push(join(parent, entry));
  }
  const environment: Record<string, string> =
    libraries.length === 0 ? {} : { LD_LIBRARY_PATH: libraries.join(delimiter) };
  return { path: join(root, 'usr/bin', name), environment };
}

async function answers({ path, environment }: FoundProgram): Promise<boolean> {
  if (!(await isExecutable(path))) return false;
  return run(path, ['--version'], { timeout: 10_000, env: { ...process.env, ...environment } }).then(
    () => true,
    () => false,
  );
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
