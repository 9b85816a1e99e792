/** Marks and colours of results. */
import { styleText } from 'node:util';
import type { CampaignVerdict } from '../protocol/explanation.ts';

type Format = Parameters<typeof styleText>[0];

export type Paint = (format: Format, text: string) => string;

/** A terminal was asked for by whoever calls: the stream that this text goes to is not looked at. */
export const coloured: Paint = (format, text) =>
  text === '' ? '' : styleText(format, text, { validateStream: false });
export const plain: Paint = (_format, text) => text;

export interface Mark {
  readonly sign: string;
  readonly format: Format;
  readonly meaning: string;
}

/** In the order in which they are told. */
export const MARKS = {
  decided: { sign: '✓', format: 'green', meaning: 'decided' },
  waiting: { sign: '…', format: 'yellow', meaning: 'waits' },
  shadow: { sign: '○', format: 'cyan', meaning: 'in shadow' },
  suppressed: { sign: '✗', format: 'red', meaning: 'lost' },
  unmatched: { sign: '·', format: 'dim', meaning: 'did not match' },
} as const satisfies Readonly<Record<string, Mark>>;

export type MarkName = keyof typeof MARKS;

export function markOf({ result, reason }: Pick<CampaignVerdict, 'result' | 'reason'>): MarkName {
  return reason === 'shadow' ? 'shadow' : result;
}
