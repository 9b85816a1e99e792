/**
 * A `workspace` record: the version that it carries decides from the next record on. All or nothing: a version that
 * cannot be read, compiled or stored leaves everything as it was, and the reason is told.
 */
import type { ProfileLayout } from '../state/layout.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { checkedWorkspace } from '../workspace/compiled-check.ts';
import { WORKSPACE_FORMAT, type Workspace } from '../workspace/workspace.ts';
import { type Accounting, Reason } from './accounting.ts';
import { ActiveWorkspace } from './active-workspace.ts';
import type { Filling } from './fill/filling.ts';
import { PendingKind } from './time/pending-kind.ts';
import type { PendingWaits } from './time/pending-waits.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads, compiles and adopts a version. A text says why nothing has changed. The active version once more is harmless (a publication was finished after a
 * crash); an older one changes nothing: two nodes published at the same moment, and their records crossed.
 */
export function activate(
  payload: Uint8Array,
  activeVersion: number,
  state: PartitionState,
  accounting: Accounting,
  filling: Filling,
): ActiveWorkspace | string {
  let active: ActiveWorkspace;
  let layout: ProfileLayout;
  try {
    const workspace = readWorkspace(payload);
    if (workspace.version < activeVersion)
      return `version ${workspace.version} is older than the active ${activeVersion}`;
    active = new ActiveWorkspace(workspace, state, accounting);
    layout = { attributes: workspace.attributes, aggregates: workspace.aggregates };
  } catch (error) {
    // Whatever the compilers dislike, assertions of theirs too, is in the record: it is data.
    return `the workspace cannot be activated: ${error instanceof Error ? error.message : String(error)}`;
  }
  filling.beforeVersion();
  const refused = state.configure(layout);
  if (refused !== null) return refused;
  filling.activated(active.workspace);
  accounting.adopt(active.campaigns.map((campaign) => campaign.account));
  return active;
}

/** After a restore: the same version over a state that has its layout already. */
export function activateAgain(workspace: Workspace, state: PartitionState, accounting: Accounting): ActiveWorkspace {
  const active = new ActiveWorkspace(workspace, state, accounting);
  accounting.adopt(active.campaigns.map((campaign) => campaign.account));
  return active;
}

/**
 * Ends what waits for campaigns that the version does not have, or not live. What hangs on a decision is in no books; its units come back as long as there is the
 * campaign that they came from.
 */
export function withdrawOthers(
  state: PartitionState,
  active: ActiveWorkspace,
  waits: PendingWaits,
  now: number,
  released: (waiter: number) => void,
): void {
  for (const entry of state.pending.entries()) {
    const campaign = active.campaigns[active.campaignOfCode.get(entry.campaign) ?? -1];
    if (campaign?.campaign.status === 'live') continue;
    if (campaign !== undefined && entry.kind === PendingKind.expiry) continue;
    state.beginChange(entry.row);
    waits.suppress(entry, Reason.withdrawn, now);
    if (entry.kind === PendingKind.units) released(entry.number);
  }
}

/** Ends what waits for campaigns that were in shadow, and are not any more: a live campaign begins with nothing that it did not do. */
export function withdrawShadows(
  state: PartitionState,
  active: ActiveWorkspace,
  waits: PendingWaits,
  now: number,
): void {
  for (const entry of waits.store.entries()) {
    const campaign = active.campaigns[active.campaignOfCode.get(entry.campaign) ?? -1];
    if (campaign?.isShadow === true) continue;
    state.beginChange(entry.row);
    waits.suppress(entry, Reason.withdrawn, now);
  }
}

function readWorkspace(payload: Uint8Array): Workspace {
  const workspace = JSON.parse(decoder.decode(payload)) as Workspace | null;
  if (typeof workspace !== 'object' || workspace === null || workspace.format !== WORKSPACE_FORMAT)
    throw new Error(`it is not a compiled workspace of format ${WORKSPACE_FORMAT}`);
  return checkedWorkspace(workspace);
}
