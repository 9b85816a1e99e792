/** The JSON Schemas for editors: up to date, and agreeing with the definitions on what is right and what is not. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { jsonSchemas } from '../../../src/workspace/json-schemas.ts';
import { fullWorkspace } from '../../support/workspaces/full-workspace.ts';
import { INTERFACE_WORKSPACE } from '../../support/workspaces/interface-workspace.ts';
import { violations } from '../../support/workspaces/json-schema.ts';
import { issueLines } from '../../support/workspaces/small-workspace.ts';
import { TRIAL_SHOP_TESTS } from '../../support/workspaces/trial-shop.ts';

const schemas = jsonSchemas();

function schemaOf(path: string): Record<string, unknown> {
  const name = path.startsWith('campaigns/')
    ? 'campaign'
    : path.startsWith('templates/')
      ? 'template'
      : path.startsWith('tests/')
        ? 'test'
        : path.replace('.yaml', '');
  return JSON.parse(schemas[`${name}.schema.json`] as string) as Record<string, unknown>;
}

test('the files in the repository are those of the definitions (node dist/workspace/write-json-schemas.js writes them)', () => {
  for (const [name, text] of Object.entries(schemas))
    expect(readFileSync(new URL(`../../../src/workspace/schemas/${name}`, import.meta.url), 'utf8')).toBe(text);
});

test.each(Object.entries(INTERFACE_WORKSPACE))('%s of the interface is valid', (path, text) => {
  expect(violations(schemaOf(path), parse(text))).toEqual([]);
});

test.each(Object.entries(fullWorkspace()))('%s of a workspace that uses everything is valid', (path, text) => {
  expect(violations(schemaOf(path), parse(text))).toEqual([]);
});

test('tests that use everything are valid', () => {
  expect(violations(schemaOf('tests/all.yaml'), parse(TRIAL_SHOP_TESTS))).toEqual([]);
});

test('it does use every key that editors offer', () => {
  const used = new Set<string>();
  const note = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      used.add(key);
      note(item);
    }
  };
  for (const text of [...Object.values(fullWorkspace()), TRIAL_SHOP_TESTS]) note(parse(text));
  const keys = new Set<string>();
  const collect = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return;
    for (const [name, item] of Object.entries(schema)) {
      if (name === 'properties') for (const key of Object.keys(item as object)) keys.add(key);
      collect(item);
    }
  };
  for (const text of Object.values(schemas)) collect(JSON.parse(text));
  expect([...keys].filter((key) => !used.has(key))).toEqual([]);
});

test('every key of the interface is known', () => {
  expect(issueLines(INTERFACE_WORKSPACE)).toEqual([]);
});

test.each([
  ['campaigns/x.yaml', 'id: x\non: receipt\nchannels: [push]\nprioritty: 5\n', '$: unknown prioritty'],
  ['campaigns/x.yaml', 'id: x\non: receipt\nchannels: []\n', '$.channels: minItems'],
  ['campaigns/x.yaml', 'id: x\non: receipt\nchannels: [push]\ncooldown: 7 days\n', '$.cooldown: pattern'],
  ['campaigns/x.yaml', 'id: x\non: receipt\nchannels: [push]\nholdout: 101%\n', '$.holdout: pattern'],
  ['campaigns/x.yaml', 'id: x\nchannels: [push]\n', '$: required on'],
  ['policy.yaml', 'quietHours: {from: "21:00", to: "24:00", then: drop}\n', '$.quietHours.to: pattern'],
  ['policy.yaml', 'consent: {sms: maybe}\n', '$.consent.sms: enum'],
  ['events.yaml', 'receipt: {total: doubel}\n', '$.receipt: anyOf'],
  ['events.yaml', 'receipt: {items: [string, int]}\n', '$.receipt: anyOf'],
  ['profile.yaml', 'attributes: {a: {type: text}}\n', '$.attributes.a.type: enum'],
  ['profile.yaml', 'aggregates: {a: {fn: count}}\n', '$.aggregates.a: required event'],
  ['workspace.yaml', 'name: a\ntimezone: UTC\nchannels: [a b]\n', '$.channels[0]: pattern'],
  ['templates/x.yaml', 'push: {title: [a]}\n', '$.push.title: type'],
  ['offers.yaml', 'a: {}\n', '$.a: required title'],
  ['offers.yaml', 'a: {title: A, expires: {until: draw, by: 3h}}\n', '$.a.expires: anyOf'],
  ['offers.yaml', 'a: {title: A, unused: back}\n', '$.a.unused: enum'],
  ['policy.yaml', 'holdout: {share: 5%, categories: []}\n', '$.holdout: anyOf'],
  ['policy.yaml', 'gap: {channels: [sms]}\n', '$.gap: required min'],
  ['policy.yaml', 'arbitration: {slots: {pos: []}}\n', '$.arbitration.slots.pos: minItems'],
  ['tests/x.yaml', '[{name: a, steps: []}]\n', '$[0].steps: minItems'],
  ['tests/x.yaml', '[{name: a, steps: [{at: tomorrow}]}]\n', '$[0].steps[0].at: pattern'],
  ['tests/x.yaml', '[{name: a, steps: [{at: 2010-12-01 12:00, expects: {}}]}]\n', '$[0].steps[0]: unknown expects'],
])('editors see what is wrong in %s %j', (path, text, violation) => {
  expect(violations(schemaOf(path), parse(text))).toContain(violation);
});
