/** Versions as files: `workspaces/<version>.json`, and the hash of the folder that was last published in `published-folder.json`. */
import { assert } from '../stdx/assert.ts';
import { type FileSystem, listFolder, makeFolder, readFile, replaceFile } from '../storage/file-system.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { Versions } from './versions.ts';

const FOLDER_FILE = 'published-folder.json';

export class VersionStore implements Versions {
  readonly #fs: FileSystem;
  readonly #directory: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
    makeFolder(fs, directory);
  }

  async newest(): Promise<Workspace | null> {
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

  /** One process has the data folder: nobody else publishes. */
  async save(workspace: Workspace, folderHash: string | null): Promise<boolean> {
    this.#write(`${workspace.version}.json`, workspace);
    if (folderHash !== null) this.#write(FOLDER_FILE, { hash: folderHash });
    return true;
  }

  async folderHash(): Promise<string | null> {
    if (this.#fs.stat(`${this.#directory}/${FOLDER_FILE}`) === null) return null;
    return (this.#read(FOLDER_FILE) as { hash: string }).hash;
  }

  #read(name: string): unknown {
    return JSON.parse(new TextDecoder().decode(readFile(this.#fs, `${this.#directory}/${name}`)));
  }

  #write(name: string, value: object): void {
    replaceFile(this.#fs, this.#directory, name, new TextEncoder().encode(JSON.stringify(value)));
  }
}
