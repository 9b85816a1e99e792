/** Where published workspace versions are kept: files of the data folder (embedded), or a stream that all nodes share. */
import type { Workspace } from '../workspace/workspace.ts';

/**
 * Order law: a version is kept before its first log record is appended. A node that died in between finds it at the next start and finishes the publication in
 * the partitions that lack it.
 */
export interface Versions {
  /** The newest version, or null where none was ever published. */
  newest(): Promise<Workspace | null>;
  /**
   * Keeps version newest + 1. `folderHash` where it was published from a folder (`--workspace`), null where not. False: another node has published a version
   * of that number.
   */
  save(workspace: Workspace, folderHash: string | null): Promise<boolean>;
  /** Hash of the files that were last published from a folder, whatever was published over HTTP since. */
  folderHash(): Promise<string | null>;
}
