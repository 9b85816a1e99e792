/**
 * What is left of a file of cases when all that its definition refuses is taken out of it, so that the rest is judged at once, too. Positions stay: of a list that loses an element a hole remains, which
 * map, flatMap and forEach pass over; a step or a customer that is none becomes an empty one. Nothing of it is ever run.
 */
import type { TrialDefinition } from '../workspace/trial-definition.ts';
import type { DefinitionFault } from '../workspace/validate.ts';
import type { YamlFile, YamlPath } from '../workspace/yaml-file.ts';
import { isMapping } from './check-data.ts';

type Parts = Record<string | number, unknown>;

/** What holds it is nothing without them. */
const NEEDED: ReadonlySet<unknown> = new Set(['type', 'data', 'campaign']);
/** Read as they are written, whatever that is. */
const KEPT: ReadonlySet<unknown> = new Set(['name', 'customer', 'steps']);
/** Mappings whose keys are judged whatever their values are. */
const KEPT_KEYS: ReadonlySet<unknown> = new Set(['suppressed', 'consent']);

/** Cases, with holes for those that are none. */
export function soundPart(file: YamlFile, faults: readonly DefinitionFault[]): TrialDefinition[] {
  const cases: unknown = structuredClone(file.data);
  if (!Array.isArray(cases)) return [];
  for (const fault of faults) takeOut(cases as unknown as Parts, fault, file);
  cases.forEach((one, i) => {
    if (!isMapping(one)) delete cases[i];
    else if (!Array.isArray(one['steps'])) cases[i] = { ...one, steps: [] };
  });
  return cases as TrialDefinition[];
}

function takeOut(cases: Parts, { path, isKey }: DefinitionFault, file: YamlFile): void {
  if (KEPT.has(path.at(-1)) || (!isKey && KEPT_KEYS.has(path.at(-2)))) return;
  let place = path;
  while (place.length > 0 && (!file.has(place) || NEEDED.has(place.at(-1)))) place = place.slice(0, -1);
  const list = place.at(-2);
  const key = place.at(-1);
  const holder = place.slice(0, -1).reduce((at: unknown, step) => (at as Parts | undefined)?.[step], cases);
  if (key === undefined || typeof holder !== 'object' || holder === null) return;
  const parts = holder as Parts;
  const part = parts[key];
  // As a whole it can only have one time too many, or none.
  if (place === path && isMapping(part) && (list === 'steps' || list === 'events'))
    parts[key] = { ...part, at: undefined, after: undefined, ago: undefined };
  else if (list === 'steps' || list === 'given') parts[key] = {};
  else delete parts[key];
}

/** What of a case cannot be told, because something was refused there: whatever is reported in spite of it would only follow from that. */
export class Doubts {
  readonly #faults: readonly YamlPath[];
  readonly #index: number;

  constructor(faults: readonly DefinitionFault[], index: number) {
    this.#index = index;
    this.#faults = faults.flatMap(({ path }) => (path[0] === index ? [path] : []));
  }

  /** Something at this place or within it. */
  within(path: YamlPath): boolean {
    return this.#faults.some((fault) => path.every((step, i) => fault[i] === step));
  }

  /** What a key of the case says: it may be one of those that are unknown. */
  key(name: keyof TrialDefinition): boolean {
    return this.within([this.#index, name]) || this.#faults.some((path) => path.length === 2 && !isKnown(path[1]));
  }

  /** Something about a step that is not within its event, and not within what it expects. */
  step(index: number): boolean {
    return this.#faults.some(
      ([, key, step, part]) => key === 'steps' && step === index && part !== 'event' && part !== 'expect',
    );
  }

  /** When each step is. */
  get times(): boolean {
    return this.#faults.some(([, key, , part]) => key === 'steps' && part !== 'event' && part !== 'expect');
  }
}

function isKnown(key: string | number | undefined): boolean {
  return key === 'name' || key === 'campaigns' || key === 'live' || key === 'given' || key === 'steps';
}
