/** The kernel workload (workload/kernel.ts) as a folder and as flags for `beckon serve`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { kernelRules, kernelWorkspace, profilePayloads } from '../workload/kernel.ts';
import { HttpConnections, postRequest } from './http-connections.ts';

/** Writes the workspace with so many rules; returns its folder. */
export function writeKernelWorkspace(folder: string, rules: number): string {
  return writeWorkspace(join(folder, `kernel-${rules}`), kernelWorkspace(kernelRules(rules)));
}

export function writeWorkspace(path: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

/** Makes all customers known to a node, with their profiles, over HTTP. */
export async function loadProfiles(port: number, customers: number): Promise<void> {
  const connections = await HttpConnections.open(port, 4);
  const answers: Promise<number>[] = [];
  for (const payload of profilePayloads(customers, 'json')) {
    answers.push(new Promise((done) => connections.post(postRequest('/v1/events', 'application/json', payload), done)));
    if (answers.length % 64 === 0) await answers.at(-64);
  }
  const refused = (await Promise.all(answers)).filter((status) => status !== 202);
  connections.close();
  if (refused.length > 0) throw new Error(`profiles were answered with ${refused[0]}`);
}
