/** Shared by the tests of budgets over several partitions: a workspace in which everybody who buys wants a unit of one offer, and what became of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';

export interface CampaignCounts {
  readonly id: string;
  readonly matched: number;
  readonly decided: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly waiting: number;
}

/** Files of a workspace with one offer of so many units, in a folder. */
export function writeBudgetWorkspace(folder: string, budget: number): string {
  const files: Readonly<Record<string, string>> = {
    'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [push]\n',
    'events.yaml': 'receipt: {total: double}\n',
    'offers.yaml': `coffee: {title: A coffee, budget: ${budget}}\n`,
    'policy.yaml': 'consent: {push: none-needed}\n',
    'campaigns/coffee.yaml': 'id: coffee\non: receipt\noffer: coffee\nchannels: [push]\n',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** One receipt of each of these customers. */
export function receipts(first: number, count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const [id, customer] = [`r${first + i}`, `c${first + i}`];
    return JSON.stringify({ id, type: 'receipt', customer, data: { total: 10 } });
  }).join('\n');
}

export async function countsOf(url: string): Promise<CampaignCounts> {
  return (await (await fetch(`${url}/v1/campaigns/coffee`)).json()) as CampaignCounts;
}

/** Once nobody waits for a unit any more: every unit is used, and not one more. */
export async function expectExhausted(url: string, customers: number, budget: number, what: string): Promise<void> {
  await expect
    .poll(() => countsOf(url), { message: what })
    .toMatchObject({
      matched: customers,
      decided: { push: budget },
      suppressed: { budget: customers - budget },
      waiting: 0,
    });
}
