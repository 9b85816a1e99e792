/**
 * Servers for tests. `npm test` finds or fetches Debian 13's; BECKON_TEST_NATS=sid runs the same tests on the newest that Debian has.
 */

import { NatsServer, type NatsServerSettings } from '../../src/demo/nats-server.ts';
import {
  type DebianSuite,
  fetchNatsServer,
  findNatsServer,
  NatsServerMissing,
} from '../../src/demo/nats-server-program.ts';

export type { NatsServer } from '../../src/demo/nats-server.ts';

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

/** The program that tests run on. */
function testedProgram(): Promise<string> {
  const suite = process.env['BECKON_TEST_NATS'];
  if (suite === undefined || suite === '') return findNatsServer(tell);
  if (suite !== 'trixie' && suite !== 'sid') throw new Error(`BECKON_TEST_NATS is trixie or sid, not ${suite}`);
  return fetchNatsServer(suite, tell);
}

/** Starts a server on a free port of 127.0.0.1; `suite` instead of the one that tests run on. The caller stops it. */
export async function startNatsServer(
  settings: NatsServerSettings & { readonly suite?: DebianSuite } = {},
): Promise<NatsServer> {
  const { suite, ...rest } = settings;
  return NatsServer.start({ program: suite ? await fetchNatsServer(suite, tell) : await testedProgram(), ...rest });
}

/** The program of a suite, or null, with a notice, where it cannot be had: for tests that need just that version. */
export async function programOfSuite(suite: DebianSuite): Promise<string | null> {
  try {
    return await fetchNatsServer(suite, tell);
  } catch (error) {
    if (!(error instanceof NatsServerMissing)) throw error;
    tell(`skipped, because ${error.message}`);
    return null;
  }
}
