/**
 * Publishing a workspace version: compile, compare with the active one, keep it, then append it to the log of every partition.
 * One publication at a time. Each partition changes over at its own record, so no event is decided by two versions and none by neither.
 */

import { incompatibilities } from '../workspace/compatibility.ts';
import type { CompiledWorkspace } from '../workspace/compile.ts';
import { workspaceHash } from '../workspace/folder.ts';
import { sharesOf } from '../workspace/shares.ts';
import type { Workspace, WorkspaceIssue } from '../workspace/workspace.ts';
import type { Versions } from './versions.ts';

export type PublishResult =
  | { readonly version: number }
  | { readonly issues: readonly WorkspaceIssue[] }
  /** The files are based on another version than the active one, which this is. Nothing was published. */
  | { readonly conflict: number };

export interface PublishOptions {
  /** The version that the files were edited from; null: whatever is active. */
  readonly basedOn: number | null;
  /** Hash of the folder that they come from; null: from none. */
  readonly folderHash: string | null;
}

type Files = Readonly<Record<string, string>>;
type Compile = (files: Files) => Promise<CompiledWorkspace>;

/** Appends a workspace record to a partition's log. Returns what the partition's state objected to, or null. */
type Activate = (partition: number, workspaceJson: Uint8Array, version: number) => Promise<string | null>;

export interface PublicationParts {
  readonly versions: Versions;
  readonly partitions: number;
  readonly compile: Compile;
  readonly activate: Activate;
  /** By partition. */
  readonly activeVersions: () => Promise<readonly number[]>;
}

export class Publication {
  readonly #parts: PublicationParts;
  #current: Workspace | null;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(parts: PublicationParts, current: Workspace | null) {
    this.#parts = parts;
    this.#current = current;
  }

  static async open(parts: PublicationParts): Promise<Publication> {
    return new Publication(parts, await parts.versions.newest());
  }

  /** The active version; null until the first is published. */
  get current(): Workspace | null {
    return this.#current;
  }

  /** Finishes a publication that a crash or a failed append interrupted: partitions that are behind the newest version get its record. */
  async finish(): Promise<void> {
    const newest = this.#current;
    if (newest === null) return;
    const versions = await this.#parts.activeVersions();
    await this.#append(
      newest,
      versions.flatMap((version, partition) => (version < newest.version ? [partition] : [])),
    );
  }

  /** Publishing the files that are active already answers with their version, once every partition has it. */
  publish(files: Files, options: PublishOptions = { basedOn: null, folderHash: null }): Promise<PublishResult> {
    const result = this.#last.then(() => this.#publish(files, options));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** For `--workspace DIR`: only a folder that changed since the last one published from a folder is published again. */
  async publishFolder(files: Files): Promise<PublishResult & { readonly changed?: boolean }> {
    const hash = workspaceHash(files);
    if (this.#current !== null && (await this.#parts.versions.folderHash()) === hash)
      return { version: this.#current.version, changed: false };
    const result = await this.publish(files, { basedOn: null, folderHash: hash });
    return 'version' in result ? { ...result, changed: true } : result;
  }

  /** Another node has published this version. */
  adopt(workspace: Workspace): void {
    if (workspace.version > (this.#current?.version ?? 0)) this.#current = workspace;
  }

  async #publish(files: Files, options: PublishOptions): Promise<PublishResult> {
    const current = this.#current;
    const active = current?.version ?? 0;
    if (options.basedOn !== null && options.basedOn !== active) return { conflict: active };
    if (current !== null && workspaceHash(current.files) === workspaceHash(files)) {
      await this.finish();
      return { version: current.version };
    }
    const compiled = await this.#parts.compile(files);
    if ('issues' in compiled) return { issues: compiled.issues };
    const shares = sharesOf(compiled.workspace, current?.shares ?? {}, this.#parts.partitions);
    const workspace: Workspace = { ...compiled.workspace, version: active + 1, shares };
    const incompatible = current === null ? [] : incompatibilities(current, workspace);
    if (incompatible.length > 0) return { issues: incompatible };

    if (!(await this.#parts.versions.save(workspace, options.folderHash))) {
      const newest = await this.#parts.versions.newest();
      if (newest !== null) this.adopt(newest);
      return this.#publish(files, options);
    }
    this.#current = workspace;
    await this.#append(
      workspace,
      Array.from({ length: this.#parts.partitions }, (_, partition) => partition),
    );
    return { version: workspace.version };
  }

  /** One partition after another: the records are large, and what is on its way at once is bounded. */
  async #append(workspace: Workspace, partitions: readonly number[]): Promise<void> {
    if (partitions.length === 0) return;
    const json = new TextEncoder().encode(JSON.stringify(workspace));
    const refused: string[] = [];
    for (const partition of partitions) {
      const error = await this.#parts.activate(partition, json, workspace.version);
      if (error !== null) refused.push(`partition ${partition}: ${error}`);
    }
    if (refused.length > 0)
      throw new Error(`version ${workspace.version} is not active everywhere: ${refused.join('; ')}`);
  }
}
