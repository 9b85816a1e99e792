/** What the README shows works as it is: its YAML is one workspace, its JSON is JSON. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { REASONS } from '../../../src/demo/summary-text.ts';
import { SuppressReason } from '../../../src/protocol/rejection.ts';
import { TrialRunner } from '../../../src/trials/check-trial.ts';
import { readTrials } from '../../../src/trials/read-trials.ts';
import { reportText } from '../../../src/trials/report.ts';
import { compileWorkspace } from '../../../src/workspace/compile.ts';

const README = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);
}

const FILES = Object.fromEntries(
  blocks('yaml').map((text) => [/^# ([a-z0-9/-]+\.yaml)\n/.exec(text)?.[1] ?? 'a block without its name', text]),
);

function without(folder: string): Record<string, string> {
  return Object.fromEntries(Object.entries(FILES).filter(([path]) => !path.startsWith(folder)));
}

describe('README.md', () => {
  it('shows files that are a workspace together, of which nothing is warned', () => {
    expect(Object.keys(FILES)).toHaveLength(blocks('yaml').length);
    const compiled = compileWorkspace(without('tests/'));
    expect('issues' in compiled ? compiled.issues : []).toEqual([]);
    expect(compiled.warnings).toEqual([]);
    expect('workspace' in compiled && compiled.workspace.campaigns.length).toBe(3);
  });

  it('shows tests of that workspace, which pass', () => {
    const compiled = compileWorkspace(without('tests/'));
    if ('issues' in compiled) throw new Error('it is no workspace');
    const tests = Object.fromEntries(Object.entries(FILES).filter(([path]) => path.startsWith('tests/')));
    const { trials, issues, warnings } = readTrials(tests, compiled.workspace);
    expect([...issues, ...warnings]).toEqual([]);
    const runner = new TrialRunner(compiled.workspace);
    expect(trials.map((trial) => [trial.name, runner.run(trial).failures])).toEqual([
      ['who leaves something behind is reminded, and not at night', []],
      ['who pays is left alone', []],
    ]);
    // What it shows of a case that fails is what comes of this one.
    const failing = `- name: gold customers like texts
  given: {customer: ann, attributes: {tier: gold}, events: [{ago: 5m, type: view, data: {sku: lamp}}]}
  steps:
    - at: 2025-03-04 12:00
      event: {type: view, data: {sku: lamp}}
      expect: { decided: third-look }
`;
    const read = readTrials({ 'tests/third-look.yaml': failing }, compiled.workspace);
    const text = reportText(
      read.trials.map((trial) => runner.run(trial)),
      { colour: false, width: 80 },
    );
    expect(/^```\n(✗ .*?)\n```$/ms.exec(README)?.[1]).toBe(text.split('\n\n')[1]);
  });

  it('shows JSON that can be read', () => {
    expect(blocks('json').length).toBeGreaterThan(1);
    for (const text of blocks('json')) expect(() => JSON.parse(text)).not.toThrow();
  });

  it('lists the reasons of suppression in the words of the demo, and all that there are', () => {
    const [, list = ''] = /^### Why nothing was sent\n(.*?)^- /ms.exec(README) ?? [];
    const rows = [...list.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, reason, words]) => [reason, words]);
    expect(rows).toEqual(REASONS);
    expect(rows.map(([reason]) => reason).sort()).toEqual(Object.values(SuppressReason).sort());
  });
});
