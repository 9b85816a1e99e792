/** Versions in a stream that all nodes share. */
import type { WorkspaceStream } from '../log/jetstream/workspace-stream.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { Versions } from './versions.ts';

export class SharedVersions implements Versions {
  readonly #stream: WorkspaceStream;

  constructor(stream: WorkspaceStream) {
    this.#stream = stream;
  }

  async newest(): Promise<Workspace | null> {
    const newest = await this.#stream.newest();
    return newest === null ? null : readVersion(newest.json);
  }

  async save(workspace: Workspace, folderHash: string | null): Promise<boolean> {
    const hash = folderHash ?? (await this.folderHash());
    const json = new TextEncoder().encode(JSON.stringify(workspace));
    return this.#stream.append({ version: workspace.version, json, folderHash: hash });
  }

  async folderHash(): Promise<string | null> {
    return (await this.#stream.newest())?.folderHash ?? null;
  }
}

export function readVersion(json: Uint8Array): Workspace {
  return JSON.parse(new TextDecoder().decode(json)) as Workspace;
}
