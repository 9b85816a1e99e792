/** What becomes of new aggregates when a version is published, in words. */
import type { Workspace } from '../workspace/workspace.ts';

/** As the node tells it. */
export interface FilledAggregate {
  readonly aggregate: string;
  /** The version before has another one by that name. */
  readonly changed: boolean;
  readonly since: string | null;
  readonly complete: boolean;
  readonly why?: string;
}

/** A line for each. `workspace`: the version, null where it does not compile here. */
export function filledText(filled: readonly FilledAggregate[], workspace: Workspace | null): string {
  const lines = filled.map(
    (each) => `  profile.${each.aggregate} (${each.changed ? 'changed' : 'new'}): ${sentence(each)}\n`,
  );
  const segments = workspace === null ? [] : segmentsOver(filled, workspace);
  if (segments.length > 0) {
    const they = segments.length === 1 ? `segment ${segments[0]} reads` : `segments ${segments.join(', ')} read`;
    lines.push(`  ${they} them: segments are evaluated when they are read, and need no filling\n`);
  }
  return lines.join('');
}

function sentence({ changed, since, complete, why }: FilledAggregate): string {
  if (since === null) return complete ? 'there is nothing yet to fill it with' : `begins empty: ${why}`;
  return complete
    ? `filled from history, as if it had always been ${changed ? 'so' : 'there'}`
    : `filled from history since ${since}: ${why}`;
}

function segmentsOver(filled: readonly FilledAggregate[], { aggregates, segments }: Workspace): string[] {
  const names = new Set(filled.map(({ aggregate }) => aggregate));
  const slots = new Set(aggregates.filter(({ name }) => names.has(name)).map(({ slot }) => slot));
  return segments.filter(({ when }) => when.profileSlots.some((slot) => slots.has(slot))).map(({ name }) => name);
}
