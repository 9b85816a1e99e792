/** Whether the numbers of an explanation's steps are those of the policy oracle's arrays. */
import { expect } from 'vitest';
import type { CampaignVerdict, ExplainedContact, ExplainedStep } from '../../src/protocol/explanation.ts';
import type { World } from './policy-oracle-world.ts';

type Step<Name extends ExplainedStep['step']> = Extract<ExplainedStep, { step: Name }>;

/** Each step but the last of those that name no channel was passed; the one at which it lost is told. */
export function expectNumbers(
  world: World,
  customer: string,
  at: number,
  verdict: CampaignVerdict,
  where: string,
): void {
  for (const step of verdict.steps) expectStep(world, customer, at, verdict, step, where);
  if (verdict.result === 'decided')
    expect(verdict.decision, where).toMatchObject({ campaign: verdict.campaign, customer });
  else expect(verdict.decision, where).toBe(null);
}

function expectStep(
  world: World,
  customer: string,
  at: number,
  verdict: CampaignVerdict,
  step: ExplainedStep,
  where: string,
): void {
  const told = `${where} ${JSON.stringify(step)}`;
  const contacts = (list: readonly ExplainedContact[], perMs: number | null): void => {
    const made = list.flatMap(({ decision }) => decision ?? []);
    expect(new Set(made).size, told).toBe(made.length);
    if (verdict.status !== 'shadow') expect(made.length, told).toBe(list.length);
    for (const each of list) expectContact(world, customer, at, each, perMs, told);
  };
  switch (step.step) {
    case 'late':
      expect(step.passed, told).toBe(step.lateMs <= step.latenessMs);
      expect(step.lateMs, told).toBe(at - Date.parse(verdict.event.ts));
      return;
    case 'holdout':
      expect(step.passed, told).toBe(step.u >= step.share);
      return;
    case 'units':
      expect(step.limit, told).toBeGreaterThan(0);
      return;
    case 'offer':
      contacts(step.contacts, step.perMs);
      expect(step.passed, told).toBe(step.contacts.length < step.max);
      return;
    case 'cooldown':
    case 'excluded':
      expectLast(world, customer, at, step, told);
      return;
    case 'cap':
    case 'gap':
      contacts(step.contacts, step.perMs);
      expect(step.passed, told).toBe(step.contacts.length < step.room);
      expect(step.room, told).toBeLessThanOrEqual(step.max);
      // It is free again when so many have left the window that there is room.
      if (!step.passed) {
        const times = step.contacts.map((contact) => Date.parse(contact.at)).sort((a, b) => a - b);
        const leaving = times[step.contacts.length - step.room] as number;
        expect(step.until, told).toBe(new Date(leaving + step.perMs).toISOString());
      }
      return;
    case 'consent': {
      const said = world.said.filter(
        (each) => each.customer === customer && each.kind === 'consent' && each.name === step.channel,
      );
      if (step.said === null) return;
      expect(
        said.map(({ value }) => value),
        told,
      ).toContain(step.said);
      return;
    }
    case 'rank':
      expect(step.rank, told).toBeLessThanOrEqual(step.of);
      if (verdict.reason === 'outranked' && !step.passed) {
        const mine = world.verdicts.filter((each) => each.customer === customer && each.campaign === verdict.campaign);
        expect(
          mine.filter((each) => each.at === at && each.result === 'outranked').map(({ winner }) => winner),
          told,
        ).toContain(step.winner);
      }
      return;
    case 'full':
      expect(step.waiting, told).toBeGreaterThanOrEqual(step.max);
      return;
    default:
      return;
  }
}

function expectContact(
  world: World,
  customer: string,
  at: number,
  told: ExplainedContact,
  perMs: number | null,
  where: string,
): void {
  const ts = Date.parse(told.at);
  expect(ts, where).toBeLessThanOrEqual(at);
  if (perMs !== null) expect(at - ts, where).toBeLessThan(perMs);
  const { campaign, channel, decision } = told;
  const its = { customer, campaign, channel, ts };
  if (decision !== null)
    expect(
      world.contacts.find(({ number }) => decision === `0-${number}`),
      where,
    ).toMatchObject(its);
  // Who would have won the same round with campaigns in shadow is kept nowhere.
  else if (ts !== at) expect(world.shadows, where).toContainEqual(expect.objectContaining(its));
}

function expectLast(
  world: World,
  customer: string,
  at: number,
  step: Step<'cooldown'> | Step<'excluded'>,
  where: string,
): void {
  const perMs = step.step === 'cooldown' ? step.cooldownMs : step.perMs;
  const { last, until, passed } = step;
  if (!passed) {
    expect(last, where).not.toBe(null);
    expectContact(world, customer, at, last as ExplainedContact, perMs, where);
    expect(until, where).toBe(new Date(Date.parse((last as ExplainedContact).at) + perMs).toISOString());
  } else if (last !== null) expect(at - Date.parse(last.at), where).toBeGreaterThanOrEqual(perMs);
}
