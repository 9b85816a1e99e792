import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { definitionOf, metricNames } from '../../../src/telemetry/catalogue.ts';

const dashboard = JSON.parse(readFileSync(new URL('../../../grafana/beckon.json', import.meta.url), 'utf8')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};

it('asks only for metrics that exist, by labels that they have', () => {
  for (const { title, targets } of dashboard.panels) {
    for (const { expr } of targets) {
      for (const [, name = ''] of expr.matchAll(/(beckon_[a-z_]+)/g)) {
        const known = metricNames.find(
          (metric) => metric === name.replace(/_(bucket|sum|count)$/, '') || metric === name,
        );
        expect(known, `${title}: ${name}`).toBeDefined();
        const grouped = (/by \(([a-z, ]+)\)/.exec(expr)?.[1] ?? '')
          .split(', ')
          .filter((label) => label !== '' && label !== 'le');
        if (known) expect(definitionOf(known).labels, title).toEqual(expect.arrayContaining(grouped));
      }
    }
  }
});

it('shows every metric', () => {
  const text = JSON.stringify(dashboard);
  expect(metricNames.filter((name) => !text.includes(name))).toEqual([]);
});
