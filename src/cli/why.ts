/**
 * `beckon why --customer ID`: what was decided about a customer, and what was not, in words or as JSON; from a data folder, beside a running node or after it was stopped, or by asking a node.
 * The answer goes to stdout.
 */
import { WHY_MS_MAX, WHY_WAITING_MAX } from '../constants.ts';
import { explanationText } from '../explain/explanation-text.ts';
import type { Explanation } from '../protocol/explanation.ts';
import type { WhyQuestion } from '../protocol/why.ts';
import { History } from '../replay/history.ts';
import { askedTime, WhyError } from '../replay/why/question.ts';
import { explainWhy } from '../replay/why/why.ts';
import { partitionOf } from '../stdx/hash.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { ExitCode, InputError, UsageError } from './exit.ts';
import { sayFolderEnd } from './folder-end.ts';
import { explainedHistoryError } from './history-error.ts';
import { type Answer, NodeClient, problemText } from './node-client.ts';
import { sayWaiting } from './say-waiting.ts';
import { hasColours, type Output, widthOf } from './terminal.ts';

export interface WhyOptions {
  /** A data folder; or the node to ask. */
  readonly data?: string | undefined;
  readonly node?: string | undefined;
  readonly customer: string;
  readonly campaign?: string | undefined;
  readonly event?: string | undefined;
  /** SEQ, TIME or DAY. */
  readonly at?: string | undefined;
  /** Every step of each campaign, not only the one at which it lost; always where one campaign is asked about. */
  readonly detail?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly token?: string | undefined;
  /** How long to wait for a node that does not answer. */
  readonly retryForMs?: number;
}

/** Time to wait for a node when a person stands by. */
const RETRY_FOR_MS = 10_000;
/** Others may be explained before. */
const TRY_FOR_MS = (WHY_WAITING_MAX + 1) * WHY_MS_MAX;
/** Statuses whose detail says it all. */
const SAY_ALL = new Set([400, 404, 422]);
/** Columns, where nobody knows how many there are. */
const WIDTH_DEFAULT = 100;

/** @returns the exit code. InputError where there is nothing to explain, or it cannot be read. */
export async function why(options: WhyOptions, stdout: Output, stderr: NodeJS.WritableStream): Promise<number> {
  const { data, node, customer, campaign = null, event = null, at = null } = options;
  if (event !== null && at !== null)
    throw new UsageError('--event and --at: either names the moment, choose one of them');
  if (customer === '') throw new UsageError('--customer: expected the id of a customer, got nothing');
  const question = { customer, campaign, event, at };
  checkTime(question);
  let explanation: Explanation;
  if (data !== undefined && node === undefined) explanation = explainFolder(data, question, stderr);
  else if (node !== undefined && data === undefined) explanation = await askNode(node, question, options, stderr);
  else if (node === undefined) throw new UsageError('--data DIR or --node URL: say where the history is');
  else throw new UsageError('--data and --node: choose one of them');
  stdout.write(options.json === true ? `${JSON.stringify(explanation)}\n` : wordsOf(explanation, options, stdout));
  return ExitCode.done;
}

function wordsOf(explanation: Explanation, { detail, campaign }: WhyOptions, out: Output): string {
  return explanationText(explanation, {
    width: widthOf(out, WIDTH_DEFAULT),
    colour: hasColours(out),
    detail: detail === true || campaign !== undefined,
  });
}

function checkTime({ at }: WhyQuestion): void {
  try {
    if (at !== null) askedTime(at);
  } catch (error) {
    throw error instanceof WhyError ? new UsageError(`--${error.message}`) : error;
  }
}

function explainFolder(directory: string, question: WhyQuestion, stderr: NodeJS.WritableStream): Explanation {
  try {
    const history = History.open(nodeFileSystem, directory);
    sayFolderEnd(history, stderr);
    try {
      const partition = partitionOf(question.customer, history.identity.partitions);
      return explainWhy(history, partition, question, { standing: null, isLate: () => false });
    } finally {
      history.close();
    }
  } catch (error) {
    throw explainedHistoryError(error);
  }
}

async function askNode(
  to: string,
  { customer, campaign, event, at }: WhyQuestion,
  { retryForMs = RETRY_FOR_MS, token }: WhyOptions,
  stderr: NodeJS.WritableStream,
): Promise<Explanation> {
  const onRetry = sayWaiting(stderr);
  const client = new NodeClient({ to, flag: '--node', token, retryForMs, tryForMs: TRY_FOR_MS, onRetry });
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries({ campaign, event, at })) if (value !== null) parameters.set(name, value);
  const query = parameters.size === 0 ? '' : `?${parameters}`;
  const answer = await client.send('GET', `/v1/customers/${encodeURIComponent(customer)}/why${query}`, null, null);
  if (answer.status !== 200) throw new InputError(`${to}: ${refusalText(answer)}`);
  return answer.body as Explanation;
}

/** What there is no answer for says itself that there is no such thing, or that there is too much of it. */
function refusalText(answer: Answer): string {
  const { detail } = (answer.body ?? {}) as { detail?: unknown };
  return SAY_ALL.has(answer.status) && typeof detail === 'string' ? detail : problemText(answer);
}
