/** A temporary folder that goes when the test that asked for it has ended. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export function scratchFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'beckon-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
