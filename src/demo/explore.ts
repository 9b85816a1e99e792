/** What to do with a running demo. */

export function thingsToTry(url: string, customer: string): string {
  const items = [
    { sku: '22423', name: 'REGENCY CAKESTAND 3 TIER', qty: 40, price: 12.75 },
    { sku: '22699', name: 'ROSES REGENCY TEACUP AND SAUCER', qty: 6, price: 2.95 },
  ];
  const receipt = {
    id: 'till-1',
    type: 'receipt',
    data: { total: 527.7, store: 'web', country: 'United Kingdom', items },
  };
  const post = (path: string, body: unknown): string =>
    `curl -s ${url}${path} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  return [
    '',
    `The engine stays up at ${url} until you press Ctrl-C. Try:`,
    '',
    '  # everything known about one customer',
    `  curl -s ${url}/v1/customers/${customer}`,
    '  # why they got what they got, last time, and why not the rest',
    `  node dist/main.js why --node ${url} --customer ${customer}`,
    '  # a till asks what to print on an open receipt; nobody showed a card',
    `  ${post('/v1/decide', receipt)}`,
    '  # how a campaign is doing, and why the rest did not get it',
    `  curl -s ${url}/v1/campaigns/hearts-need-candles`,
    '  # whom a campaign still waits for, and until when',
    `  curl -s ${url}/v1/campaigns/sorry-note/waiting`,
    '  # how many customers would this reach?',
    `  ${post('/v1/audiences/count', { where: 'segment.vip || profile.spend_30d > 1000.0' })}`,
    '  # and which of them',
    `  node dist/main.js audience --to ${url} --where segment.vip --fields country,spend_30d --list 5`,
    '  # the numbers for Prometheus',
    `  curl -s ${url}/metrics | grep ^beckon_decisions_total`,
    '  # every decision, from the first to the next',
    `  ${url.replace(/^http/, 'ws')}/v1/decisions?from=earliest    (a WebSocket)`,
    '',
    '',
  ].join('\n');
}

export function formatRejects(rejects: readonly string[]): string {
  return rejects.length === 0 ? '' : `\nRejected:\n${rejects.slice(0, 5).join('\n')}\n`;
}
