/** CEL in YAML: checks an expression where it stands and reports its faults at their line and column of the file, through quotes, folds and indentation. */
import type { EventSchema, Schema } from '../protocol/schema.ts';
import { checkExpression } from '../rules/check-expression.ts';
import type { Program, ProgramResult } from '../rules/program.ts';
import type { IssueList } from './issue-list.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

export class Expressions {
  readonly #schema: Schema;
  readonly #issues: IssueList;

  constructor(schema: Schema, issues: IssueList) {
    this.#schema = schema;
    this.#issues = issues;
  }

  /** event: null where the expression cannot read one. null: it is faulty, and reported. */
  check(file: YamlFile, path: YamlPath, event: EventSchema | null, results: readonly ProgramResult[]): Program | null {
    const checked = checkExpression(file.scalarText(path), { schema: this.#schema, event }, results);
    if ('program' in checked) return checked.program;
    for (const issue of checked.issues)
      this.#issues.report(file.name, file.textLineMark(path, issue.line, issue.column), issue.message);
    return null;
  }

  /** A predicate that holds for every event: what a campaign without `when` has. */
  always(event: EventSchema): Program | null {
    const checked = checkExpression('true', { schema: this.#schema, event }, ['bool']);
    return 'program' in checked ? checked.program : null;
  }
}
