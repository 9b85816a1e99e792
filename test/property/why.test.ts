/**
 * Why: explanations against the policy oracle, over the random workspaces and histories that the machine is held to. For a thousand (customer, campaign, event): what the explanation tells is
 * what the oracle says became of that match, step by step, and what the live machine booked; its numbers are those of the oracle's arrays, but for the few that
 * it does not know (why-numbers.ts).
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { CampaignVerdict, ExplainedMoment, Explanation } from '../../src/protocol/explanation.ts';
import { SuppressReason } from '../../src/protocol/rejection.ts';
import { History } from '../../src/replay/history.ts';
import { standingOf } from '../../src/replay/why/standing.ts';
import { explainWhy } from '../../src/replay/why/why.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { KEPT_ROOT, KeptHistory } from '../support/kept-history.ts';
import { workspaceOf } from '../support/machine-fixture.ts';
import { TraceBook } from '../support/trace-book.ts';
import { filesOf, patientVersions, versions } from './policy-arbitraries.ts';
import { crowdedHistories, histories, type Step, wireOf } from './policy-histories.ts';
import { Oracle } from './policy-oracle.ts';
import type { OracleEvent, OracleWorkspace } from './policy-oracle-model.ts';
import type { Verdict } from './policy-oracle-world.ts';
import { expectNumbers } from './why-numbers.ts';

const soak = process.env['BECKON_SOAK'] === '1' ? 20 : 1;
/** The same histories at every run, in which every reason occurs; others for the soak, or by BECKON_SEED. */
const given = process.env['BECKON_SEED'];
const seed = given !== undefined ? { seed: Number(given) } : soak > 1 ? {} : { seed: 20_101_201 };
/** Of one history: how many triples are asked about. */
const ASKED_MAX = 12;

/** What the explanations ended with, and how often. */
const seen = new Map<string, number>();
let asked = 0;

interface Triple {
  readonly customer: string;
  readonly campaign: string;
  readonly event: { readonly id: string | null; readonly type: string; readonly ts: number };
  /** Sequence of the event's record; null: a schedule's run. */
  readonly seq: number | null;
}

interface Heard {
  readonly triple: Omit<Triple, 'campaign' | 'seq'> & { readonly seq: number };
  readonly campaigns: readonly string[];
}

interface Lived {
  readonly oracle: Oracle;
  readonly kept: KeptHistory;
  readonly book: TraceBook;
  /** Events that were accepted, and the campaigns that listened for them then. */
  readonly heard: readonly Heard[];
}

/** Feedback names a decision that was made only on the way. */
function eventOf({ event, answers }: Step, { world }: Oracle): OracleEvent | null {
  if (event === null || answers === null) return event;
  const contact = world.contacts.at(-1 - answers);
  const decision = contact === undefined ? `0-${world.contacts.length + 1000}` : `0-${contact.number}`;
  return {
    ...event,
    customer: answers === 5 ? event.customer : (contact?.customer ?? event.customer),
    data: { ...event.data, decision },
  };
}

/** Lets it happen to the oracle, and to a machine whose log is kept, with snapshots on the way. */
function live(
  clock: 'event' | 'wall',
  [first, second]: readonly [OracleWorkspace, OracleWorkspace],
  at: number,
  cuts: readonly number[],
  history: readonly Step[],
): Lived {
  const start = (history[0] as Step).arrives;
  const oracle = new Oracle(clock);
  const book = new TraceBook();
  const kept = new KeptHistory({ clock, trace: book });
  const heard: Heard[] = [];
  oracle.time(start);
  oracle.publish(first);
  kept.live.publish(workspaceOf(filesOf(first), 1), start);
  for (const [i, step] of history.entries()) {
    const { arrives } = step;
    if (cuts.includes(i)) kept.snapshot();
    oracle.time(arrives);
    if (i === at) {
      oracle.publish(second);
      kept.live.publish(workspaceOf(filesOf(second), 2), arrives);
    }
    const event = eventOf(step, oracle);
    if (event === null) {
      kept.live.tick(arrives);
      continue;
    }
    const facts = oracle.world.facts.length;
    oracle.apply(event, arrives);
    kept.live.send(wireOf(event), arrives);
    const fact = oracle.world.facts[facts];
    if (fact === undefined || fact.customer === null) continue;
    const { id, type, ts } = fact.fact;
    heard.push({
      triple: { customer: fact.customer, event: { id, type, ts }, seq: kept.live.machine.position },
      campaigns: oracle.world.campaigns.filter(({ on }) => on === type).map((campaign) => campaign.id),
    });
  }
  return { oracle, kept, book, heard };
}

const keyOf = (customer: string, campaign: string, { id, type, ts }: Triple['event']): string =>
  [customer, campaign, type, ts, id ?? ''].join(' ');

/** Some of all, the rare reasons first. Events without an id that nothing tells from each other are left out. */
function triplesOf({ oracle, heard }: Lived, random: Prng): Triple[] {
  const triples = new Map<string, { triple: Triple; rank: number }>();
  const seqs = new Map<string, number[]>();
  for (const { triple } of heard) {
    const key = keyOf(triple.customer, '', triple.event);
    seqs.set(key, [...(seqs.get(key) ?? []), triple.seq]);
  }
  const add = (customer: string, campaign: string, event: Triple['event'], rank: number): void => {
    const [seq = null, ...others] = seqs.get(keyOf(customer, '', event)) ?? [];
    const triple = { customer, campaign, event, seq };
    if (others.length === 0) triples.set(keyOf(customer, campaign, event), { triple, rank });
  };
  for (const { triple, campaigns } of heard)
    for (const campaign of campaigns) add(triple.customer, campaign, triple.event, seen.get('unmatched') ?? 0);
  for (const { customer, campaign, trigger, result } of oracle.world.verdicts) {
    const { id, type, ts } = trigger;
    if (customer !== null) add(customer, campaign, { id, type, ts }, seen.get(result) ?? 0);
  }
  const ranked = [...triples.values()].map((each) => ({ ...each, drawn: random.below(1000) }));
  ranked.sort((a, b) => a.rank - b.rank || a.drawn - b.drawn);
  // Half of them the rarest so far, the others as they come.
  const rare = ranked.splice(0, ASKED_MAX / 2);
  ranked.sort((a, b) => a.drawn - b.drawn);
  return [...rare, ...ranked.slice(0, ASKED_MAX / 2)].map(({ triple }) => triple);
}

/** By id where it has one; by its record; or, of a run, by its time. */
function ask(history: History, { kept }: Lived, { customer, campaign, event, seq }: Triple): Explanation {
  const { machine, state } = kept.live;
  const id = seq !== null && event.id !== null ? event.id : null;
  const at = id !== null ? null : seq === null ? new Date(event.ts).toISOString() : String(seq);
  const standing = standingOf(machine, state, customer, campaign);
  return explainWhy(history, 0, { customer, campaign, event: id, at }, { standing, isLate: () => false });
}

/** What it tells of the match, in order. Follow-ups are none. */
function toldOf(
  { moments }: Explanation,
  { campaign, event }: Triple,
): { at: number; moment: ExplainedMoment; verdict: CampaignVerdict }[] {
  return moments.flatMap((moment) =>
    moment.campaigns
      .filter(
        (verdict) =>
          verdict.campaign === campaign &&
          keyOf('', '', { ...verdict.event, ts: Date.parse(verdict.event.ts) }) === keyOf('', '', event) &&
          verdict.steps[0]?.step !== 'follow_up',
      )
      .map((verdict) => ({ at: Date.parse(moment.at), moment, verdict })),
  );
}

const resultOf = ({ result, reason }: CampaignVerdict): string => reason ?? result;

function check(lived: Lived, random: Prng): void {
  const { oracle, kept, book } = lived;
  const history = History.open(kept.fs, KEPT_ROOT);
  try {
    for (const triple of triplesOf(lived, random)) {
      const { customer, campaign, event } = triple;
      const expected = oracle.world.verdicts.filter(
        (each) =>
          each.customer === customer &&
          keyOf(customer, each.campaign, each.trigger) === keyOf(customer, campaign, event),
      );
      const where = JSON.stringify(triple);
      const explanation = ask(history, lived, triple);
      const told = toldOf(explanation, triple);
      const results = told.map(({ at, verdict }) => ({
        at,
        result: resultOf(verdict),
        decision: verdict.decision?.id ?? null,
      }));
      const due = (verdicts: readonly Verdict[]): object[] =>
        verdicts.map(({ at, result, decision }) => ({
          at,
          result,
          decision: decision === null ? null : `0-${decision}`,
        }));
      if (expected.length === 0) expect(results, where).toMatchObject([{ result: 'unmatched', decision: null }]);
      else expect(results, where).toEqual(due(expected));
      const booked = book.outcomes.filter(
        (each) =>
          keyOf(each.customer, each.campaign, { id: each.eventId, type: each.eventType, ts: each.eventTs }) ===
          keyOf(customer, campaign, { ...event, id: event.id ?? '' }),
      );
      expect(
        booked.map(({ now, result }) => ({ at: now, result })),
        where,
      ).toEqual(expected.map(({ at, result }) => ({ at, result })));
      for (const [i, { moment, verdict }] of told.entries())
        expectNumbers(oracle.world, customer, moment, verdict, expected[i] ?? null, where);
      const last = results.at(-1)?.result ?? 'nothing';
      seen.set(last, (seen.get(last) ?? 0) + 1);
      asked++;
    }
  } finally {
    history.close();
    kept.close();
  }
}

const clocks = fc.constantFrom('event' as const, 'wall' as const);
const places = fc.integer({ min: 0, max: 70 });
const cuts = fc.array(places, { maxLength: 3 });

test('an explanation tells what the oracle says became of each match', () => {
  const property = fc.property(clocks, versions, places, cuts, histories, (clock, pair, at, where, history) =>
    check(live(clock, pair, at, where, history), new Prng(at + 1)),
  );
  fc.assert(property, { numRuns: 110 * soak, ...seed });
}, 6_000_000);

test('and so where there is no room for more', () => {
  const property = fc.property(
    clocks,
    patientVersions,
    places,
    cuts,
    crowdedHistories,
    (clock, pair, at, where, history) => check(live(clock, pair, at, where, history), new Prng(at + 1)),
  );
  fc.assert(property, { numRuns: 10 * soak, ...seed });
}, 6_000_000);

test.runIf(given === undefined)('a thousand were asked about, and every reason was among them', () => {
  const missing = [...Object.values(SuppressReason), 'decided', 'waiting', 'unmatched'].filter(
    (reason) => !seen.has(reason),
  );
  expect(missing).toEqual([]);
  expect(asked).toBeGreaterThan(1000);
});

afterAll(() => {
  if (process.env['BECKON_SHOW'] === '1') console.log(asked, [...seen].sort());
});
