/** CEL in YAML: checks an expression where it stands and reports its faults at their line and column of the file, through quotes, folds and indentation. */
import type { EventSchema, Schema } from '../protocol/schema.ts';
import { checkIn } from '../rules/check-expression.ts';
import { FrameEnvironment } from '../rules/frame-environment.ts';
import type { Program, ProgramResult, RuleIssue } from '../rules/program.ts';
import type { IssueList } from './issue-list.ts';
import { lintOutcomes } from './lint-outcomes.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

const EVENT_ONLY = 'an aggregate is taken of the event alone: `profile` and `segment` are not available here';

export class Expressions {
  readonly #schema: Schema;
  readonly #issues: IssueList;
  readonly #eventOnly: boolean;
  /** Names by event types: thousands of campaigns share a few, and a wide schema has a thousand names. */
  readonly #environments = new Map<string, FrameEnvironment>();

  /** eventOnly: for aggregates, which read the event and nothing else. */
  constructor(schema: Schema, issues: IssueList, eventOnly = false) {
    this.#schema = eventOnly ? { events: schema.events, profile: [], segments: [] } : schema;
    this.#issues = issues;
    this.#eventOnly = eventOnly;
  }

  /**
   * event: null where the expression cannot read one. trigger: the second event of an expression over two (rules/event-pair.ts); undefined: both names mean `event`; null: there
   * is none. null: it is faulty, and reported.
   */
  check(
    file: YamlFile,
    path: YamlPath,
    event: EventSchema | null,
    results: readonly ProgramResult[],
    trigger: EventSchema | null | undefined = this.#eventOnly ? null : undefined,
  ): Program | null {
    const source = file.scalarText(path);
    const checked = checkIn(source, this.#environment(event, trigger), results);
    if ('program' in checked) {
      lintOutcomes(checked.program, event, trigger, file, path, this.#issues);
      return checked.program;
    }
    for (const issue of checked.issues)
      this.#issues.report(file.name, file.textLineMark(path, issue.line, issue.column), this.#message(source, issue));
    return null;
  }

  #environment(event: EventSchema | null, trigger: EventSchema | null | undefined): FrameEnvironment {
    const key = `${event?.index} ${trigger === null ? 'none' : trigger?.index}`;
    const known = this.#environments.get(key);
    if (known !== undefined) return known;
    const made = new FrameEnvironment({ schema: this.#schema, event, trigger });
    this.#environments.set(key, made);
    return made;
  }

  /** Where there is no profile at all, a name in it is not misspelt. */
  #message(source: string, { line, column, message }: RuleIssue): string {
    if (!this.#eventOnly) return message;
    const before = Array.from(source.split('\n')[line - 1] ?? '').slice(0, column - 1);
    return /\b(?:profile|segment)\s*\.\s*$/.test(before.join('')) ? EVENT_ONLY : message;
  }

  /** A predicate that always holds: what a campaign without `when` has. */
  always(event: EventSchema | null): Program | null {
    const checked = checkIn('true', this.#environment(event, undefined), ['bool']);
    return 'program' in checked ? checked.program : null;
  }
}
