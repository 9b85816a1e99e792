import { expect, test } from 'vitest';
import { incompatibilities } from '../../../src/workspace/compatibility.ts';
import { compiled, edited, smallWorkspace } from '../../support/workspaces/small-workspace.ts';

const active = compiled(smallWorkspace(), 3);

test('a workspace can follow itself, and one with other attributes', () => {
  expect(incompatibilities(active, active)).toEqual([]);
  const files = smallWorkspace(
    edited('profile.yaml', '  tags: {type: list<string>}', '  city: {type: string}\n  loyal: {type: int}'),
  );
  expect(incompatibilities(active, compiled(files))).toEqual([]);
});

test('an attribute cannot change its type', () => {
  const files = smallWorkspace(edited('profile.yaml', 'loyalty: {type: bool, default: false}', 'loyalty: {type: int}'));
  expect(incompatibilities(active, compiled(files))).toEqual([
    {
      file: 'profile.yaml',
      line: 3,
      column: 19,
      message: 'attribute `loyalty` is a bool in version 3: its type cannot change; give the new one another name',
    },
  ]);
});

test('an aggregate can become something else: it starts anew', () => {
  const files = smallWorkspace(edited('profile.yaml', '{fn: sum', '{fn: max'));
  expect(incompatibilities(active, compiled(files))).toEqual([]);
});
