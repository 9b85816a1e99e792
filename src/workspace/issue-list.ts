/** Collects everything that is wrong with a workspace, so that a person sees all of it at once. */
import { WORKSPACE_ISSUES_MAX } from '../constants.ts';
import type { WorkspaceIssue } from './workspace.ts';

/** 1-based, as editors count; column in code points. */
export interface Mark {
  readonly line: number;
  readonly column: number;
}

export const FILE_START: Mark = { line: 1, column: 1 };

export class IssueList {
  readonly #issues: WorkspaceIssue[] = [];
  readonly #warnings: WorkspaceIssue[] = [];
  readonly #faultyFiles = new Set<string>();

  report(file: string, mark: Mark, message: string): void {
    this.#issues.push({ file, line: mark.line, column: mark.column, message });
    this.#faultyFiles.add(file);
  }

  /** Allowed, but probably not meant. */
  warn(file: string, mark: Mark, message: string): void {
    this.#warnings.push({ file, line: mark.line, column: mark.column, message });
  }

  get empty(): boolean {
    return this.#issues.length === 0;
  }

  /** True if anything in `file` was reported: what depends on it cannot be judged. */
  has(file: string): boolean {
    return this.#faultyFiles.has(file);
  }

  /** By file, line and column; one per place and message; at most WORKSPACE_ISSUES_MAX. */
  get issues(): readonly WorkspaceIssue[] {
    return inOrder(this.#issues);
  }

  get warnings(): readonly WorkspaceIssue[] {
    return inOrder(this.#warnings);
  }
}

function inOrder(issues: readonly WorkspaceIssue[]): readonly WorkspaceIssue[] {
  const unique = new Map(
    issues.map((issue) => [`${issue.file}\0${issue.line}\0${issue.column}\0${issue.message}`, issue]),
  );
  return [...unique.values()].sort(compareIssues).slice(0, WORKSPACE_ISSUES_MAX);
}

function compareIssues(a: WorkspaceIssue, b: WorkspaceIssue): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column || (a.message < b.message ? -1 : 1);
}
