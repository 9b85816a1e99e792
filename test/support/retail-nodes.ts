/** Shared by the tests that run the demo's receipts through real nodes: batches of the sample, and what a data folder holds afterwards. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { DataPaths, readIdentity, saltOf } from '../../src/storage/data-folder.ts';
import { decodeDecisionEntry } from '../../src/storage/decision-entry.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { NumberedLog } from '../../src/storage/numbered-log.ts';
import { NumberedLogReader } from '../../src/storage/numbered-log-reader.ts';
import { EntryKind } from '../../src/storage/numbered-log-segment.ts';
import { SnapshotStore } from '../../src/storage/snapshot-store.ts';
import { type BeckonProcess, startBeckon, temporaryFolder } from './beckon-process.ts';

const DEMO = resolve(import.meta.dirname, '../../src/demo');
const SAMPLE = join(DEMO, 'sample/2010-12.ndjson.gz');
export const DEMO_WORKSPACE = join(DEMO, 'workspace');
export const PARTITIONS = 8;

/** The first `count` events of the sample as NDJSON bodies of `size` events. */
export function sampleBatches(count: number, size: number): string[] {
  const lines = gunzipSync(readFileSync(SAMPLE)).toString('utf8').split('\n').slice(0, count);
  return Array.from({ length: Math.ceil(lines.length / size) }, (_, i) =>
    lines.slice(i * size, (i + 1) * size).join('\n'),
  );
}

/** Nodes and folders of one test, taken down together. */
export class RetailNodes {
  readonly #folders: { remove(): void }[] = [];
  readonly #running: BeckonProcess[] = [];

  newDataFolder(): string {
    const folder = temporaryFolder();
    this.#folders.push(folder);
    return join(folder.path, 'data');
  }

  async start(data: string, ...flags: string[]): Promise<BeckonProcess> {
    const process = await startBeckon('--data', data, '--clock', 'event', '--partitions', String(PARTITIONS), ...flags);
    this.#running.push(process);
    return process;
  }

  async close(): Promise<void> {
    for (const process of this.#running.splice(0)) await process.kill();
    for (const folder of this.#folders.splice(0)) folder.remove();
  }
}

/** Sends one NDJSON body; resolves once it is acknowledged, with every event accepted. */
export async function post(url: string, batch: string): Promise<void> {
  const response = await fetch(`${url}/v1/events`, {
    method: 'POST',
    body: batch,
    headers: { 'content-type': 'application/x-ndjson' },
  });
  expect(response.status).toBe(202);
  const { accepted } = (await response.json()) as { accepted: number };
  expect(accepted).toBeGreaterThan(0);
}

export interface Outcome {
  /** By partition: the state digest in its newest snapshot. */
  readonly digests: readonly string[];
  /** By partition: every decision's JSON, in order. */
  readonly decisions: readonly (readonly string[])[];
}

/** What a data folder holds once its node has stopped cleanly. */
export async function outcomeOf(data: string): Promise<Outcome> {
  const paths = new DataPaths(data);
  const salt = saltOf((readIdentity(nodeFileSystem, data) as { id: string }).id);
  const digests: string[] = [];
  const decisions: string[][] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { snapshot, problems } = new SnapshotStore(
      nodeFileSystem,
      paths.partition(partition),
      partition,
    ).loadNewest();
    expect(problems).toEqual([]);
    digests.push(snapshot?.trailer.digest ?? 'no snapshot');
    const folder = paths.decisions(partition);
    const log = NumberedLog.open(nodeFileSystem, folder, {
      kind: EntryKind.decision,
      partition,
      salt,
      retainedBytes: Number.MAX_SAFE_INTEGER,
    });
    const { next } = log;
    log.close();
    const entries = await new NumberedLogReader(folder).read(1, next, Number.MAX_SAFE_INTEGER);
    decisions.push(
      entries.map((entry) => Buffer.from(decodeDecisionEntry(entry.number, entry.bytes).json).toString('utf8')),
    );
  }
  return { digests, decisions };
}
