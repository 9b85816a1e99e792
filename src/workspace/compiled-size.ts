/**
 * How large a version becomes: compiled, a short expression may be long. A score carries its campaign's value, and the table of its model, as often as it names them.
 * A version that does not fit one record of the log could never be activated: it is refused here, by name, before it has taken all memory there is.
 */
import { WORKSPACE_COMPILED_BYTES_MAX } from '../constants.ts';
import { FILE_START, type IssueList } from './issue-list.ts';
import type { Campaign, Workspace } from './workspace.ts';

export class CompiledSize {
  readonly #issues: IssueList;
  #bytes = 0;

  constructor(issues: IssueList) {
    this.#issues = issues;
  }

  /** No room is left: whatever comes is not looked at. */
  get isFull(): boolean {
    return this.#bytes > WORKSPACE_COMPILED_BYTES_MAX;
  }

  /** A campaign of `file`; the first that finds no room is reported. */
  add(campaign: Campaign, file: string): void {
    this.#bytes += jsonBytes(campaign);
    if (this.isFull) this.#report(file, 'the campaigns up to this one take');
  }

  /** Everything together. */
  checkWhole(workspace: Workspace): void {
    if (jsonBytes(workspace) > WORKSPACE_COMPILED_BYTES_MAX) this.#report('workspace.yaml', 'it takes');
  }

  #report(file: string, what: string): void {
    const message =
      `the workspace is too large: compiled, ${what} more than ${WORKSPACE_COMPILED_BYTES_MAX} bytes; ` +
      'name `value` and `propensity` less often in `score`, or make expressions and the tables of models.yaml shorter';
    this.#issues.report(file, FILE_START, message);
  }
}

/** Infinity: longer than any text may be. */
function jsonBytes(value: object): number {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch (error) {
    if (error instanceof RangeError) return Number.POSITIVE_INFINITY;
    throw error;
  }
}
