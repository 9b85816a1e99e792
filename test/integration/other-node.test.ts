/** What somebody sees who runs under another Node than he installed with. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch-folder.ts';

const MAIN = resolve(import.meta.dirname, '../../dist/main.js');
const HERE = Number(process.versions.node.split('.')[0]);

/** `beckon serve` under this Node, which calls itself another one. */
function serveUnder(node: string, modules: string): { code: number | null; stderr: string } {
  const folder = scratchFolder();
  const pretend = join(folder, 'pretend.cjs');
  const versions = `{ ...process.versions, node: '${node}', modules: '${modules}' }`;
  writeFileSync(pretend, `Object.defineProperty(process, 'versions', { value: ${versions} });\n`);
  const flags = ['serve', '--data', join(folder, 'data'), '--http', '127.0.0.1:0'];
  const { status, stderr } = spawnSync(process.execPath, ['--require', pretend, MAIN, ...flags], { encoding: 'utf8' });
  return { code: status, stderr };
}

test('says what it was installed under where the server has no binary for this Node, and what helps', () => {
  const [node, modules] = HERE === 20 ? ['22.9.0', '127'] : ['20.19.0', '115'];
  expect(serveUnder(node, modules)).toEqual({
    code: 1,
    stderr: `beckon: node_modules was installed under Node ${HERE}, and this is Node ${node}: run \`npm install\` under this one\n`,
  });
});

test('says which Node there must be where there is no binary at all', () => {
  expect(serveUnder('24.1.0', '137')).toEqual({
    code: 1,
    stderr: 'beckon: this is Node 24.1.0: Beckon needs Node 20.19+ or 22\n',
  });
});
