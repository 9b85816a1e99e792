/**
 * Which fields of an event somebody may still read after it was applied: what is stored of it. By places in the frame
 * of its type; a field of which only the presence is asked for counts as well, since its value goes with it.
 */
import { eventPair } from '../../rules/event-pair.ts';
import { columnKey, type EventReads } from '../../rules/event-reads.ts';
import type { Ir } from '../../rules/ir.ts';
import { childrenOf } from '../../rules/ir-traits.ts';
import type { Program } from '../../rules/program.ts';
import type { Campaign, Meeting, Workspace } from '../../workspace/workspace.ts';

export class KeptFields implements EventReads {
  /** Event.id, or whether it is there. */
  id = false;
  /** A template may read the whole event. */
  all = false;
  readonly fields = new Set<number>();
  readonly lists = new Set<number>();
  /** By columnKey. */
  readonly columns = new Set<string>();

  field(slot: number): boolean {
    return this.all || this.fields.has(slot);
  }
  list(list: number): boolean {
    return this.all || this.lists.has(list);
  }
  column(list: number, column: number): boolean {
    return this.all || this.columns.has(columnKey(list, column));
  }
}

/** Of the event that triggers a campaign: what its expressions and templates read when a wait ends, and its rules over two events while it lasts. */
export function keptFields(workspace: Workspace, campaign: Campaign): KeptFields {
  const kept = new KeptFields();
  const { when, value, score, wait, goal } = campaign;
  if (campaign.event < 0) return kept;
  for (const program of [when, value, score, wait?.when ?? null]) if (program !== null) collect(kept, program, WHOLE);
  const meetings = [...(wait?.unless ?? []), wait?.restart ?? null, goal].filter((meeting) => meeting !== null);
  for (const meeting of meetings) collectMeeting(kept, workspace, campaign, meeting, 'trigger');
  kept.all = templatesOf(campaign).some((template) => workspace.templates[template]?.readsEvent === true);
  return kept;
}

/** Of an event that sequences look back at: what their conditions read. null: no campaign of this status has an `after` that names the type. */
export function rememberedFields(workspace: Workspace, event: number, status: Campaign['status']): KeptFields | null {
  const kept = new KeptFields();
  let named = false;
  for (const campaign of workspace.campaigns) {
    if (campaign.status !== status || campaign.after === null) continue;
    for (const meeting of campaign.after.events) {
      if (meeting.event !== event) continue;
      named = true;
      collectMeeting(kept, workspace, campaign, meeting, 'event');
    }
  }
  return named ? kept : null;
}

/** The part of a frame that is one event. */
interface Part {
  readonly firstSlot: number;
  readonly slotsEnd: number;
  readonly firstList: number;
  readonly listsEnd: number;
  /** The slot of its id; -1: it is the frame's own. */
  readonly idSlot: number;
}

const END = Number.POSITIVE_INFINITY;
const WHOLE: Part = { firstSlot: 0, slotsEnd: END, firstList: 0, listsEnd: END, idSlot: -1 };

function collectMeeting(
  kept: KeptFields,
  { schema }: Workspace,
  campaign: Campaign,
  meeting: Meeting,
  side: 'event' | 'trigger',
): void {
  const event = schema.events[meeting.event];
  const trigger = schema.events[campaign.event];
  if (meeting.when === null || event === undefined || trigger === undefined) return;
  const { firstSlot, firstList, idSlot } = eventPair(event, trigger);
  const part =
    side === 'event'
      ? { firstSlot: 0, slotsEnd: firstSlot, firstList: 0, listsEnd: firstList, idSlot: -1 }
      : { firstSlot, slotsEnd: idSlot, firstList, listsEnd: END, idSlot };
  collect(kept, meeting.when, part);
}

function collect(kept: KeptFields, { ir }: Program, part: Part): void {
  const { firstSlot, slotsEnd, firstList, listsEnd, idSlot } = part;
  const visit = (node: Ir): void => {
    if ((node.op === 'slot' || node.op === 'has') && node.from === 'event') {
      if (node.slot >= firstSlot && node.slot < slotsEnd) kept.fields.add(node.slot - firstSlot);
      if (node.slot === idSlot) kept.id = true;
    }
    if (idSlot < 0 && (node.op === 'hasId' || (node.op === 'meta' && node.field === 'id'))) kept.id = true;
    const list = listOf(node);
    if (list >= firstList && list < listsEnd) {
      kept.lists.add(list - firstList);
      if (node.op === 'column' || node.op === 'hasColumn') kept.columns.add(columnKey(list - firstList, node.column));
      else if (readsScalars(node)) kept.columns.add(columnKey(list - firstList, 0));
    }
    for (const child of childrenOf(node)) visit(child);
  };
  visit(ir);
}

/** -1: the node reads no list of an event itself. */
function listOf(node: Ir): number {
  if (node.op === 'loop') return node.range.over === 'objects' || node.range.over === 'scalars' ? node.range.list : -1;
  return 'list' in node && typeof node.list === 'number' ? node.list : -1;
}

/** Of a list of objects, it does no harm to keep their first field. */
function readsScalars(node: Ir): boolean {
  if (node.op === 'eventList') return node.column !== null;
  // A list of scalars without its elements would have no length, either.
  return node.op === 'listLength' || node.op === 'hasList' || (node.op === 'loop' && node.range.over === 'scalars');
}

function templatesOf({ template, variants }: Campaign): readonly number[] {
  return [template, ...variants.map((variant) => variant.template)];
}
