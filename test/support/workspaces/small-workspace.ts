/** Small workspaces for tests: one whole and right, to be changed file by file. */
import { compileWorkspace } from '../../../src/workspace/compile.ts';
import type { Workspace, WorkspaceIssue } from '../../../src/workspace/workspace.ts';

export type Files = Readonly<Record<string, string>>;

const SMALL: Files = {
  'workspace.yaml': 'name: retail\ntimezone: Europe/London\nchannels: [pos, push, sms, email]\n',
  'profile.yaml': `attributes:
  country: {type: string}
  loyalty: {type: bool, default: false}
  tags: {type: list<string>}
aggregates:
  receipts_30d: {fn: count, event: receipt, window: 30d}
  spend: {fn: sum, event: receipt, value: event.total}
  last_seen: {fn: last, event: receipt, value: event.ts}
segments:
  vip: profile.spend > 1000.0
`,
  'events.yaml': `receipt:
  total: double
  store: string
  address: {city: string}
  items: [{sku: string, name: string, qty: int, price: double}]
login:
`,
  'offers.yaml': 'flowers-20: {title: 20 % off flowers, perCustomer: {max: 1, per: 30d}}\n',
  'policy.yaml': `consent: {sms: opt-in, email: opt-in, push: opt-out, pos: none-needed}
caps:
  - {name: any-day, max: 2, per: 1d}
quietHours: {from: "21:00", to: "09:00", channels: [push, sms], then: drop}
`,
  'campaigns/hearts.yaml': `id: hearts
on: receipt
when: event.total > 10.0 && profile.receipts_30d >= 2
offer: flowers-20
channels: [push, sms]
priority: 50
template: hearts
`,
  'templates/hearts.yaml': `push: {title: "For you", body: "Candles, {{ profile.country | default: 'friend' }}"}
sms: {text: "{{ offer.title }}"}
`,
};

/** The small workspace with some files replaced or added; null takes one away. */
export function smallWorkspace(changes: Readonly<Record<string, string | null>> = {}): Files {
  const files: Record<string, string> = { ...SMALL };
  for (const [path, text] of Object.entries(changes)) {
    if (text === null) delete files[path];
    else files[path] = text;
  }
  return files;
}

/** One file of the small workspace, with one part of its text replaced. */
export function edited(path: string, from: string, to: string): Record<string, string> {
  const text = SMALL[path];
  if (text?.includes(from) !== true) throw new Error(`${path} has no ${JSON.stringify(from)}`);
  return { [path]: text.replace(from, () => to) };
}

/** The lines that `beckon check` prints for a workspace. */
export function issueLines(files: Files): string[] {
  const compiled = compileWorkspace(files);
  return 'issues' in compiled ? compiled.issues.map(line) : [];
}

export function warningLines(files: Files): string[] {
  return compileWorkspace(files).warnings.map(line);
}

function line({ file, line, column, message }: WorkspaceIssue): string {
  return `${file}:${line}:${column} ${message}`;
}

/** Version 1 of a workspace that is right; throws its issues where it is not. */
export function compiled(files: Files, version = 1): Workspace {
  const result = compileWorkspace(files);
  if ('issues' in result) throw new Error(result.issues.map(line).join('\n'));
  return { ...result.workspace, version };
}
