/** Below a campaign's sentence, where details are wanted: its predicate part by part, and every step that it took. */
import type { CampaignVerdict, ExplainedExpression, ExplainedStep } from '../protocol/explanation.ts';
import { wrap } from './layout.ts';
import { partText } from './predicate-words.ts';
import { shorten } from './quantities.ts';
import { stepText } from './step-words.ts';
import { MARKS, type Mark, type Paint } from './style.ts';
import type { Wording } from './wording.ts';

const INDENT = '      ';
/** Deeper ones are part of the text above them. */
const DEPTH_MAX = 6;
const TEXT_LENGTH_MAX = 160;
/** The predicate of a campaign that has none. */
const ALWAYS = 'true';

export function detailLines(
  { predicate, steps }: CampaignVerdict,
  wording: Wording,
  paint: Paint,
  width: number,
): readonly string[] {
  const line = (indent: string, { sign, format }: Mark, text: string): readonly string[] => {
    const [first = '', ...rest] = wrap(`${indent}${sign} `, text, `${indent}  `, width);
    return [`${indent}${paint(format, sign)} ${first.slice(indent.length + 2)}`, ...rest];
  };
  const tree = (part: ExplainedExpression, indent: string, depth: number): readonly string[] => {
    const held = part.value === true ? MARKS.decided : MARKS.suppressed;
    const inner = depth < DEPTH_MAX ? innerParts(part) : [];
    if (inner.length === 0) return line(indent, held, partText(part, wording));
    return [...line(indent, held, headText(part)), ...inner.flatMap((child) => tree(child, `${indent}  `, depth + 1))];
  };
  return [
    ...(predicate === null || predicate.text === ALWAYS ? [] : tree(predicate, INDENT, 0)),
    ...steps.flatMap((step) => line(INDENT, stepMark(step), stepText(step, wording))),
  ];
}

function stepMark({ step, passed }: ExplainedStep): Mark {
  if (passed) return MARKS.decided;
  return step === 'wait' ? MARKS.waiting : MARKS.suppressed;
}

/** What is told on lines of its own. */
function innerParts({ kind, parts }: ExplainedExpression): readonly ExplainedExpression[] {
  return kind === 'and' || kind === 'or' || kind === 'segment' ? parts : [];
}

function headText({ kind, text, error }: ExplainedExpression): string {
  if (kind === 'and') return 'all of';
  if (kind === 'or') return 'at least one of';
  return shorten(error === null ? text : `${text}: ${error}`, TEXT_LENGTH_MAX);
}
