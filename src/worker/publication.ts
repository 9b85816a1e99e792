/**
 * Publishing a workspace version: compile, compare with the active one, fill what is new in it from history, keep it, then append it to the log of every partition.
 * One publication at a time. Each partition changes over at its own record, so no event is decided by two versions and none by neither.
 */
import { WORKSPACE_CHECKS_MAX } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { incompatibilities } from '../workspace/compatibility.ts';
import type { CompiledWorkspace } from '../workspace/compile.ts';
import { workspaceHash } from '../workspace/folder.ts';
import { sharesOf } from '../workspace/shares.ts';
import type { Workspace, WorkspaceIssue } from '../workspace/workspace.ts';
import { type AggregateFills, FillError, type FilledAggregate, unfilled } from './aggregate-fills.ts';
import { PublishTurns } from './publish-turns.ts';
import type { Versions } from './versions.ts';

export interface PublishedAggregate extends FilledAggregate {
  /** The version before has another one by that name. */
  readonly changed: boolean;
}

export type PublishResult =
  /** `changed`: this request published it; otherwise the files were active already. `filled`: the aggregates that are new in it, or have another definition. */
  | { readonly version: number; readonly changed: boolean; readonly filled: readonly PublishedAggregate[] }
  | { readonly issues: readonly WorkspaceIssue[] }
  /** New aggregates cannot be filled from history, and why. Nothing was published. */
  | { readonly unfilled: string }
  /** The files are based on another version than the active one, which this is. Nothing was published. */
  | { readonly conflict: number };

export type PublishPreview =
  | { readonly issues: readonly WorkspaceIssue[]; readonly warnings: readonly WorkspaceIssue[] }
  | {
      /** The version that is active; 0: none. */
      readonly active: number;
      readonly filled: readonly PublishedAggregate[];
      readonly warnings: readonly WorkspaceIssue[];
    };

export interface PublishOptions {
  /** The version that the files were edited from; null: whatever is active. */
  readonly basedOn: number | null;
  /** Hash of the folder that they come from; null: from none. */
  readonly folderHash: string | null;
  /** Whether new aggregates are filled from history, or begin empty. */
  readonly history: 'fill' | 'skip';
  /** The same where a request is sent again; null: it does not say. */
  readonly key: string | null;
  /** Called once nothing stands in the way any more and history begins to be read, which takes a while. */
  readonly onFilling?: () => void;
}

export const PUBLISH_DEFAULTS: PublishOptions = { basedOn: null, folderHash: null, history: 'fill', key: null };

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
  readonly fills: Pick<AggregateFills, 'fill' | 'preview' | 'giveUp' | 'lost' | 'abandon'>;
}

export class Publication {
  readonly #parts: PublicationParts;
  #current: Workspace | null;
  /** What was told when `#current` was published here: whoever did not hear it asks again. */
  #filled: readonly PublishedAggregate[] = [];
  /** Keys of those who asked for `#current`. */
  #publishedFor: ReadonlySet<string> = new Set();
  readonly #turns = new PublishTurns<PublishResult>();
  #lastPreview: Promise<unknown> = Promise.resolve();
  /** Under way, or waiting for their turn, by what they ask about. */
  readonly #previews = new Map<string, Promise<PublishPreview>>();

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

  /**
   * Finishes a publication that a crash or a failed append interrupted: partitions that are behind the newest version get its record; what was being filled for a version that was never kept is
   * given up.
   */
  async finish(): Promise<void> {
    const newest = this.#current;
    if (newest === null) return;
    await this.#appendWhereBehind(newest);
    await this.#parts.fills.abandon();
  }

  /**
   * Publishing the files that are active already answers with their version, once every partition has it. A client that sends again because the answer takes long does not have history read again for each
   * time, and the last word wins: publish-turns.ts. null: as many as may be wait already.
   */
  publish(files: Files, options: PublishOptions = PUBLISH_DEFAULTS): Promise<PublishResult> | null {
    const { basedOn, folderHash, history, key } = options;
    const content = `${workspaceHash(files)} ${basedOn} ${folderHash} ${history}`;
    return this.#turns.take({ content, key, based: basedOn !== null }, (keys) => this.#publish(files, options, keys));
  }

  /** For `--workspace DIR`: only a folder that changed since the last one published from a folder is published again. */
  async publishFolder(files: Files, onFilling: () => void): Promise<PublishResult> {
    const hash = workspaceHash(files);
    if (this.#current !== null && (await this.#parts.versions.folderHash()) === hash)
      return { version: this.#current.version, changed: false, filled: [] };
    const result = await this.publish(files, { ...PUBLISH_DEFAULTS, folderHash: hash, onFilling });
    assert(result !== null, 'a node that starts publishes nothing else');
    return result;
  }

  /**
   * What publishing these files would say; nothing is published. Who asks the same of the same active version is answered with one look. null: as many as may be wait already. Nobody waits for a
   * publication, which may read history for an hour.
   */
  preview(files: Files): Promise<PublishPreview> | null {
    const request = `${workspaceHash(files)} ${this.#current?.version ?? 0}`;
    const same = this.#previews.get(request);
    if (same !== undefined) return same;
    if (this.#previews.size >= WORKSPACE_CHECKS_MAX) return null;
    const result = this.#lastPreview.then(() => this.#preview(files)).finally(() => this.#previews.delete(request));
    this.#previews.set(request, result);
    this.#lastPreview = result.catch(() => undefined);
    return result;
  }

  async #preview(files: Files): Promise<PublishPreview> {
    const current = this.#current;
    const compiled = await this.#parts.compile(files);
    if ('issues' in compiled) return compiled;
    const { workspace, warnings } = compiled;
    const incompatible = current === null ? [] : incompatibilities(current, workspace);
    if (incompatible.length > 0) return { issues: incompatible, warnings };
    const filled = current === null ? [] : named(current, await this.#parts.fills.preview(current, workspace));
    return { active: current?.version ?? 0, filled, warnings };
  }

  /** Another node has published this version. */
  adopt(workspace: Workspace): void {
    if (workspace.version <= (this.#current?.version ?? 0)) return;
    this.#current = workspace;
    // What it told is not known here.
    this.#filled = [];
    this.#publishedFor = new Set();
  }

  async #publish(files: Files, options: PublishOptions, keys: ReadonlySet<string>): Promise<PublishResult> {
    const current = this.#current;
    const active = current?.version ?? 0;
    if (options.basedOn !== null && options.basedOn !== active) return { conflict: active };
    if (current !== null && workspaceHash(current.files) === workspaceHash(files)) {
      const appended = await this.#appendWhereBehind(current);
      const changed = appended || [...keys].some((key) => this.#publishedFor.has(key));
      return { version: current.version, changed, filled: this.#filled };
    }
    const compiled = await this.#parts.compile(files);
    if ('issues' in compiled) return { issues: compiled.issues };
    const shares = sharesOf(compiled.workspace, current?.shares ?? {}, this.#parts.partitions);
    const workspace: Workspace = { ...compiled.workspace, version: active + 1, shares };
    const incompatible = current === null ? [] : incompatibilities(current, workspace);
    if (incompatible.length > 0) return { issues: incompatible };

    const filled = await this.#fill(current, workspace, options);
    if (typeof filled === 'string') return { unfilled: filled };
    if (!(await this.#save(workspace, options.folderHash))) {
      const newest = await this.#parts.versions.newest();
      if (newest !== null) this.adopt(newest);
      return this.#publish(files, options, keys);
    }
    this.#current = workspace;
    this.#filled = named(current, filled);
    this.#publishedFor = keys;
    await this.#append(
      workspace,
      Array.from({ length: this.#parts.partitions }, (_, partition) => partition),
    );
    this.#filled = named(current, await this.#parts.fills.lost(filled));
    return { version: workspace.version, changed: true, filled: this.#filled };
  }

  /** A text says why it cannot be. */
  async #fill(
    current: Workspace | null,
    next: Workspace,
    options: PublishOptions,
  ): Promise<readonly FilledAggregate[] | string> {
    if (current === null) return [];
    if (options.history === 'skip') return unfilled(current, next);
    try {
      return await this.#parts.fills.fill(current, next, options.onFilling);
    } catch (error) {
      if (error instanceof FillError) return error.message;
      throw error;
    }
  }

  /** False: another node has published a version of that number. Whatever keeps it from being saved, nothing stays half filled. */
  async #save(workspace: Workspace, folderHash: string | null): Promise<boolean> {
    let saved = false;
    try {
      saved = await this.#parts.versions.save(workspace, folderHash);
    } finally {
      if (!saved) await this.#parts.fills.giveUp();
    }
    return saved;
  }

  /** False: none is. */
  async #appendWhereBehind(newest: Workspace): Promise<boolean> {
    const versions = await this.#parts.activeVersions();
    const behind = versions.flatMap((version, partition) => (version < newest.version ? [partition] : []));
    await this.#append(newest, behind);
    return behind.length > 0;
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

function named(before: Workspace | null, filled: readonly FilledAggregate[]): PublishedAggregate[] {
  const names = new Set(before?.aggregates.map(({ name }) => name));
  return filled.map((each) => ({ ...each, changed: names.has(each.aggregate) }));
}
