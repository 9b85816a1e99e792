/** The half of a machine's digest that is not about its customers: content only, nothing that depends on how it came about. */
import { TextHash } from '../state/text-hash.ts';
import type { CampaignRow } from './accounting.ts';
import type { Globals, MachineIdentity } from './globals.ts';
import type { UnitsImage } from './leases/units-step.ts';

/** 16 hex digits. Log time counts under the event clock only: ticks move a wall clock. */
export function digestGlobals(
  { clock }: MachineIdentity,
  globals: Globals,
  units: UnitsImage,
  version: number,
  campaigns: readonly CampaignRow[],
): string {
  const { logTime, decisionCount, accepted, observationErrors, invalidTimezones, unmatchedFeedback } = globals;
  const content = {
    time: clock === 'event' ? logTime : 0,
    decisionCount,
    accepted,
    observationErrors,
    invalidTimezones,
    unmatchedFeedback,
    pendingCount: globals.pendingCount,
    schedules: globals.schedules.image(),
    shadow: globals.shadow.image(),
    units,
    version,
    campaigns,
  };
  const hash = new TextHash();
  hash.of(JSON.stringify(content));
  return hex(hash.low) + hex(hash.high);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
