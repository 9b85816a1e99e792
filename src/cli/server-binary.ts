/** The HTTP server's binary is chosen when npm installs, for the major version of Node that npm runs under. Under another one it is missing, which the server says in words of its own. */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InputError } from './exit.ts';

const SERVER = 'uWebSockets.js';
const REFUSAL = /^This version of uWS\.js/;
const MAJORS = [20, 22];

/** To be called before anything imports the server: Node 20 ends the process where that fails, also if it is caught. Throws InputError, with what helps. */
export function requireServerBinary(): void {
  const require = createRequire(import.meta.url);
  try {
    require(SERVER);
  } catch (error) {
    if (!(error instanceof Error) || !REFUSAL.test(error.message)) throw error;
    throw new InputError(refusal(installedMajors(require.resolve(SERVER))));
  }
}

function refusal(installed: readonly number[]): string {
  const { node } = process.versions;
  const major = Number(node.split('.')[0]);
  if (!MAJORS.includes(major)) return `this is Node ${node}: Beckon needs Node 20.19+ or 22`;
  if (installed.length > 0 && !installed.includes(major))
    return `node_modules was installed under Node ${installed.join(' and ')}, and this is Node ${node}: run \`npm install\` under this one`;
  const place = `Node ${node}, ${process.platform} ${process.arch}; on Linux it needs glibc`;
  return `the HTTP server's binary cannot be loaded (${place}): run \`npm install\` once more`;
}

/** npm keeps the binaries that it chose beside the package: @uwsjs/linux-x64-22. */
function installedMajors(server: string): readonly number[] {
  try {
    return readdirSync(join(dirname(server), '../@uwsjs')).map((name) => Number(name.split('-').at(-1)));
  } catch {
    return [];
  }
}
