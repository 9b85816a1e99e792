/**
 * What a partition knows beside its customers: where it stands in the log, its numbers, the campaigns' accounts and the
 * active workspace. Exported as one JSON object, which a snapshot carries beside the state's sections.
 */

import { assert } from '../stdx/assert.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { Accounting, type CampaignRow } from './accounting.ts';
import type { UnitsImage } from './leases/units-step.ts';
import { ScheduleBook, type ScheduleImage } from './time/schedule-book.ts';

/** What is counted apart for campaigns in shadow. */
export class ShadowGlobals {
  pendingCount = 0;
  readonly schedules = new ScheduleBook();
  readonly accounting: Accounting;

  constructor(accounting: Accounting) {
    this.accounting = accounting;
  }

  image(): ShadowGlobalsImage {
    return { pendingCount: this.pendingCount, schedules: this.schedules.image() };
  }
}

export interface ShadowGlobalsImage {
  readonly pendingCount: number;
  readonly schedules: ScheduleImage;
}

export class Globals {
  /** Sequence of the last record applied; 0 before the first. */
  position = 0;
  /** Its timestamp. */
  recordTs = 0;
  /** Epoch ms; never goes back. 0 before the first record (wall clock) or event (event clock). */
  logTime = 0;
  /** Decisions made; the last one has this number. */
  decisionCount = 0;
  /** Pending entries begun; the last one has this number. */
  pendingCount = 0;
  /** Dead letters; the last one has this number. */
  deadLetterCount = 0;
  accepted = 0;
  repeated = 0;
  rejected = 0;
  /** Observations left out of an aggregate because its `when` or `value` ended in an error or beyond what it takes. */
  observationErrors = 0;
  /** Quiet hours read in the workspace's zone because the customer's timezone is not a known one. */
  invalidTimezones = 0;
  /** Feedback on decisions that were not there. */
  unmatchedFeedback = 0;
  readonly schedules = new ScheduleBook();
  readonly accounting = new Accounting();
  readonly shadow = new ShadowGlobals(this.accounting);
}

interface GlobalsImage {
  readonly format: 3;
  readonly partition: number;
  readonly partitions: number;
  readonly clock: string;
  readonly position: number;
  readonly recordTs: number;
  readonly logTime: number;
  readonly decisionCount: number;
  readonly pendingCount: number;
  readonly deadLetterCount: number;
  readonly accepted: number;
  readonly repeated: number;
  readonly rejected: number;
  readonly observationErrors: number;
  readonly invalidTimezones: number;
  readonly unmatchedFeedback: number;
  readonly schedules: ScheduleImage;
  readonly shadow: ShadowGlobalsImage;
  readonly campaigns: readonly CampaignRow[];
  readonly units: UnitsImage;
  readonly workspace: Workspace | null;
}

/** What must agree between the machine that exported and the one that imports. */
export interface MachineIdentity {
  readonly partition: number;
  readonly partitions: number;
  readonly clock: 'wall' | 'event';
}

const FORMAT = 3;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const status = (): string => '';

export function encodeGlobals(
  identity: MachineIdentity,
  globals: Globals,
  units: UnitsImage,
  workspace: Workspace | null,
): Uint8Array {
  const { accounting, schedules, shadow, ...numbers } = globals;
  const { partition, partitions, clock } = identity;
  const image: GlobalsImage = {
    format: FORMAT,
    partition,
    partitions,
    clock,
    ...numbers,
    schedules: schedules.image(),
    shadow: shadow.image(),
    campaigns: accounting.rows(status),
    units,
    workspace,
  };
  return encoder.encode(JSON.stringify(image));
}

/**
 * Fills `globals` and returns the workspace to be activated again, and what is to be imported behind it. The bytes are our own, behind a checksum: anything
 * wrong in them is an assertion.
 */
export function decodeGlobals(
  bytes: Uint8Array,
  identity: MachineIdentity,
  globals: Globals,
): Pick<GlobalsImage, 'workspace' | 'units'> {
  const image = JSON.parse(decoder.decode(bytes)) as GlobalsImage;
  assert(image.format === FORMAT, `globals have format ${image.format}, this program reads ${FORMAT}`);
  assert(
    image.partition === identity.partition && image.partitions === identity.partitions,
    'globals belong to another partition',
  );
  assert(image.clock === identity.clock, `globals were made under the ${image.clock} clock`);
  globals.position = image.position;
  globals.recordTs = image.recordTs;
  globals.logTime = image.logTime;
  globals.decisionCount = image.decisionCount;
  globals.deadLetterCount = image.deadLetterCount;
  globals.accepted = image.accepted;
  globals.repeated = image.repeated;
  globals.rejected = image.rejected;
  globals.observationErrors = image.observationErrors;
  globals.invalidTimezones = image.invalidTimezones;
  globals.unmatchedFeedback = image.unmatchedFeedback;
  globals.pendingCount = image.pendingCount;
  globals.schedules.restore(image.schedules);
  globals.shadow.pendingCount = image.shadow.pendingCount;
  globals.shadow.schedules.restore(image.shadow.schedules);
  globals.accounting.restore(image.campaigns);
  return image;
}
