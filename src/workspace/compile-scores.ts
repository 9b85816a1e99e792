/**
 * Arbitration's score: the one expression of policy.yaml, compiled once per campaign with that campaign's value, propensity, weight and priority put in, so that the machine
 * evaluates one program per candidate and knows nothing of how it is made.
 */
import type { EventSchema, Schema } from '../protocol/schema.ts';
import { BoundEnvironment } from '../rules/bound-environment.ts';
import { checkIn } from '../rules/check-expression.ts';
import { FrameEnvironment, type RuleScope } from '../rules/frame-environment.ts';
import { type Ir, repOf } from '../rules/ir.ts';
import type { Program, RuleIssue } from '../rules/program.ts';
import type { Binding } from '../rules/typed.ts';
import { DOUBLE } from '../rules/types.ts';
import { type Models, modelIr, reportModel, warnOfPropensity } from './compile-models.ts';
import type { CampaignDefinition } from './definitions.ts';
import { Expressions } from './expressions.ts';
import type { IssueList } from './issue-list.ts';
import type { YamlFile } from './yaml-file.ts';

const SCORE_PATH = ['arbitration', 'score'] as const;

export class Scores {
  readonly #policy: YamlFile | null;
  /** null: there is none. */
  readonly #score: string | null;
  readonly #schema: Schema;
  readonly #models: Models;
  readonly #issues: IssueList;
  readonly #expressions: Expressions;
  /** By place and message: the campaigns for which the score is faulty. */
  readonly #faults = new Map<string, { readonly issue: RuleIssue; readonly campaigns: string[] }>();
  #campaigns = 0;

  constructor(policy: YamlFile | null, schema: Schema, models: Models, issues: IssueList) {
    this.#policy = policy;
    const score = policy?.scalarText(SCORE_PATH) ?? '';
    this.#score = policy?.has(SCORE_PATH) === true && score !== '' ? score : null;
    this.#schema = schema;
    this.#models = models;
    this.#issues = issues;
    this.#expressions = new Expressions(schema, issues);
  }

  /** event: null for a campaign on a schedule. null: there is no score, or something is wrong, which is reported here or by `report`. */
  compile(data: CampaignDefinition, file: YamlFile, event: EventSchema | null, value: Program | null): Program | null {
    const scope: RuleScope = { schema: this.#schema, event };
    const frames = new FrameEnvironment(scope);
    const propensity = this.#propensity(data, file, event, frames);
    if (this.#score === null || propensity === null) return null;
    const number = (value: number): Ir => ({ op: 'const', rep: 'double', value });
    const names: readonly (readonly [string, Ir])[] = [
      ['value', value?.ir ?? number(0)],
      ['propensity', propensity],
      ['weight', number(data.weight ?? 1)],
      ['priority', number(data.priority ?? 0)],
    ];
    const bindings = new Map<string, Binding>(
      names.map(([name, ir]) => [name, { type: DOUBLE, read: asDouble(ir), has: null }]),
    );
    const checked = checkIn(this.#score, new BoundEnvironment(frames, bindings), ['double', 'int']);
    this.#campaigns++;
    if ('program' in checked) return checked.program;
    for (const issue of checked.issues) {
      const key = `${issue.line} ${issue.column} ${issue.message}`;
      const fault = this.#faults.get(key);
      if (fault === undefined) this.#faults.set(key, { issue, campaigns: [data.id] });
      else fault.campaigns.push(data.id);
    }
    return null;
  }

  /** After all campaigns: what is wrong with the score, once, and for whom if it is right for others. */
  report(): void {
    if (this.#policy === null) return;
    for (const { issue, campaigns } of this.#faults.values()) {
      const [first] = campaigns;
      const more = campaigns.length > 1 ? ` and ${campaigns.length - 1} more` : '';
      const whom = campaigns.length === this.#campaigns ? '' : ` (for campaign \`${first}\`${more})`;
      this.#issues.report(
        this.#policy.name,
        this.#policy.textLineMark(SCORE_PATH, issue.line, issue.column),
        `${issue.message}${whom}`,
      );
    }
  }

  #propensity(
    { id, propensity }: CampaignDefinition,
    file: YamlFile,
    event: EventSchema | null,
    frames: FrameEnvironment,
  ): Ir | null {
    if (propensity === undefined) return { op: 'const', rep: 'double', value: 1 };
    if (typeof propensity !== 'object') {
      const ir = this.#expressions.check(file, ['propensity'], event, ['int', 'double'])?.ir ?? null;
      if (ir?.op === 'const') warnOfPropensity(Number(ir.value), file, ['propensity'], this.#issues);
      return ir;
    }
    const path = ['propensity', 'model'];
    const model = this.#models.compiled[this.#models.names.resolve(propensity.model, file, path, this.#issues)];
    if (model === undefined || model.faulty) return null;
    const ir = modelIr(model, frames);
    if (!('message' in ir)) return ir;
    if (this.#models.file !== null)
      reportModel(model, ir, ` (for campaign \`${id}\`)`, this.#models.file, this.#issues);
    return null;
  }
}

function asDouble(ir: Ir): Ir {
  if (repOf(ir) === 'double') return ir;
  if (ir.op === 'const' && typeof ir.value === 'number') return { ...ir, rep: 'double' };
  return { op: 'call', name: 'toDouble', args: [ir], rep: 'double' };
}
