/**
 * The month, day by day. Every evening, when all that was sent is decided, the channel gateways report what came of the day's messages; then it goes on. What is
 * answered when is the same on every run, so that the decisions are.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { EventSender } from '../cli/event-sender.ts';
import { orderHashOf } from '../cli/order-hash.ts';
import type { DecisionWatch } from './decision-watch.ts';
import type { DemoEvent } from './demo-event.ts';
import { answersTo } from './gateways.ts';
import { type CampaignRow, decisionsOf, type Sent } from './summary.ts';
import type { Tail } from './tail.ts';

/** From src/demo and from dist/demo alike. */
const SAMPLE = fileURLToPath(new URL('../../src/demo/sample/2010-12.ndjson.gz', import.meta.url));
const LAST_DECISIONS_MS_MAX = 10_000;
/** An engine of our own that does not answer for this long has failed. */
const ENGINE_SILENT_MS_MAX = 5_000;

export interface SampleLine {
  readonly bytes: Uint8Array;
  readonly event: DemoEvent;
}

export interface Replay {
  readonly sent: Sent;
  readonly campaigns: readonly CampaignRow[];
  readonly rejects: readonly string[];
}

/** rate: events per second; null: as fast as it can be. */
export async function replayMonth(
  url: string,
  sample: readonly SampleLine[],
  rate: number | null,
  watch: DecisionWatch,
  tail: Tail | null,
): Promise<Replay> {
  const rejects: string[] = [];
  const options = { to: url, retryForMs: ENGINE_SILENT_MS_MAX };
  const events = new EventSender({ ...options, ...(rate === null ? {} : { rate }) });
  events.onRejected = ({ line, error }) => void rejects.push(`line ${line}: ${error}`);
  const answers = new EventSender(options);
  answers.onRejected = ({ error }) => void rejects.push(`feedback: ${error}`);
  let sendingMs = 0;
  let sent = 0;
  for (const day of daysOf(sample)) {
    const startedAt = performance.now();
    for (const { bytes, event } of day) {
      sent += 1;
      await events.push(bytes, sent, orderHashOf(bytes));
      tail?.progress(sent, event.ts);
    }
    await events.drain();
    sendingMs += performance.now() - startedAt;
    await allDecided(url, watch);
    for (const answer of watch.takeUnanswered().flatMap(answersTo)) {
      const bytes = Buffer.from(JSON.stringify(answer));
      await answers.push(bytes, 0, orderHashOf(bytes));
    }
    await answers.drain();
  }
  const campaigns = await allDecided(url, watch);
  return {
    sent: {
      accepted: events.accepted,
      answers: answers.accepted,
      rejected: events.rejected + answers.rejected,
      seconds: sendingMs / 1000,
    },
    campaigns,
    rejects,
  };
}

export async function readSample(): Promise<SampleLine[]> {
  const text = gunzipSync(await readFile(SAMPLE)).toString('utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => ({ bytes: Buffer.from(line), event: JSON.parse(line) as DemoEvent }));
}

/** Cut where the next day begins. What is delivered late belongs to the day on which it comes. */
function daysOf(sample: readonly SampleLine[]): SampleLine[][] {
  const days: SampleLine[][] = [];
  let today = '';
  for (const line of sample) {
    const day = line.event.ts.slice(0, 10);
    if (day > today) {
      today = day;
      days.push([]);
    }
    days.at(-1)?.push(line);
  }
  return days;
}

/** Reads count in whatever was acknowledged, so that their number of decisions is the number to wait for. */
async function allDecided(url: string, watch: DecisionWatch): Promise<CampaignRow[]> {
  const response = await fetch(`${url}/v1/campaigns`);
  if (response.status !== 200) throw new Error(`GET ${url}/v1/campaigns: ${response.status} ${await response.text()}`);
  const campaigns = (await response.json()) as CampaignRow[];
  await watch.until(decisionsOf(campaigns), LAST_DECISIONS_MS_MAX);
  return campaigns;
}
