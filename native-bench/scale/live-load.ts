/**
 * Purchases as fast as a node takes them, and how many it took in each moment while a shard was taking a snapshot and while none was: a snapshot under way shows
 * as a temporary file in its partition's folder.
 */
import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataPaths } from '../../src/storage/data-folder.ts';
import { HttpConnections, postRequest } from '../load/http-connections.ts';
import type { LivePurchases } from './live-purchases.ts';

const CONNECTIONS = 8;
/** How often it is looked what was taken and who takes a snapshot. */
const LOOK_MS = 20;

/** A stretch of time in which snapshots were under way throughout, or none was. */
export interface Stretch {
  readonly snapshots: boolean;
  readonly seconds: number;
  readonly events: number;
}

export interface LiveLoad {
  readonly port: number;
  readonly dataDirectory: string;
  readonly partitions: number;
  readonly purchases: LivePurchases;
}

/** Sends until `enough` says so; resolves when everything sent was answered. */
export async function sendLive(
  { port, dataDirectory, partitions, purchases }: LiveLoad,
  enough: (stretches: readonly Stretch[]) => boolean,
): Promise<Stretch[]> {
  const connections = await HttpConnections.open(port, CONNECTIONS);
  const folders = Array.from({ length: partitions }, (_, partition) =>
    new DataPaths(dataDirectory).partition(partition),
  );
  const stretches: Stretch[] = [];
  let taken = 0;
  let sending = true;
  const sendOn = async (): Promise<void> => {
    while (sending) {
      const request = postRequest('/v1/events', 'application/msgpack', purchases.next());
      const status = await new Promise<number>((done) => connections.post(request, done));
      assert.equal(status, 202, `events were answered with ${status}`);
      taken += purchases.eventsPerBody;
    }
  };
  const senders = Promise.all(Array.from({ length: CONNECTIONS }, sendOn));
  let failed = false;
  senders.catch(() => {
    failed = true;
  });
  let since = performance.now();
  let before = false;
  while (!enough(stretches) && !failed) {
    await sleep(LOOK_MS);
    const snapshots = folders.some((folder) => readdirSync(folder).some((name) => name.endsWith('.tmp')));
    const now = performance.now();
    // A look between two states belongs to neither.
    if (snapshots === before) add(stretches, { snapshots, seconds: (now - since) / 1000, events: taken });
    taken = 0;
    since = now;
    before = snapshots;
  }
  sending = false;
  await senders;
  connections.close();
  return stretches;
}

function add(stretches: Stretch[], { snapshots, seconds, events }: Stretch): void {
  const last = stretches.at(-1);
  if (last === undefined || last.snapshots !== snapshots) stretches.push({ snapshots, seconds, events });
  else stretches[stretches.length - 1] = { snapshots, seconds: last.seconds + seconds, events: last.events + events };
}

/** Each stretch with snapshots beside the quiet one before it: events per second, and one divided by the other. Short ones count with their neighbours. */
export function besideAndAlone(
  stretches: readonly Stretch[],
  secondsMin: number,
): { readonly beside: number[]; readonly alone: number[] } {
  const beside: number[] = [];
  const alone: number[] = [];
  const merged = mergeShort(stretches, secondsMin);
  for (const [i, stretch] of merged.entries()) {
    const quiet = merged[i - 1];
    // A stretch of few looks may have met no answer.
    if (!stretch.snapshots || quiet === undefined || stretch.events === 0 || quiet.events === 0) continue;
    beside.push(stretch.events / stretch.seconds);
    alone.push(quiet.events / quiet.seconds);
  }
  return { beside, alone };
}

/** Between two partitions' snapshots there is a moment without any. */
function mergeShort(stretches: readonly Stretch[], secondsMin: number): Stretch[] {
  const merged: Stretch[] = [];
  for (const stretch of stretches) {
    const last = merged.at(-1);
    if (last === undefined) merged.push(stretch);
    else if (stretch.seconds < secondsMin || last.snapshots === stretch.snapshots)
      add(merged, { ...stretch, snapshots: last.snapshots });
    else merged.push(stretch);
  }
  return merged;
}
