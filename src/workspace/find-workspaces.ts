/** Which folders below one are workspaces: for whoever named the wrong one. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WORKSPACE_SEARCH_DEPTH_MAX, WORKSPACE_SEARCH_FOLDERS_MAX } from '../constants.ts';

/** As many as a sentence may name. */
const FOUND_MAX = 3;

export function isWorkspace(directory: string): boolean {
  try {
    return statSync(join(directory, 'workspace.yaml'), { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false;
  }
}

/** The first few, the nearest first, by name. Hidden folders, node_modules, links and what cannot be read are left out. */
export function findWorkspaces(directory: string): readonly string[] {
  const found: string[] = [];
  let level = [directory];
  let looked = 0;
  for (let depth = 0; depth < WORKSPACE_SEARCH_DEPTH_MAX; depth++) {
    const below: string[] = [];
    for (const folder of level) {
      if (++looked > WORKSPACE_SEARCH_FOLDERS_MAX) break;
      below.push(...foldersIn(folder));
    }
    for (const folder of below) {
      if (!isWorkspace(folder)) continue;
      found.push(folder);
      if (found.length === FOUND_MAX) return found;
    }
    level = below;
  }
  return found;
}

function foldersIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      .map(({ name }) => join(directory, name))
      .toSorted();
  } catch {
    return [];
  }
}
