/** Warnings about `event.outcome` of `$feedback` beside a text that no outcome is: such a comparison never holds, and nothing else would tell. */

import type { EventSchema } from '../protocol/schema.ts';
import { eventPair } from '../rules/event-pair.ts';
import type { Ir } from '../rules/ir.ts';
import { childrenOf } from '../rules/ir-traits.ts';
import type { Program } from '../rules/program.ts';
import { textComparison } from '../rules/text-comparison.ts';
import { FEEDBACK_TYPE } from './feedback-event.ts';
import type { IssueList } from './issue-list.ts';
import { suggestion } from './suggest.ts';
import { FeedbackOutcome } from './workspace.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

const OUTCOMES: readonly string[] = Object.values(FeedbackOutcome);

/** event, trigger: what the program was checked against (Expressions.check). */
export function lintOutcomes(
  { source, ir }: Program,
  event: EventSchema | null,
  trigger: EventSchema | null | undefined,
  file: YamlFile,
  path: YamlPath,
  issues: IssueList,
): void {
  const slots = outcomeSlots(event, trigger);
  if (slots.length === 0) return;
  for (const text of new Set(comparedTexts(ir, slots)))
    if (!OUTCOMES.includes(text))
      issues.warn(
        file.name,
        file.textMark(path, placeOf(source, text)),
        `no outcome is called \`${text}\`${suggestion(text, OUTCOMES)}`,
      );
}

/** Of the frame. */
function outcomeSlots(event: EventSchema | null, trigger: EventSchema | null | undefined): number[] {
  if (event === null) return [];
  const slotIn = (schema: EventSchema): number[] =>
    schema.type === FEEDBACK_TYPE
      ? schema.fields.filter((field) => field.path === 'outcome').map((field) => field.slot)
      : [];
  if (trigger === null || trigger === undefined) return slotIn(event);
  const { firstSlot } = eventPair(event, trigger);
  return [...slotIn(event), ...slotIn(trigger).map((slot) => firstSlot + slot)];
}

function comparedTexts(ir: Ir, slots: readonly number[]): string[] {
  const found = textComparison(ir);
  const own =
    found !== null && found.read.op === 'slot' && found.read.from === 'event' && slots.includes(found.read.slot)
      ? found.texts
      : [];
  return [...own, ...childrenOf(ir).flatMap((child) => comparedTexts(child, slots))];
}

/** The first such text in quotes; 0 where it is written in another way (escapes). */
function placeOf(source: string, text: string): number {
  return Math.max(0, ...[`"${text}"`, `'${text}'`].map((quoted) => source.indexOf(quoted)));
}
