/** Background task: one question for the reasons → an Explanation, as the text of an answer. */
import { WHY_MS_MAX } from '../constants.ts';
import { explanationText } from '../explain/explanation-text.ts';
import type { Explanation } from '../protocol/explanation.ts';
import type { WhyFormat, WhyOutcome, WhyQuestion } from '../protocol/why.ts';
import { History } from '../replay/history.ts';
import { WhyError } from '../replay/why/question.ts';
import type { WhyStanding } from '../replay/why/standing.ts';
import { explainWhy } from '../replay/why/why.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { backgroundTask } from './background-pool.ts';

/** Columns, since nobody knows where it is read. */
const WIDTH = 100;

export interface WhyTask {
  readonly dataDirectory: string;
  /** The customer's. */
  readonly partition: number;
  readonly question: WhyQuestion;
  readonly format: WhyFormat;
  /** Of the live partition, when it was asked: it is explained up to there. */
  readonly standing: WhyStanding;
}

export const whyTask = backgroundTask<WhyTask, WhyOutcome>('why-task');

export default function why({ dataDirectory, partition, question, format, standing }: WhyTask): WhyOutcome {
  const deadline = performance.now() + WHY_MS_MAX;
  const isLate = (): boolean => performance.now() > deadline;
  const history = History.open(nodeFileSystem, dataDirectory, new Map([[partition, standing.position]]));
  try {
    const explanation = explainWhy(history, partition, question, { standing, isLate });
    return { body: format === 'json' ? JSON.stringify(explanation) : wordsOf(explanation, question) };
  } catch (error) {
    if (error instanceof WhyError) return { refusal: error.refusal, detail: error.message };
    throw error;
  } finally {
    history.close();
  }
}

/** Whoever asks about one campaign wants to know it all. */
function wordsOf(explanation: Explanation, { campaign }: WhyQuestion): string {
  return explanationText(explanation, { width: WIDTH, colour: false, detail: campaign !== null });
}
