/** How a campaign's decisions go out: `cascade`, from channel to channel, and `slots`, the places that they take. */
import type { CascadeDefinition } from './campaign-parts.ts';
import { parseDuration } from './duration.ts';
import type { IssueList } from './issue-list.ts';
import { suggestion } from './suggest.ts';
import type { Cascade } from './workspace.ts';
import type { YamlFile } from './yaml-file.ts';

/** channels: how many the campaign names. */
export function compileCascade(
  data: CascadeDefinition | undefined,
  channels: number,
  file: YamlFile,
  issues: IssueList,
): Cascade | null {
  if (data === undefined) return null;
  if (channels < 2)
    issues.report(
      file.name,
      file.keyMark(['cascade']),
      '`cascade` has nothing to go on to: name a second channel, or leave it out',
    );
  return { afterMs: parseDuration(data.after) ?? 0, unless: data.unless ?? 'opened' };
}

/** known: the slots of the campaign's channels; null: nobody knows. */
export function compileSlots(
  slots: readonly string[] | undefined,
  known: readonly string[] | null,
  file: YamlFile,
  issues: IssueList,
): readonly string[] | null {
  if (slots === undefined) return null;
  slots.forEach((slot, i) => {
    const report = (message: string): void => issues.report(file.name, file.valueMark(['slots', i]), message);
    if (slots.indexOf(slot) < i) report(`\`${slot}\` is given twice`);
    else if (known !== null && !known.includes(slot))
      report(
        known.length === 0
          ? `no channel of this campaign has slots: policy.yaml gives them, as in \`arbitration: {slots: {pos: [${slot}]}}\``
          : `no channel of this campaign has a slot \`${slot}\`${suggestion(slot, known)}`,
      );
  });
  return slots;
}
