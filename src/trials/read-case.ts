/** One case of a file: its customers and their history, its steps at their times, its expectations. */

import { parseDuration } from '../workspace/duration.ts';
import type { IssueList } from '../workspace/issue-list.ts';
import type {
  GivenDefinition,
  HistoryEventDefinition,
  StepDefinition,
  StepEventDefinition,
  TrialDefinition,
} from '../workspace/trial-definition.ts';
import type { YamlFile, YamlPath } from '../workspace/yaml-file.ts';
import { checkAttributes, EventReader } from './read-event.ts';
import { ExpectationReader, type ExpectingStep } from './read-expectation.ts';
import type { Doubts } from './sound-part.ts';
import type { Trial, TrialCheck, TrialEvent, TrialPlace, TrialStep } from './trial.ts';
import type { TrialScope } from './trial-scope.ts';

/** So long before anything else happens the workspace is published: what is due at the first time of all is due in the case. */
const PUBLISHED_BEFORE_MS = 1000;

export class CaseReader {
  readonly #scope: TrialScope;
  readonly #file: YamlFile;
  readonly #path: YamlPath;
  readonly #issues: IssueList;
  readonly #events: EventReader;
  readonly #doubts: Doubts;
  /** False: when the steps are cannot be told. */
  #timed: boolean;
  /** Of `given`. */
  #customers: readonly string[] = [];

  constructor(scope: TrialScope, file: YamlFile, index: number, issues: IssueList, doubts: Doubts) {
    this.#scope = scope;
    this.#file = file;
    this.#path = [index];
    this.#issues = issues;
    this.#events = new EventReader(scope, file, issues);
    this.#doubts = doubts;
    this.#timed = !doubts.times;
  }

  /** Something, whatever was reported: it is not run then. What would only follow from what was reported is not. */
  read(definition: TrialDefinition): Trial {
    // Where it cannot be told which are meant, all are.
    const live = this.#readCampaigns(definition.live, 'live') ?? [...this.#scope.campaigns.all];
    const campaigns =
      definition.campaigns === undefined ? null : this.#readCampaigns(definition.campaigns, 'campaigns');
    const given = this.#givenOf(definition);
    this.#customers = given.map(({ path }) => this.#file.scalarText([...path, 'customer']));
    const times = this.#readTimes(definition.steps);
    const firstMs = times[0] ?? 0;
    const history = given.flatMap(({ given: { events = [] }, path }, i) =>
      events.map((event, k) => this.#readHistory(event, [...path, 'events', k], this.#customers[i] as string, firstMs)),
    );
    const beginMs = history.reduce((first, { atMs }) => Math.min(first, atMs), firstMs);
    const startMs = Math.max(0, beginMs - PUBLISHED_BEFORE_MS);
    const settings = given.flatMap(({ given, path }, i) =>
      this.#readSettings(given, path, this.#customers[i] as string, startMs),
    );
    const steps = this.#readSteps(definition.steps, times, { live, campaigns, startMs });
    if (definition.steps.every(({ expect }) => expect === undefined) && !this.#doubts.key('steps')) {
      const mark = this.#file.keyMark([...this.#path, 'steps']);
      this.#issues.warn(this.#file.name, mark, 'nothing is expected, so the case shows nothing: give a step `expect`');
    }
    return {
      name: definition.name,
      place: this.#place(this.#path),
      campaigns: new Set(campaigns ?? this.#scope.production(live)),
      live,
      startMs,
      before: [...settings, ...history.sort((a, b) => a.atMs - b.atMs)],
      steps,
    };
  }

  /** One campaign or a list of them; null: it cannot be told which. */
  #readCampaigns(ids: TrialDefinition['live'], key: 'live' | 'campaigns'): readonly string[] | null {
    const { campaigns } = this.#scope;
    const path = [...this.#path, key];
    const all = typeof ids === 'string' ? [ids] : (ids ?? []);
    if (typeof ids === 'string') campaigns.resolve(ids, this.#file, path, this.#issues);
    else campaigns.resolveList(all, this.#file, path, this.#issues);
    return this.#doubts.key(key) || all.some((id) => campaigns.indexOf(id) < 0) ? null : all;
  }

  #givenOf({ given }: TrialDefinition): { given: GivenDefinition; path: YamlPath }[] {
    const path = [...this.#path, 'given'];
    if (given === undefined) return [];
    if (!Array.isArray(given)) return [{ given, path }];
    const all = given.map((one, i) => ({ given: one, path: [...path, i] }));
    const seen = new Set<string>();
    for (const one of all) {
      const customer = this.#file.scalarText([...one.path, 'customer']);
      if (seen.has(customer)) this.#report([...one.path, 'customer'], `\`${customer}\` is given twice`);
      seen.add(customer);
    }
    return all;
  }

  /** Log times of the steps, as far as they are right. */
  #readTimes(steps: readonly StepDefinition[]): number[] {
    const times: number[] = [];
    let lastMs = -1;
    steps.forEach(({ at, after, event, expect }, i) => {
      const path = [...this.#path, 'steps', i];
      if (at !== undefined) {
        const ms = this.#time(at, [...path, 'at']);
        if (ms === null) this.#timed = false;
        else if (ms < lastMs && this.#timed)
          this.#reportValue([...path, 'at'], `before the step above: that is at ${this.#scope.clock.format(lastMs)}`);
        lastMs = Math.max(lastMs, ms ?? 0);
      } else if (lastMs < 0) {
        if (this.#timed) this.#report(path, 'the first step needs a time: `at: 2010-12-01 12:00`');
        this.#timed = false;
        lastMs = 0;
      } else if (after !== undefined) lastMs += parseDuration(after) ?? 0;
      else if (event === undefined && expect === undefined && !this.#doubts.within(path))
        this.#report(path, 'nothing happens in this step: give it `event`, `at` or `after`');
      times.push(lastMs);
    });
    return times;
  }

  #readHistory(definition: HistoryEventDefinition, path: YamlPath, customer: string, firstMs: number): TrialEvent {
    const { ago, at } = definition;
    const atMs = at === undefined ? firstMs - (parseDuration(ago ?? '') ?? 0) : (this.#time(at, [...path, 'at']) ?? 0);
    const timed = this.#timed && !this.#doubts.within(path);
    if (timed && atMs >= firstMs) this.#reportValue([...path, 'at'], 'not before the first step: history is');
    if (timed && atMs < 0) this.#report([...path, 'ago'], 'before 1970');
    return this.#events.read(definition, path, { atMs, ts: null, customer });
  }

  #readSettings(
    { attributes, consent = {} }: GivenDefinition,
    path: YamlPath,
    customer: string,
    atMs: number,
  ): TrialEvent[] {
    const place = this.#place([...path, 'customer']);
    const common = { place, atMs, customer, id: null, ts: null };
    const events: TrialEvent[] = [];
    if (attributes !== undefined) {
      const at = [...path, 'attributes'];
      checkAttributes(attributes, this.#scope.workspace, this.#file, at, this.#issues);
      events.push({ ...common, place: this.#place(at), type: '$profile', data: attributes });
    }
    for (const channel of Object.keys(consent)) {
      const at = [...path, 'consent', channel];
      this.#scope.channels.resolveKey(channel, this.#file, at, this.#issues);
      events.push({ ...common, place: this.#place(at), type: '$consent', data: { channel, state: consent[channel] } });
    }
    return events;
  }

  #readSteps(
    steps: readonly StepDefinition[],
    times: readonly number[],
    { live, campaigns, startMs }: Pick<ExpectingStep, 'live' | 'campaigns'> & { readonly startMs: number },
  ): TrialStep[] {
    return steps.map((step, i) => {
      const path = [...this.#path, 'steps', i];
      const atMs = times[i] as number;
      const sinceMs = i === 0 ? atMs - 1 : (times[i - 1] as number);
      const event = step.event === undefined ? null : this.#readStepEvent(step.event, [...path, 'event'], atMs);
      const reader = new ExpectationReader(this.#scope, this.#file, this.#issues, {
        live,
        campaigns,
        eventType: this.#eventTypeOf(event, i),
        sinceMs: Math.max(startMs, sinceMs),
        atMs: this.#timed ? atMs : null,
      });
      return { place: this.#place(path), atMs, event, checks: this.#readExpectations(step, path, reader) };
    });
  }

  /** undefined: it cannot be told. */
  #eventTypeOf(event: TrialEvent | null, step: number): string | null | undefined {
    const path = [...this.#path, 'steps', step];
    if (event === null) return this.#doubts.step(step) || this.#doubts.within([...path, 'event']) ? undefined : null;
    return this.#scope.eventTypes.indexOf(event.type) < 0 ? undefined : event.type;
  }

  #readExpectations({ expect }: StepDefinition, path: YamlPath, reader: ExpectationReader): TrialCheck[] {
    if (expect === undefined) return [];
    const at = [...path, 'expect'];
    if (!Array.isArray(expect)) return reader.read(expect, at);
    return expect.flatMap((one, i) => reader.read(one, [...at, i]));
  }

  #readStepEvent(definition: StepEventDefinition, path: YamlPath, atMs: number): TrialEvent {
    const ts = definition.ts === undefined ? null : this.#time(definition.ts, [...path, 'ts']);
    if (ts !== null && ts > atMs && this.#timed)
      this.#reportValue([...path, 'ts'], 'after the time of the step: it happens later');
    return this.#events.read(definition, path, { atMs, ts, customer: this.#customerOf(definition, path) });
  }

  /** The only one given, where none is named; somebody, where it cannot be told who. */
  #customerOf({ customer }: StepEventDefinition, path: YamlPath): string | null {
    if (customer === null) return null;
    if (customer !== undefined) return this.#file.scalarText([...path, 'customer']);
    if (this.#doubts.key('given') || this.#doubts.within(path)) return '';
    if (this.#customers.length > 1)
      this.#report(path, `needs \`customer\`: one of ${this.#customers.map((id) => `\`${id}\``).join(', ')}`);
    return this.#customers[0] ?? null;
  }

  #time(text: string, path: YamlPath): number | null {
    const ms = this.#scope.clock.parse(text);
    if (ms === null) this.#reportValue(path, `there is no such time since 1970: ${text}`);
    return ms;
  }

  #place(path: YamlPath): TrialPlace {
    return { file: this.#file.name, ...this.#file.keyMark(path) };
  }

  #report(path: YamlPath, message: string): void {
    this.#issues.report(this.#file.name, this.#file.keyMark(path), message);
  }

  #reportValue(path: YamlPath, message: string): void {
    this.#issues.report(this.#file.name, this.#file.valueMark(path), message);
  }
}
