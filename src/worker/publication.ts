/**
 * Publishing a workspace version: compile, compare with the active one, keep it on disk, then append it to the log of every partition.
 * One publication at a time. Each partition changes over at its own record, so no event is decided by two versions and none by neither.
 */

import { incompatibilities } from '../workspace/compatibility.ts';
import type { CompiledWorkspace } from '../workspace/compile.ts';
import { workspaceHash } from '../workspace/folder.ts';
import type { Workspace, WorkspaceIssue } from '../workspace/workspace.ts';
import type { Shards } from './shards.ts';
import type { VersionStore } from './version-store.ts';

export type PublishResult = { readonly version: number } | { readonly issues: readonly WorkspaceIssue[] };

type Compile = (files: Readonly<Record<string, string>>) => Promise<CompiledWorkspace>;

export class Publication {
  readonly #store: VersionStore;
  readonly #shards: Shards;
  readonly #partitions: number;
  readonly #compile: Compile;
  #current: Workspace | null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: VersionStore, shards: Shards, partitions: number, compile: Compile) {
    this.#store = store;
    this.#shards = shards;
    this.#partitions = partitions;
    this.#compile = compile;
    this.#current = store.newest();
  }

  /** The active version; null until the first is published. */
  get current(): Workspace | null {
    return this.#current;
  }

  /** Finishes a publication that a crash interrupted: partitions that are behind the newest version on disk get its record. */
  async finish(versions: readonly number[]): Promise<void> {
    const newest = this.#current;
    if (newest === null) return;
    const behind = versions.flatMap((version, partition) => (version < newest.version ? [partition] : []));
    await this.#append(newest, behind);
  }

  /** Publishing the files that are active already changes nothing and answers with their version. */
  publish(files: Readonly<Record<string, string>>): Promise<PublishResult> {
    const result = this.#last.then(() => this.#publish(files));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** For `--workspace DIR`: only a folder that changed since the last one published from a folder is published again. */
  async publishFolder(
    files: Readonly<Record<string, string>>,
  ): Promise<(PublishResult & { readonly changed: boolean }) | { readonly issues: readonly WorkspaceIssue[] }> {
    const hash = workspaceHash(files);
    const current = this.#current;
    if (current !== null && this.#store.publishedFolderHash() === hash)
      return { version: current.version, changed: false };
    const result = await this.publish(files);
    if ('issues' in result) return result;
    this.#store.rememberFolder(hash);
    return { version: result.version, changed: true };
  }

  async #publish(files: Readonly<Record<string, string>>): Promise<PublishResult> {
    const current = this.#current;
    if (current !== null && workspaceHash(current.files) === workspaceHash(files)) return { version: current.version };
    const compiled = await this.#compile(files);
    if ('issues' in compiled) return { issues: compiled.issues };
    const workspace: Workspace = { ...compiled.workspace, version: (current?.version ?? 0) + 1 };
    const incompatible = current === null ? [] : incompatibilities(current, workspace);
    if (incompatible.length > 0) return { issues: incompatible };

    this.#store.save(workspace);
    this.#current = workspace;
    await this.#append(
      workspace,
      Array.from({ length: this.#partitions }, (_, partition) => partition),
    );
    return { version: workspace.version };
  }

  async #append(workspace: Workspace, partitions: readonly number[]): Promise<void> {
    const json = new TextEncoder().encode(JSON.stringify(workspace));
    const errors = await Promise.all(partitions.map((partition) => this.#shards.activate(partition, json)));
    const refused = errors.findIndex((error) => error !== null);
    if (refused >= 0)
      throw new Error(
        `partition ${partitions[refused]} could not activate workspace version ${workspace.version}: ${errors[refused]}`,
      );
  }
}
