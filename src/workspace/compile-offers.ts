/** offers.yaml. */
import { OFFERS_MAX } from '../constants.ts';
import { compileDeadline } from './compile-schedule.ts';
import { compileValidity, type Settings } from './compile-settings.ts';
import { offersDefinition } from './definitions.ts';
import { parseDuration } from './duration.ts';
import type { IssueList } from './issue-list.ts';
import { Names } from './references.ts';
import { validate } from './validate.ts';
import type { Offer } from './workspace.ts';
import type { YamlFile } from './yaml-file.ts';

export interface Offers {
  readonly names: Names;
  readonly compiled: readonly Offer[];
}

export function compileOffers(file: YamlFile | null, given: boolean, settings: Settings, issues: IssueList): Offers {
  const none = (complete: boolean): Offers => ({ names: new Names('offer', 'offers.yaml', complete), compiled: [] });
  if (file === null) return none(!given);
  const data = validate(offersDefinition, file, issues);
  if (data === null) return none(false);
  const ids = file.keys([]);
  if (ids.length > OFFERS_MAX)
    issues.report(file.name, file.keyMark([ids[OFFERS_MAX] as string]), `too many offers: at most ${OFFERS_MAX}`);
  const compiled = ids.map((id): Offer => {
    const { title = '', budget, perCustomer, expires, unused, valid } = data[id] ?? {};
    const perMs = perCustomer?.per === undefined ? null : parseDuration(perCustomer.per);
    return {
      id,
      title,
      perCustomer: perCustomer === undefined ? null : { max: perCustomer.max, perMs },
      valid: compileValidity(valid, settings),
      budget: budget ?? null,
      expires:
        expires === undefined ? null : compileDeadline(expires, settings.schedules, file, [id, 'expires'], issues),
      returnsUnused: unused === 'return',
    };
  });
  return { names: new Names('offer', file.name, true, ids), compiled };
}
