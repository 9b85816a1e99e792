/**
 * npm packages that only the benchmarks need. They are listed in native-bench/package.json and live in native-bench/node_modules, so that the engine's own
 * install knows nothing of them; nothing here is imported statically, and type-checking needs none of them: who loads one declares what it uses of it.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export type PeerPackage = '@duckdb/node-api' | '@gorules/zen-engine' | 'json-rules-engine' | 'echarts';

const run = promisify(execFile);
/** 170 MB, most of it DuckDB and ECharts. */
const INSTALL_MS_MAX = 180_000;

/** The package's exports, or null where it is not installed (or not for this platform). */
export function loadPeerPackage(name: PeerPackage): unknown {
  try {
    return createRequire(join(benchFolder(), 'package.json'))(name);
  } catch {
    return null;
  }
}

/** Installs whatever is missing, as the lock file says. Returns why it could not, or null. */
export async function installPeerPackages(tell: (line: string) => void): Promise<string | null> {
  const folder = benchFolder();
  if (isInstalled(folder)) return null;
  tell('installing the packages that Beckon is compared with, once (npm install in native-bench)');
  try {
    await run('npm', ['install', '--no-audit', '--no-fund', '--no-save'], { cwd: folder, timeout: INSTALL_MS_MAX });
    return null;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return `npm install in native-bench: ${(stderr ?? '').trim().split('\n').at(-1) || message}`;
  }
}

/** Whether every package is there in the version that package.json asks for; it asks for exact ones. */
function isInstalled(folder: string): boolean {
  const read = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8'));
  try {
    const { dependencies } = read('package.json') as { dependencies: Record<string, string> };
    return Object.entries(dependencies).every(
      ([name, version]) => read(`node_modules/${name}/package.json`).version === version,
    );
  } catch {
    return false;
  }
}

/** native-bench of the repository, also when this runs from dist/. */
export function benchFolder(): string {
  for (let folder = import.meta.dirname; dirname(folder) !== folder; folder = dirname(folder)) {
    const candidate = join(folder, 'native-bench');
    if (existsSync(join(candidate, 'package.json'))) return candidate;
  }
  throw new Error('native-bench/package.json is not above this file');
}
