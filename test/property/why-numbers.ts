/**
 * Whether the numbers of an explanation's steps are those of the policy oracle's arrays and of its workspace. What the oracle does not know is not compared: how many units are in hand (at most those that are left), which placements were taken, whom a campaign in shadow displaced, how many contacts are kept, and
 * whether a last contact beyond a rule's time is told or forgotten.
 */
import { expect } from 'vitest';
import type {
  CampaignVerdict,
  ExplainedContact,
  ExplainedMoment,
  ExplainedStep,
} from '../../src/protocol/explanation.ts';
import { dayOf, endOfQuiet, isWithin, wallClock } from './policy-oracle-calendar.ts';
import { ENTRIES_MAX } from './policy-oracle-decide.ts';
import { type Channel, DAY, type Days, type OracleCap, type OracleWorkspace } from './policy-oracle-model.ts';
import { countsFor, hashed } from './policy-oracle-policy.ts';
import type { Asked, Contact, Verdict, World } from './policy-oracle-world.ts';

/** `judged`: what the oracle says became of it; null: it did not match. */
export function expectNumbers(
  world: World,
  customer: string,
  moment: ExplainedMoment,
  verdict: CampaignVerdict,
  judged: Verdict | null,
  where: string,
): void {
  const workspace = world.versions[moment.workspace - 1] as OracleWorkspace;
  const at = Date.parse(moment.at);
  for (const step of verdict.steps) {
    const expected = expectedOf({ world, workspace, customer, at, verdict, judged }, step);
    expect(step, `${where} ${moment.at}`).toEqual({ ...step, ...expected });
  }
  if (verdict.result === 'decided') {
    expect(verdict.decision, where).toMatchObject({ campaign: verdict.campaign, customer });
    // What still follows is told, and nothing else.
    const follows = world.entries.some(
      ({ kind, contacts }) => kind === 'cascade' && `0-${contacts[0]?.number}` === verdict.decision?.id,
    );
    expect(
      verdict.steps.some((step) => step.step === 'wait' && step.for === 'cascade'),
      where,
    ).toBe(follows);
  } else expect(verdict.decision, where).toBe(null);
}

interface Told {
  readonly world: World;
  readonly workspace: OracleWorkspace;
  readonly customer: string;
  readonly at: number;
  readonly verdict: CampaignVerdict;
  readonly judged: Verdict | null;
}

/** What the step says where the oracle knows. */
function expectedOf(told: Told, step: ExplainedStep): Partial<ExplainedStep> {
  const { world, workspace, customer, at, verdict, judged } = told;
  const { policy } = workspace;
  const asked = (): Asked => {
    if (judged?.asked == null) throw new Error(`policy was not asked: ${JSON.stringify(step)}`);
    return judged.asked;
  };
  switch (step.step) {
    case 'late': {
      const { latenessMs } = policy;
      const lateMs = at - Date.parse(verdict.event.ts);
      return { passed: lateMs <= latenessMs, ts: verdict.event.ts, latenessMs, lateMs };
    }
    case 'validity': {
      const { campaign } = asked();
      const own = step.of === 'campaign' ? campaign : workspace.offers.find(({ id }) => id === campaign.offer);
      expectDays(own?.valid as Days, step.from, step.to, policy.timezone);
      return {};
    }
    case 'holdout': {
      const { campaign } = asked();
      const percent = step.of === 'campaign' ? campaign.holdoutPercent : policy.holdout.percent;
      const u = hashed('holdout', step.of === 'campaign' ? campaign.id : '', customer);
      return { passed: u >= percent / 100, share: percent / 100, u };
    }
    case 'sequence': {
      const after = workspace.campaigns.find(({ id }) => id === verdict.campaign)?.after;
      const looked = world.sequences.filter(
        ({ campaign, trigger: { id, type, ts }, ...its }) =>
          its.customer === customer &&
          its.at === at &&
          campaign === verdict.campaign &&
          type === verdict.event.type &&
          id === verdict.event.id &&
          ts === Date.parse(verdict.event.ts),
      );
      expect(looked).toHaveLength(1);
      const came = looked[0]?.came ?? [];
      const events = (after?.events ?? []).map(({ event: type, when }, i) => {
        const ts = came[i];
        return { type, when: when?.cel ?? null, at: ts === undefined ? null : textOf(ts) };
      });
      expect(step.passed).toBe(judged !== null);
      return { passed: came.length === events.length, withinMs: after?.withinMs ?? 0, events };
    }
    case 'units': {
      // Days are counted from 1970 there.
      const named = step.key.replace(
        /^(day\/.*\/)(\d+)$/,
        (_, its, day) => its + textOf(Number(day) * DAY).slice(0, 10),
      );
      const unit = asked().units.find(({ key }) => key === named);
      const { key, limit, used, reason } = unit ?? { key: named, limit: 0, used: 0, reason: '' };
      // A limit may have been lowered below what was used.
      expect(step.inHand, key).toBeLessThanOrEqual(Math.max(0, limit - used));
      return { limit, reason: reason as 'limit' | 'budget' };
    }
    case 'offer': {
      const { campaign, contacts } = asked();
      const own = workspace.offers.find(({ id }) => id === campaign.offer);
      const { max = 0, perMs = null } = own?.perCustomer ?? {};
      const given = contacts.filter(({ offer, ts }) => offer === own?.id && (perMs === null || at - ts < perMs));
      return { passed: given.length < max, offer: own?.id as string, max, perMs, contacts: given.map(shown) };
    }
    case 'cooldown': {
      const { campaign, contacts } = asked();
      const { cooldownMs } = campaign;
      const last = contacts.findLast((contact) => contact.campaign === campaign.id);
      return { cooldownMs, ...since(last, cooldownMs, at, step.last) };
    }
    case 'excluded': {
      const { campaign, contacts } = asked();
      const exclusion = policy.exclusions.find(({ name }) => name === step.exclusion);
      const { campaigns = [], groups = [], perMs = 0 } = exclusion ?? {};
      const last = contacts.findLast(
        (each) =>
          each.campaign !== campaign.id &&
          (campaigns.includes(each.campaign) || (each.group !== null && groups.includes(each.group))),
      );
      return { perMs, ...since(last, perMs, at, step.last) };
    }
    case 'consent': {
      const rule = policy.consent[step.channel as Channel];
      const said = (asked().consent.get(step.channel as Channel) ?? null) as 'granted' | 'denied' | null;
      return { passed: rule === 'opt-in' ? said === 'granted' : said !== 'denied', rule, said };
    }
    case 'quiet_hours': {
      const { timezone } = asked();
      const { from, to } = policy.quietHours as NonNullable<typeof policy.quietHours>;
      const passed = !isWithin(from, to, at, timezone);
      const until = passed ? null : textOf(endOfQuiet(from, to, at, timezone));
      return { passed, from, to, timezone, localTime: wallClock(at, timezone)?.slice(11, 16) as string, until };
    }
    case 'cap':
    case 'gap': {
      const { gap, caps } = policy;
      const cap =
        step.step === 'cap'
          ? caps.find(({ name }) => name === step.name)
          : gap && { ...gap, name: step.name, max: 1, perMs: gap.minMs, groups: null, reserved: null };
      return capOf(asked(), cap as OracleCap, at);
    }
    case 'rank': {
      const { campaign, place } = asked();
      // It knows no −0.
      const [score, value] = [(place?.score ?? 0) + 0, (place?.value ?? 0) + 0];
      const winner = step.passed ? null : (judged?.winner ?? null);
      return {
        rank: place?.rank as number,
        of: place?.of as number,
        score,
        value,
        priority: campaign.priority,
        winner,
      };
    }
    case 'full':
      return { waiting: ENTRIES_MAX, max: ENTRIES_MAX };
    case 'wait': {
      const its = { customer, campaign: verdict.campaign, kind: step.for, since: Date.parse(step.since) };
      expect(world.entries).toContainEqual(
        expect.objectContaining({ ...its, dueMs: Date.parse(step.until as string) }),
      );
      return step.passed ? {} : { since: textOf(at) };
    }
    default:
      return {};
  }
}

function capOf({ campaign, contacts }: Asked, cap: OracleCap, at: number): Partial<ExplainedStep> {
  const { max, perMs, reserved } = cap;
  const counted = contacts.filter((contact) => at - contact.ts < perMs && countsFor(cap, contact));
  const room = reserved !== null && campaign.priority < reserved.priority ? max - reserved.max : max;
  const passed = counted.length < room;
  // It is free again when so many have left that there is room.
  const last = passed || room < 1 ? undefined : counted[counted.length - room];
  const until = last === undefined ? null : textOf(last.ts + perMs);
  return { passed, max, room, perMs, contacts: counted.map(shown), until };
}

function since(
  last: Contact | undefined,
  perMs: number,
  at: number,
  told: ExplainedContact | null,
): { passed: boolean; last: ExplainedContact | null; until: string | null } {
  if (last !== undefined && at - last.ts < perMs)
    return { passed: false, last: shown(last), until: textOf(last.ts + perMs) };
  return { passed: true, last: last === undefined || told === null ? null : shown(last), until: null };
}

/** Whole days: the first moment of the first, and of the one after the last. */
function expectDays({ from, to }: Days, told: string | null, toldEnd: string | null, timezone: string): void {
  const days = (time: string | null): [string, string] | null =>
    time === null ? null : [dayOf(Date.parse(time) - 1, timezone), dayOf(Date.parse(time), timezone)];
  const [begin, end] = [days(told), days(toldEnd)];
  expect(begin?.[1] ?? null).toBe(from);
  expect(end?.[0] ?? null).toBe(to);
  for (const [before, after] of [begin, end].filter((each) => each !== null)) expect(before).not.toBe(after);
}

/** Of those that were not sent there is no number. */
function shown({ ts, campaign, channel, number }: Contact): ExplainedContact {
  return { at: textOf(ts), campaign, channel, decision: number === 0 ? null : `0-${number}` };
}

function textOf(ms: number): string {
  return new Date(ms).toISOString();
}
