/**
 * The published workspace versions on disk, `workspaces/<version>.json`, and the hash of the folder that was last published from a folder.
 *
 * Order law: a version is on disk before its first log record is appended. A node that died in between finds it at the next start and finishes
 * the publication in the partitions that lack it.
 */

import { assert } from '../stdx/assert.ts';
import { type FileSystem, listFolder, makeFolder, readFile, replaceFile } from '../storage/file-system.ts';
import type { Workspace } from '../workspace/workspace.ts';

const FOLDER_FILE = 'published-folder.json';

export class VersionStore {
  readonly #fs: FileSystem;
  readonly #directory: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
    makeFolder(fs, directory);
  }

  /** The newest version, or null where none was ever published. */
  newest(): Workspace | null {
    const versions = listFolder(this.#fs, this.#directory).flatMap((name) => {
      const digits = /^(\d+)\.json$/.exec(name)?.[1];
      return digits === undefined ? [] : [Number(digits)];
    });
    if (versions.length === 0) return null;
    const version = Math.max(...versions);
    const workspace = this.#read(`${version}.json`) as Workspace;
    assert(workspace.version === version, `${version}.json holds version ${workspace.version}`);
    return workspace;
  }

  save(workspace: Workspace): void {
    this.#write(`${workspace.version}.json`, workspace);
  }

  /** Hash of the files that were last published from a folder (`--workspace`), whatever was published over HTTP since. */
  publishedFolderHash(): string | null {
    if (this.#fs.stat(`${this.#directory}/${FOLDER_FILE}`) === null) return null;
    return (this.#read(FOLDER_FILE) as { hash: string }).hash;
  }

  rememberFolder(hash: string): void {
    this.#write(FOLDER_FILE, { hash });
  }

  #read(name: string): unknown {
    return JSON.parse(new TextDecoder().decode(readFile(this.#fs, `${this.#directory}/${name}`)));
  }

  #write(name: string, value: object): void {
    replaceFile(this.#fs, this.#directory, name, new TextEncoder().encode(JSON.stringify(value)));
  }
}
