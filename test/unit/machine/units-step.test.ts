/** Publishing while decisions wait for units: who waits is told in any order, and giving back one's units may end the wait of another. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { LeaseMessage } from '../../../src/protocol/partition-message.ts';
import { RecordKind } from '../../../src/protocol/record.ts';
import { fnv1a32, partitionOf } from '../../../src/stdx/hash.ts';
import { sharesOf } from '../../../src/workspace/shares.ts';
import { MachineFixture, type WorkspaceFiles, workspaceOf } from '../../support/machine-fixture.ts';

const MIDNIGHT = Date.UTC(2026, 2, 3);
const DAY = MIDNIGHT / 86_400_000;
const PARTITIONS = 3;

const keeperOf = (key: string): number => fnv1a32(key) % PARTITIONS;

/** A name whose keys partition 0 has to ask others for. */
function nameOf(keys: readonly ((name: string) => string)[]): string {
  const names = Array.from({ length: 1000 }, (_, n) => `n${n}`);
  return names.find((name) => keys.every((key) => keeperOf(key(name)) !== 0)) as string;
}
const offer = nameOf([(name) => `offer/${name}`]);
const id = nameOf([(name) => `total/${name}`, (name) => `day/${name}/${DAY - 1}`, (name) => `day/${name}/${DAY}`]);

const filesOf = (status: string, limits = 'limits: {total: 1, perDay: 6}'): WorkspaceFiles => ({
  'events.yaml': 'both: {}\nonly: {}\n',
  'profile.yaml': 'attributes: {timezone: {type: string}}\n',
  'policy.yaml':
    'consent: {push: none-needed}\nquietHours: {from: "03:00", to: "04:00", channels: [push], then: drop}\n',
  'offers.yaml': `${offer}: {title: One, budget: 1}\n`,
  'campaigns/both.yaml': `{id: ${id}, on: both, status: ${status}, channels: [push], ${limits}${limits === '' ? '' : `, offer: ${offer}`}}\n`,
  'campaigns/only.yaml': `{id: only, on: only, channels: [push], offer: ${offer}}\n`,
});

let fixture: MachineFixture;
let told: number[];

function publish(version: number, files: WorkspaceFiles, ts: number): void {
  const workspace = workspaceOf(files, version);
  fixture.publish({ ...workspace, shares: sharesOf(workspace, {}, PARTITIONS) }, ts);
}

function hear(message: LeaseMessage, ts: number): void {
  const from = keeperOf(message.key);
  told[from] = (told[from] as number) + 1;
  const record = { from, first: told[from], messages: [message] };
  fixture.append(RecordKind.message, new TextEncoder().encode(JSON.stringify(record)), ts);
}

/** Customers of partition 0. */
const customers = Array.from({ length: 100 }, (_, n) => `c${n}`).filter((name) => partitionOf(name, PARTITIONS) === 0);

const counts = (): object | undefined => fixture.machine.campaigns().find((row) => row.id === id);

/** One has the campaign's unit, and none of the day before; one waits for the first. The offer is used up. */
beforeEach(() => {
  fixture = new MachineFixture({ clock: 'wall', partition: 0, partitions: PARTITIONS });
  told = [0, 0, 0];
  publish(1, filesOf('live'), MIDNIGHT - 5000);
  hear({ kind: 'recall', key: `day/${id}/${DAY - 1}`, round: 1 }, MIDNIGHT - 4000);
  fixture.send({ type: 'both', customer: customers[0] }, MIDNIGHT - 3000);
  hear({ kind: 'grant', key: `total/${id}`, units: 1 }, MIDNIGHT - 2000);
  fixture.send({ type: 'both', customer: customers[1] }, MIDNIGHT + 1000);
  fixture.send({ type: 'only', customer: customers[2] }, MIDNIGHT + 2000);
  hear({ kind: 'deny', key: `offer/${offer}` }, MIDNIGHT + 3000);
  expect(counts()).toMatchObject({ matched: 2, waiting: 2 });
});

describe('publishing while two wait for each other’s units', () => {
  it('on a new day ends the wait of who is given them and finds the next one used up', () => {
    publish(2, filesOf('live'), MIDNIGHT + 4000);
    expect(counts()).toMatchObject({ matched: 2, waiting: 0, suppressed: { budget: 2 } });
    expect(fixture.effects.settled).toHaveLength(2);
  });

  it('withdraws both, whoever was given units on the way', () => {
    publish(2, filesOf('paused'), MIDNIGHT + 4000);
    expect(counts()).toMatchObject({ matched: 2, waiting: 0, suppressed: { withdrawn: 2 } });
    expect(fixture.effects.settled.map(({ decision }) => decision)).toEqual([null, null]);
  });

  it('decides both where nothing is limited any more, and counts what their decisions met', () => {
    for (const name of customers.slice(0, 2))
      fixture.send({ type: '$profile', customer: name, data: { timezone: 'Not/AZone' } }, MIDNIGHT + 3500);
    const before = fixture.machine.totals.invalidTimezones;
    publish(2, filesOf('live', ''), MIDNIGHT + 4000);
    expect(counts()).toMatchObject({ matched: 2, decided: { push: 2 }, waiting: 0 });
    expect(fixture.machine.totals.invalidTimezones).toBe(before + 2);
    expect(fixture.clone().machine.digest()).toBe(fixture.machine.digest());
  });
});
