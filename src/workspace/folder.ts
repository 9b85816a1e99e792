/** A workspace as a folder on disk, and its identity. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WORKSPACE_BYTES_MAX } from '../constants.ts';
import { findWorkspaces, isWorkspace } from './find-workspaces.ts';
import { readUtf8 } from './utf8-text.ts';
import { WORKSPACE_HOLDS } from './workspace-files.ts';

/** Campaign tests, which lie beside what is published and are no part of it. */
const TESTS = 'tests';

/** The folder cannot be read as a workspace; the message says why and what would help. */
export class WorkspaceFolderError extends Error {
  override readonly name = 'WorkspaceFolderError';
}

/**
 * Path within the folder (with forward slashes) → text, of every YAML file (`.yaml`, `.yml`) in it, sorted. Hidden files and folders, `tests/` and files of other kinds (README.md)
 * are left out. Throws WorkspaceFolderError where there is no such folder, no workspace.yaml in it, or more than WORKSPACE_BYTES_MAX, and where files are not UTF-8: then the message is a
 * line `file:line:column …` for each of them.
 */
export function readWorkspaceFolder(directory: string): Record<string, string> {
  if (!existsSync(directory)) throw new WorkspaceFolderError(`there is no folder ${directory}`);
  if (!statSync(directory).isDirectory())
    throw new WorkspaceFolderError(`${directory} is a file: name the folder that holds workspace.yaml`);
  if (!isWorkspace(directory))
    throw new WorkspaceFolderError(
      `${directory} is no workspace: it has no workspace.yaml; ${remedyFor(directory)} A workspace is a folder of ${WORKSPACE_HOLDS}, with its tests in ${TESTS}/*.yaml`,
    );
  return readFiles(directory, listFiles(directory, ''), 'a workspace');
}

function remedyFor(directory: string): string {
  if (existsSync(join(directory, 'workspace.yml'))) return 'rename workspace.yml to that.';
  const parent = join(directory, '..');
  const near = isWorkspace(parent) ? [parent] : findWorkspaces(directory);
  if (near.length > 0) return `did you mean ${near.join(', ').replace(/, (?!.*, )/, ' or ')}?`;
  return 'name the folder that does, or write it: it names the workspace, its time zone and its channels.';
}

/**
 * The same for the campaign tests of a workspace folder: the YAML files under `tests/`, which readWorkspaceFolder leaves out. Empty where there are none. Throws WorkspaceFolderError
 * where files are too large or not UTF-8.
 */
export function readTestFiles(directory: string): Record<string, string> {
  if (!statSync(join(directory, TESTS), { throwIfNoEntry: false })?.isDirectory()) return {};
  return readFiles(directory, listFiles(directory, `${TESTS}/`), 'the tests of a workspace');
}

function readFiles(directory: string, paths: readonly string[], what: string): Record<string, string> {
  const files: Record<string, string> = {};
  const faults: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    bytes += statSync(join(directory, path)).size;
    if (bytes > WORKSPACE_BYTES_MAX)
      throw new WorkspaceFolderError(
        `${directory} is too large for ${what}: more than ${WORKSPACE_BYTES_MAX} bytes of YAML`,
      );
    const text = readUtf8(readFileSync(join(directory, path)));
    if (typeof text === 'string') files[path] = text;
    else
      faults.push(
        `${path}:${text.line}:${text.column} not UTF-8 (byte 0x${text.byte.toString(16)}): save the file as UTF-8`,
      );
  }
  if (faults.length > 0) throw new WorkspaceFolderError(faults.join('\n'));
  return files;
}

function listFiles(directory: string, prefix: string): string[] {
  const entries = readdirSync(join(directory, prefix), { withFileTypes: true });
  return entries
    .filter(({ name }) => !name.startsWith('.'))
    .flatMap((entry) => {
      const path = `${prefix}${entry.name}`;
      // A link to a file counts as the file; folders are not followed through links, which could lead in circles.
      if (entry.isDirectory()) return prefix === '' && entry.name === TESTS ? [] : listFiles(directory, `${path}/`);
      if (!statSync(join(directory, path), { throwIfNoEntry: false })?.isFile()) return [];
      return /\.ya?ml$/.test(entry.name) ? [path] : [];
    })
    .toSorted();
}

/** Equal for the same paths and texts. */
export function workspaceHash(files: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256');
  for (const path of Object.keys(files).toSorted()) {
    const text = files[path] as string;
    hash.update(`${path.length}:${path}${text.length}:${text}`);
  }
  return hash.digest('hex');
}
