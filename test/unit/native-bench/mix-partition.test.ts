import { describe, expect, it } from 'vitest';
import { MixPartition } from '../../../native-bench/scale/mix-partition.ts';
import { customerId } from '../../../native-bench/workload/kernel.ts';
import {
  profileMixBatches,
  profileMixEvents,
  profileMixWorkspace,
  purchaseBatches,
} from '../../../native-bench/workload/profile-mix.ts';
import { RecordKind } from '../../../src/protocol/record.ts';
import { MachineFixture, workspaceOf } from '../../support/machine-fixture.ts';

const CUSTOMERS = 300;
const AFTER_ALL_EVENTS = Date.UTC(2030, 0, 1);

function machineOfTheMix(): MachineFixture {
  const fixture = new MachineFixture({ clock: 'event' });
  fixture.publish(workspaceOf(profileMixWorkspace()), AFTER_ALL_EVENTS);
  return fixture;
}

describe('MixPartition', () => {
  it('makes of a partition what the events of the mix make of it', () => {
    const byEvents = machineOfTheMix();
    for (const { payload } of profileMixBatches(CUSTOMERS, 1)) byEvents.append(RecordKind.events, payload);
    expect(byEvents.machine.totals.accepted).toBe(profileMixEvents(CUSTOMERS));

    const stored = machineOfTheMix();
    const { state, machine } = stored;
    const mix = new MixPartition(state, machine);
    for (let customer = 0; customer < CUSTOMERS; customer++) mix.addProfile(customer, customerId(customer));
    for (const { payload } of purchaseBatches(CUSTOMERS, 1, () => true)) mix.apply(payload);

    expect(state.customers).toBe(CUSTOMERS);
    expect(state.digest(machine.logTime)).toBe(byEvents.state.digest(byEvents.machine.logTime));
    // Whoever sends such a profile again is told that it was seen.
    const [first] = profileMixBatches(1, 1);
    expect(stored.append(RecordKind.events, first?.payload as Uint8Array)).toMatchObject({ accepted: 0, repeated: 1 });
  });
});
